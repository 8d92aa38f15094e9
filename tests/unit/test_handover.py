"""``exec``: what the command finds, and what is said where it can't be handed over."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from supervisor_reload.handover import HandoverError, answer_at_once, hand_over, tell_notify_socket
from supervisor_reload.notify import address

SHOW = """
import json, os, socket
def about(fd):
    try:
        one = socket.socket(fileno=os.dup(fd))
    except OSError:
        return None
    nodelay = one.family != socket.AF_UNIX and one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    return [one.getsockname(), bool(nodelay)]
environment = {k: v for k, v in os.environ.items() if k.startswith(("LISTEN_", "NOTIFY_"))}
"""
UNDER_SUPERVISORD = {
    "SUPERVISOR_SERVER_URL": "unix:///s.sock",
    "SUPERVISOR_GROUP_NAME": "web",
    "SUPERVISOR_PROCESS_NAME": "web_00",
}


def run(*words: str, stdin: int = subprocess.DEVNULL, **environment: str) -> subprocess.CompletedProcess[str]:
    names = ("SUPERVISOR_", "LISTEN_", "NOTIFY_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(names)}
    return subprocess.run(
        [sys.executable, "-m", "supervisor_reload", "exec", *words],
        stdin=stdin,
        capture_output=True,
        text=True,
        timeout=30,
        env={**clean, **environment},
        check=False,
    )


def shown(*options: str, stdin: int, show: str, **environment: str):
    """What the command that it became tells as JSON."""
    code = f"import sys\nsys.dont_write_bytecode=True\n{SHOW}\nprint(json.dumps({show}))"
    done = run(*options, "--", sys.executable, "-c", code, stdin=stdin, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_command_finds_the_socket_everywhere(listener: socket.socket) -> None:
    """Descriptors 0, 3 and N are the socket, answers go out at once, and systemd's variables tell of it."""
    there = [list(listener.getsockname()), True]
    show = "[[about(n) for n in (0, 3, 7, 8)], environment, os.getpid()]"
    sockets, environment, pid = shown("--fd", "7", stdin=listener.fileno(), show=show)
    assert sockets == [there, there, there, None]
    assert environment == {"LISTEN_FDS": "1", "LISTEN_PID": str(pid), "LISTEN_FDNAMES": "socket"}


def test_no_signal_is_ignored_by_inheritance() -> None:
    """Python ignores SIGPIPE, and exec keeps that: a shell's pipeline would not end."""
    words = run("--no-socket", "--", "grep", "SigIgn", "/proc/self/status").stdout.split()
    assert int(words[1], 16) & (1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1)) == 0


