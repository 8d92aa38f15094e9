"""Which file is read, and how its reader may come in to supervisord."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from supervisor_reload import config
from supervisor_reload.config.find import of_parent
from supervisor_reload.core.errors import ConfigErrors
from tests.fakes.place import HEAD, LISTENER, PLAIN, RELOAD


def test_credentials(place):
    """
    User name and password are those of the server that supervisord tells its listeners.
    """
    locked = HEAD.replace("[unix_http_server]", "[unix_http_server]\nusername=u\npassword=p%%q")
    both = "[inet_http_server]\nport=9001\nusername=i\npassword=j\n"
    found = place.read(locked, both, LISTENER, PLAIN, RELOAD)
    assert (found.settings.username, found.settings.password) == ("u", "p%q")
    chosen = place.read(locked, both, LISTENER, "serverurl=http://localhost:9001\n", PLAIN, RELOAD)
    assert (chosen.settings.username, chosen.server_url) == ("i", "http://localhost:9001")


def test_hashed_password(place):
    """
    A hash opens no door; supervisorctl's own section may have the words.
    """
    locked = HEAD.replace("[unix_http_server]", "[unix_http_server]\nusername=u\npassword={SHA}82ab876d")
    (error,) = place.errors(locked, LISTENER, PLAIN, RELOAD)
    assert error.startswith("HERE/supervisord.conf: [unix_http_server] password: is a hash")
    found = place.settings(locked, "[supervisorctl]\nusername=u\npassword=clear\n", LISTENER, PLAIN, RELOAD)
    assert (found.username, found.password) == ("u", "clear")


def test_state_beside_the_pid_file(place):
    """
    Without a unix socket our files are beside the pid file; a relative one is worth a warning.
    """
    inet = HEAD.replace("[unix_http_server]", "[inet_http_server]\nport=127.0.0.1:9001")
    assert place.settings(inet, LISTENER, PLAIN, RELOAD).state_dir == str(
        place.directory / "run" / "supervisor_reload-supervisor"
    )
    loose = inet.replace("pidfile=%(here)s/run/", "pidfile=")
    (warning,) = place.warnings(loose, LISTENER, PLAIN, RELOAD)
    assert "[reload] state_dir: is beside the pid file, whose place depends on" in warning


def test_file_that_does_not_exist(place):
    """
    A file that is not there is one error, not a traceback.
    """
    with pytest.raises(ConfigErrors) as caught:
        config.read(str(place.directory / "none.conf"))
    assert str(caught.value) == f"{place.directory}/none.conf: could not find config file"


@pytest.mark.parametrize(
    "content", [b"no section\n", b"[supervisord\n", b"[a]\nx", b"[a]\n=\n", b"\xff\xfe[a]"]
)
def test_file_that_is_no_configuration(place, content):
    """
    A file that can't be parsed is told with the place in it.
    """
    place.conf.write_bytes(content)
    with pytest.raises(ConfigErrors) as caught:
        config.read(str(place.conf))
    assert str(place.conf) in str(caught.value)


def test_search_path(place, monkeypatch):
    """
    Without a name, the file is the one that supervisord itself would find.
    """
    monkeypatch.delenv("SUPERVISOR_ENABLED", raising=False)
    monkeypatch.setattr(sys, "argv", [str(place.directory / "bin" / "supervisor-reload")])
    monkeypatch.chdir(place.directory)
    place.write(HEAD)
    assert config.find() == str(place.conf)
    place.conf.unlink()
    if not any(Path(path).exists() for path in ("/etc/supervisord.conf", "/etc/supervisor/supervisord.conf")):
        with pytest.raises(ConfigErrors, match="no configuration file found at the default paths"):
            config.find()


def _process(proc: Path, pid: int, argv: list[str], parent: int, cwd: Path) -> None:
    (proc / str(pid)).mkdir(parents=True)
    (proc / str(pid) / "cmdline").write_bytes(b"".join(os.fsencode(word) + b"\0" for word in argv))
    (proc / str(pid) / "stat").write_text(f"{pid} (sh (x) y) S {parent} 1 1\n")
    (proc / str(pid) / "cwd").symlink_to(cwd)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["python3", "/usr/bin/supervisord", "-c", "/etc/s.conf"], "/etc/s.conf"),
        (["python3", "-u", "/usr/bin/supervisord", "-n", "-c/etc/s.conf"], "/etc/s.conf"),
        (["supervisord", "--configuration=s.conf"], "PLACE/s.conf"),
        (["python3", "-m", "supervisor.supervisord", "-n", "--conf", "s.conf"], "PLACE/s.conf"),
        (
            ["python3", "-c", "from supervisor.supervisord import main; main()", "-c", "s.conf"],
            "PLACE/s.conf",
        ),
        (["supervisord", "-n"], None),
        (["runit", "-c", "s.conf"], None),
    ],
)
def test_file_of_the_supervisord_that_runs_us(place, monkeypatch, argv, expected):
    """
    The command line of our parent tells the file, also with a shell in between.
    """
    proc = place.directory / "proc"
    _process(proc, os.getppid(), ["sh", "-c", "supervisor-reload listen"], 4242, place.directory)
    _process(proc, 4242, argv, 1, place.directory)
    monkeypatch.setenv("SUPERVISOR_ENABLED", "1")
    found = of_parent(str(proc))
    assert found == (expected and expected.replace("PLACE", str(place.directory)))
    monkeypatch.delenv("SUPERVISOR_ENABLED")
    assert of_parent(str(proc)) is None


def test_file_of_a_supervisord_of_another_user(place, monkeypatch):
    """
    Where it was started can't be seen (proc(5)): an absolute name needs no look, a relative one is an error.
    """

    def refuse(path: Path) -> Path:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setenv("SUPERVISOR_ENABLED", "1")
    monkeypatch.setattr(Path, "readlink", refuse)
    for name, argv in (
        ("proc1", ["supervisord", "-c", "/etc/s.conf"]),
        ("proc2", ["supervisord", "-cs.conf"]),
    ):
        _process(place.directory / name, os.getppid(), argv, 1, place.directory)
    assert of_parent(str(place.directory / "proc1")) == "/etc/s.conf"
    with pytest.raises(ConfigErrors) as caught:
        of_parent(str(place.directory / "proc2"))
    assert str(caught.value) == (
        "supervisord is another user's, so where its 's.conf' is can't be seen: give -c"
    )
