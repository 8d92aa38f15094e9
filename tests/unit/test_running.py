"""The parts of ``run`` that need no supervisord: its private files, its launcher, and what it says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from supervisor_reload import config
from supervisor_reload.cli import main
from supervisor_reload.core.model import Strategy
from supervisor_reload.running import Request, RunError
from supervisor_reload.running.place import PLAIN, WRITABLE, Place
from supervisor_reload.running.templates import BY_SHELL, DIRECT

SHOW = "import os, sys; os.write(1, b'\\0'.join(map(os.fsencode, sys.argv[1:])) + b'|')"
WORDS = st.lists(st.binary(max_size=12).filter(lambda word: b"\0" not in word), max_size=5)


@pytest.fixture
def code(tmp_path, monkeypatch):
    """The caller's directory, with a temporary directory whose path is short and plain."""
    directory = tmp_path / "my code"
    directory.mkdir()
    monkeypatch.chdir(directory)
    return directory


@pytest.fixture
def make():
    """Places, which are removed at the end."""
    places: list[Place] = []

    def make_one(**keys: object) -> Place:
        places.append(Place(Request(**{"argv": (sys.executable, "-c", "pass"), **keys})))
        return places[-1]

    yield make_one
    for place in places:
        place.remove()


def read(place: Place):
    """The one target that the listener would find."""
    (target,) = config.read(str(place.conf)).settings.targets
    return target


def became(place: Place) -> subprocess.CompletedProcess[bytes]:
    """Run the launcher as supervisord would, with its pipes as 0 to 2 and the terminal's as 3 and 4."""
    out, err = place.directory / "out", place.directory / "err"
    ended = subprocess.run(
        ["sh", "-c", 'exec "$0" exec 3>"$1" 4>"$2"', place.directory / "supervisor-reload", out, err],
        input=b"",
        capture_output=True,
        timeout=20,
        cwd=place.directory / "cwd",
        check=False,
    )
    assert ended.stdout + ended.stderr == b""
    return subprocess.CompletedProcess(ended.args, ended.returncode, out.read_bytes(), err.read_bytes())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=WORDS)
@example(
    words=[b"", b"--", b"-c", b"%(here)s%%", b"a;b # c", b"line\r\n end ", b"\xff\xfe\x81", b"'\"\\$(id)`"]
)
def test_every_argument_arrives(code, words):
    """
    Whatever bytes the arguments hold, the command gets exactly them.
    """
    place = Place(Request(argv=(sys.executable, "-c", SHOW, *map(os.fsdecode, words))))
    try:
        assert became(place).stdout == b"\0".join(words) + b"|"
    finally:
        place.remove()


def test_a_command_that_vanished(code, make):
    """
    A command that is not there when its turn comes is one line on stderr, and the shell's status.
    """
    command = code / "server"
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    place = make(argv=("./server",))
    command.unlink()
    ended = became(place)
    assert ended.returncode == 127
    assert ended.stderr == b"supervisor-reload: './server' can't be run: No such file or directory\n"
    command.write_text("")
    assert became(place).returncode == 126


def test_the_launcher_through_a_shell(code, make):
    """
    Where Python's path can't stand in a script's first line, a shell begins the same script.
    """
    place = make(argv=("/bin/echo", "a  b"))
    script = place.directory / "supervisor-reload"
    direct = DIRECT.format(python=sys.executable)
    assert script.read_text().startswith(direct)
    python = code / "my python"
    python.symlink_to(os.path.realpath(sys.executable))
    script.write_text(BY_SHELL.format(python=f"'{python}'") + script.read_text().removeprefix(direct))
    assert became(place).stdout == b"a  b\n"


def test_what_the_predecessor_left_is_ended(make):
    """
    Members of the predecessor's process group end before the command begins; a stranger's group does not.
    """
    code = "import os; os.setpgrp(); print(flush=True); os.execvp('sleep', ['sleep', '60'])"
    left = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert left.stdout is not None
    with left.stdout as stdout:
        assert stdout.readline() == b"\n"
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
    place = make(argv=("/bin/echo", "begun"), stop_timeout=5)
    group = place.directory / "group."
    try:
        for process in (stranger, left):
            group.write_text(str(process.pid))
            assert became(place).stdout == b"begun\n"
        assert left.wait(5) == -signal.SIGTERM
        assert stranger.poll() is None
    finally:
        for process in (left, stranger):
            process.kill()
            process.wait()