def test_connections_inherit_the_option(listener: socket.socket) -> None:
    """That is what makes answers quick: the server sets nothing."""
    assert answer_at_once(listener.fileno())
    with socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_unix_sockets_are_handed_over_too(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        listening.listen()
        found = shown(stdin=listening.fileno(), show="[about(0), about(3)]")
    assert found == [[str(tmp_path / "s"), False]] * 2


def test_notify_socket_is_told_under_supervisord(listener: socket.socket) -> None:
    """Where the listener hears this process; the operator's own wins."""
    heard = address("unix:///s.sock", "web", "web_00")
    show = "[environment.get('NOTIFY_SOCKET'), environment.get('LISTEN_FDNAMES')]"
    stdin = listener.fileno()
    assert shown(stdin=stdin, show=show, **UNDER_SUPERVISORD) == [heard, "web"]
    assert shown(stdin=stdin, show=show, **UNDER_SUPERVISORD, NOTIFY_SOCKET="/run/own") == ["/run/own", "web"]
    assert shown(stdin=stdin, show=show) == [None, "socket"]


def test_programs_without_a_socket_get_the_rest() -> None:
    """``--no-socket``, for a [program]."""
    show = "[about(3), environment]"
    found = shown("--no-socket", stdin=subprocess.DEVNULL, show=show, **UNDER_SUPERVISORD)
    assert found == [None, {"NOTIFY_SOCKET": address("unix:///s.sock", "web", "web_00")}]


def test_half_an_environment_tells_nothing() -> None:
    environment = {"SUPERVISOR_SERVER_URL": "unix:///s.sock", "SUPERVISOR_GROUP_NAME": "web"}
    tell_notify_socket(environment)
    assert "NOTIFY_SOCKET" not in environment


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--", "true"), 2, "[fcgi-program] with socket=, and not named in a [group:x]? For a [program]"),
        ((), 2, "no command"),
        (("--no-socket", "--"), 2, "no command"),
        (("--wrong", "--", "true"), 2, "unknown option --wrong"),
        (("--fd", "x", "--", "true"), 2, "--fd needs a descriptor's number, 0 or from 3 on, not 'x'"),
        (("--fd=1", "--", "true"), 2, "--fd needs"),
        (("--fd",), 2, "--fd needs"),
        (("--fd", "5", "--no-socket", "--", "true"), 2, "leave one out"),
        (("--no-socket", "--", "no-such-command-anywhere"), 127, "no such command on PATH"),
        (("--no-socket", "--", "/no/such/file"), 127, "no such file"),
        (("--no-socket", "--", "/etc/passwd"), 126, "'/etc/passwd' can't be run"),
        (("--no-socket", "--", ""), 126, "can't be run"),
    ],
)
def test_what_stands_in_the_way_is_said(words: tuple[str, ...], code: int, says: str) -> None:
    """On stderr, in a sentence, with a shell's exit status; stdout is the command's alone."""
    done = run(*words)
    assert (done.returncode, done.stdout) == (code, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_socket_that_does_not_listen_is_refused() -> None:
    """A connection, as inetd hands over, is no listening socket."""
    one, other = socket.socketpair()
    with one, other:
        done = run("--", "true", stdin=one.fileno())
    assert done.returncode == 2
    assert "does not listen" in done.stderr


def test_a_descriptor_beyond_the_limit_is_refused(listener: socket.socket) -> None:
    done = run("--fd", "99999999", "--", "true", stdin=listener.fileno())
    assert done.returncode == 2
    assert "raise minfds" in done.stderr


def test_help_is_no_error_and_not_on_stdout() -> None:
    done = run("--help")
    assert (done.returncode, done.stdout) == (0, "")
    assert "LISTEN_FDS" in done.stderr


def test_options_of_the_command_are_its_own() -> None:
    """With and without ``--`` before it."""
    for words in (("--no-socket", "echo", "--fd", "x"), ("--no-socket", "--", "echo", "--fd", "x")):
        assert run(*words).stdout == "--fd x\n"


def test_it_stays_one_process_with_its_pid(listener: socket.socket) -> None:
    """supervisord signals the pid that it started: that must be the command."""
    with subprocess.Popen(
        [sys.executable, "-m", "supervisor_reload", "exec", "--", "sh", "-c", "echo $$; exec sleep 60"],
        stdin=listener.fileno(),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) == process.pid
        process.terminate()
        assert process.wait(10) == -signal.SIGTERM


def test_it_imports_next_to_nothing() -> None:
    """Each module costs time before every boot: these are all that a bare interpreter has not."""
    code = (
        "import sys; before = set(sys.modules)\n"
        "from supervisor_reload.cli import main\n"
        "import supervisor_reload.handover\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    own = {"supervisor_reload", "supervisor_reload.cli", "supervisor_reload.handover"}
    assert set(done.stdout.split()) - own <= {"__future__", "_socket"}


def test_a_number_that_is_no_socket_is_told() -> None:
    with pytest.raises(HandoverError, match="descriptor 0 is no socket"):
        answer_at_once_of(os.devnull)
    with pytest.raises(HandoverError, match="descriptor 9999 is no socket"):
        answer_at_once(9999)


def answer_at_once_of(path: str) -> None:
    """With descriptor 0 for a moment."""
    kept = os.dup(0)
    nothing = os.open(path, os.O_RDONLY)
    try:
        os.dup2(nothing, 0)
        hand_over(None, {})
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        os.close(nothing)
