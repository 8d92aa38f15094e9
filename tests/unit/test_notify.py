"""What an application says: by the socket, by supervisord's tokens, or to nobody. Never an exception."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from supervisor.events import ProcessCommunicationEvent

from supervisor_reload import notify
from supervisor_reload.edges.sayings import parse
from tests.integration.supervisord import short_directory

LIMIT = 10.0
URL = "unix:///tmp/s.sock"


@pytest.fixture
def ear() -> Iterator[socket.socket]:
    """An abstract socket, named in NOTIFY_SOCKET's manner by ``name``."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind("\0" + notify.address(URL, "test", str(os.getpid()))[1:])
        bound.settimeout(LIMIT)
        yield bound


def name(ear: socket.socket) -> str:
    return "@" + os.fsdecode(ear.getsockname()[1:])


@pytest.fixture(autouse=True)
def nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("NOTIFY_SOCKET", "SUPERVISOR_ENABLED"):
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize(
    ("say", "heard"),
    [
        (notify.ready, "READY=1"),
        (notify.stopping, "STOPPING=1"),
        (lambda: notify.draining(active=3), "STOPPING=1\nX_ACTIVE=3"),
        (lambda: notify.draining(-1), "STOPPING=1\nX_ACTIVE=0"),
        (lambda: notify.status("3 of 7 ä"), "STATUS=3 of 7 ä"),
        (lambda: notify.status("x\nREADY=1\0\x1b[2J"), "STATUS=x READY=1  [2J"),
        (lambda: notify.status("y" * 5000), "STATUS=" + "y" * 200),
    ],
)
def test_by_the_socket(ear, monkeypatch, say, heard) -> None:
    """Exactly these bytes: sd_notify(3)."""
    monkeypatch.setenv("NOTIFY_SOCKET", name(ear))
    assert say() is True
    assert heard == ear.recv(8192).decode()


def test_by_a_socket_with_a_path(monkeypatch) -> None:
    """As systemd's own."""
    directory = short_directory()
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
            bound.bind(str(directory / "s"))
            monkeypatch.setenv("NOTIFY_SOCKET", str(directory / "s"))
            assert notify.ready() is True
            assert b"READY=1" == bound.recv(100)
    finally:
        shutil.rmtree(directory)


def said(code: str, **environment: str) -> bytes:
    """What a process that runs ``code`` writes to its stdout."""
    done = subprocess.run(
        [sys.executable, "-c", f"from supervisor_reload import notify\n{code}"],
        env={**os.environ, **environment},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (0, b"") == (done.returncode, done.stderr)
    return done.stdout


def tokens(output: bytes) -> str:
    before, _, rest = output.partition(ProcessCommunicationEvent.BEGIN_TOKEN)
    inside, _, after = rest.partition(ProcessCommunicationEvent.END_TOKEN)
    assert (b"", b"") == (before, after)
    return inside.decode()


def test_by_tokens_under_supervisord() -> None:
    """Supervisor's own tokens, as supervisor.events spells them, with the pid of who says it."""
    code = "import os; assert notify.draining(active=2); os.write(2, b'') "
    text = tokens(said(code, SUPERVISOR_ENABLED="1"))
    assert text.startswith("STOPPING=1\nX_ACTIVE=2\nX_PID=")
    assert (False, 2) == (parse(text).is_ready, parse(text).active)
    assert parse(text).sender > 0


def test_a_deaf_socket_is_no_reason_to_be_silent() -> None:
    """The listener restarts: an event waits in supervisord."""
    output = said("assert notify.ready()", SUPERVISOR_ENABLED="1", NOTIFY_SOCKET="@nobody/listens/here")
    assert parse(tokens(output)).is_ready


def test_a_token_in_a_status_ends_nothing() -> None:
    """supervisord would take the rest for output."""
    code = "assert notify.status('<!--XSUPERVISOR:END-->' * 100)"
    assert tokens(said(code, SUPERVISOR_ENABLED="1")).startswith("STATUS=<! --XSUPERVISOR:END-->")


def test_one_message_is_one_piece_of_a_pipe() -> None:
    """However long its status: then nothing comes between (pipe(7), PIPE_BUF)."""
    output = said("notify.status('\\U0001f600' * 5000)", SUPERVISOR_ENABLED="1")
    assert 800 < len(output) < 4096


def test_nobody_is_told_where_nobody_listens(capfd) -> None:
    """Neither a socket nor supervisord: nothing is written."""
    assert [False] * 4 == [notify.ready(), notify.stopping(), notify.status("x"), notify.draining(0)]
    assert ("", "") == capfd.readouterr()


@pytest.mark.parametrize("where", ["", "@", "/", "vsock:2:1", "@" + "x" * 500, "/nowhere/at/all", "@\udcff"])
def test_a_socket_that_is_none(monkeypatch, where) -> None:
    """Whatever NOTIFY_SOCKET holds."""
    monkeypatch.setenv("NOTIFY_SOCKET", where)
    assert notify.ready() is False


def test_a_reader_that_is_stuck_costs_a_second(ear, monkeypatch) -> None:
    """Its queue is full: an application goes on."""
    monkeypatch.setenv("NOTIFY_SOCKET", name(ear))
    monkeypatch.setattr(notify, "SEND_LIMIT", 0.05)
    # net.unix.max_dgram_qlen or the sender's buffer: either ends well below this
    assert False in (notify.ready() for _ in range(10_000))


def test_a_closed_stdout() -> None:
    """A daemon has none."""
    code = "import os; os.close(1); assert notify.ready() is False; os.open('/dev/null', os.O_WRONLY)"
    assert b"" == said(code, SUPERVISOR_ENABLED="1")


@pytest.mark.parametrize("active", ["x", None, float("inf"), float("nan"), object()])
def test_a_number_that_is_none(ear, monkeypatch, active) -> None:
    """A mistake of the application's; nothing is said, so nothing wrong is believed."""
    monkeypatch.setenv("NOTIFY_SOCKET", name(ear))
    assert notify.draining(active) is False
    ear.setblocking(False)
    with pytest.raises(BlockingIOError):
        ear.recv(100)


@given(st.text(), st.text(), st.text())
def test_an_address_is_one(server, group, process) -> None:
    """Always short enough for a socket, and always the same."""
    try:
        os.fsencode(server + group + process)
    except UnicodeEncodeError:
        return
    where = notify.address(server, group, process)
    assert where.startswith("@supervisor-reload/")
    assert len(os.fsencode(where)) <= notify.ADDRESS_LIMIT
    assert where == notify.address(server, group, process)


def test_addresses_differ() -> None:
    """By supervisord, group and process; also where they are too long to be read."""
    long = "x" * 200
    every = {
        notify.address(url, group, process)
        for url in (URL, "http://localhost:9001")
        for group in ("web", long)
        for process in ("web_00", "web_01", f"{long}0", f"{long}1")
    }
    assert len(every) == 16
    assert notify.address(URL, "web", "web_00").endswith("/web:web_00")


def test_importing_it_costs_nothing() -> None:
    """An application that never says a word has paid for no socket, no hash, nothing of ours or theirs."""
    names = "socket", "hashlib", "supervisor", "supervisor_reload.core", "supervisor_reload.edges"
    assert b"[]" == said(f"import sys; print([m for m in {names} if m in sys.modules])").strip()