def test_plain_restart(code, make):
    """
    Without options: one process, restarted in place, checked by the Python that runs it.
    """
    target = read(make())
    assert [slot.name for slot in target.slots] == ["program:program"]
    assert target.watch.paths == (str(code),)
    assert target.check.python
    assert (target.strategy, target.has_spare, target.stop_timeout) == (Strategy.ROLLING, False, 10)
    assert target.slots[0].ready.scheme == "running"


def test_swap(code, make):
    """
    With a socket: two slots, one replica, and readiness by accepting.
    """
    target = read(make(socket="tcp://127.0.0.1:8000", stop_signal="QUIT", stop_timeout=3))
    assert [slot.name for slot in target.slots] == ["program:program_00", "program:program_01"]
    assert (target.replicas, target.has_spare, target.slots[0].ready.scheme) == (1, True, "accepting")
    assert (target.stop_signal, target.stop_timeout) == ("QUIT", 3)


def test_signal(code, make):
    """
    With a signal the command reloads itself.
    """
    target = read(make(signal="usr2", ready="http://127.0.0.1:80/%7Ex?a=%20b"))
    assert (target.strategy, target.signal) == (Strategy.SIGNAL, "USR2")
    assert target.slots[0].ready.address == "http://127.0.0.1:80/%7Ex?a=%20b"


def test_commands_of_the_user_are_scripts(code, make):
    """
    A check or readiness command arrives as it was written, whatever supervisord.conf would make of it.
    """
    words = ["100%", "a ; b", "# c", "ü", "it's"]
    quoted = "printf '%s|' \"100%\" 'a ; b' '# c' ü \"it's\""
    target = read(make(argv=("sh",), check=quoted, ready=quoted))
    for command in (target.check.command, target.slots[0].ready.command):
        shown = subprocess.run([*command], capture_output=True, timeout=10, check=True).stdout
        assert shown.decode() == "".join(f"{word}|" for word in words)


@pytest.mark.parametrize(
    "name", ["plain", "with space", "a,b", "100%", "x;y", "#z", "é", "line\nend", " edge "]
)
def test_any_directory_can_be_watched(code, make, name):
    """
    A watched path arrives as it is, or as a link to it where it can't be written.
    """
    (code / name).mkdir()
    (path,) = read(make(watch=(name,))).watch.paths
    assert os.path.realpath(path) == str(code / name)
    assert (path == str(code / name)) == bool(WRITABLE.fullmatch(str(code / name)))


def test_we_are_never_code(code, make):
    """
    Whoever watches the directory of temporary files does not watch our own.
    """
    place = make(watch=(tempfile.gettempdir(),), exclude=("*.log",))
    assert read(place).watch.exclude == ("*.log", f"{place.directory.name}/")


def test_nobody_else_may_look(make):
    """
    The directory, with the command's words in it, is the user's alone.
    """
    place = make()
    assert place.directory.stat().st_mode & 0o777 == 0o700
    place.remove()
    assert not place.directory.exists()


def test_a_temporary_directory_that_needs_care(code, make, monkeypatch, tmp_path):
    """
    A TMPDIR with odd characters, or too long for a socket's path, is not used.
    """
    odd = tmp_path / "100% odd"
    odd.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(odd))
    place = make()
    assert place.directory.parent == Path("/tmp")
    assert not PLAIN.fullmatch("/" + "x" * 100)


def test_nothing_is_left_of_a_wrong_request(code, monkeypatch):
    """
    A request that makes no sense leaves no directory.
    """
    with tempfile.TemporaryDirectory(prefix="sr-") as temporary:
        monkeypatch.setattr(tempfile, "tempdir", temporary)
        with pytest.raises(RunError, match="--exclude: 'a;b' holds a character"):
            Place(Request(argv=("true",), exclude=("a;b",)))
        assert os.listdir(temporary) == []


@pytest.mark.parametrize("argv", [["run", "--help"], ["run", "--watch", "a", "--help"]])
def test_help_says_what_happens_to_stdin_and_the_socket(argv, capsys):
    """
    The help tells what a user would stumble over.
    """
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "/dev/null" in text
    assert "descriptor 0" in text
