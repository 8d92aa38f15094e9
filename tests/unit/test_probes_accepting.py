"""The probe accepting, and whose connection it is: real servers, real sockets, /proc."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor_reload.core.model import ReadySettings
from supervisor_reload.edges.connections import holder, holds, listening, server_end
from supervisor_reload.edges.probes.accepting import accepting
from supervisor_reload.edges.probes.answering import accepted
from supervisor_reload.edges.sockdiag import netlink
from tests.fakes.children import as_nobody, child
from tests.fakes.servers import (
    ASLEEP,
    BLOCKING,
    EPOLL,
    EPOLL_BOOTING,
    NEVER,
    answers,
)
from tests.integration.supervisord import short_directory, wait_for

LIMIT = 10.0
SHORT = 0.4


def test_accepting_on_epoll(listener: socket.socket) -> None:
    """Seen without a connection: none waits afterwards."""
    with child(EPOLL, stdin=listener.fileno()) as process:
        assert wait_for(lambda: accepting(ReadySettings(), process.pid, LIMIT, NEVER) is None, LIMIT)
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_accepting_with_an_epoll_that_does_not_listen_yet(listener: socket.socket) -> None:
    """Half-booted: the event loop is there, the socket is not registered."""
    with child(EPOLL_BOOTING, stdin=listener.fileno()) as process:
        refusal = accepting(ReadySettings(), process.pid, LIMIT, NEVER)
    assert "no process of the slot waits on its listening socket yet" == refusal


ARBITER = """
import os, select, signal, socket, sys
served = socket.socket(fileno=os.dup(0))
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
control = socket.socket(socket.AF_UNIX)
control.bind(sys.argv[1])
control.listen()
waiting = select.epoll()
waiting.register(control, select.EPOLLIN)
booted, boot = os.pipe()
signal.signal(signal.SIGUSR1, lambda *_: os.write(boot, b"b"))
worker = os.fork()
if not worker:
    waiting.close()
    print("up", flush=True)
    os.read(booted, 1)
    while True:
        held = served.accept()
while True:
    signal.pause()
"""
"""As gunicorn 27: waits on a socket by which it is controlled, before its worker accepts anything, and has
put something else in the place of descriptor 0"""


@pytest.mark.parametrize("kind", ["listener", "unix"])
def test_accepting_is_not_told_by_a_control_socket(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Only the socket on which the program serves counts, and a worker without an epoll is asked."""
    served: socket.socket = request.getfixturevalue(kind)
    name = served.getsockname()
    ready = ReadySettings(address=f"unix://{name}" if kind == "unix" else f"tcp://localhost:{name[1]}")
    with child(ARBITER, str(tmp_path / "control"), stdin=served.fileno()) as process:
        refusal = accepting(ready, process.pid, SHORT, NEVER)
        assert "connected, but nobody accepted the connection" == refusal
        process.send_signal(signal.SIGUSR1)
        assert wait_for(lambda: accepting(ready, process.pid, LIMIT, NEVER) is None, LIMIT)


def test_accepting_with_a_blocking_accept(listener: socket.socket) -> None:
    """Nothing shows it, so one connection is opened; a process that only holds the socket does not pass."""
    with child(ASLEEP, stdin=listener.fileno()) as process:
        refusal = accepting(ReadySettings(), process.pid, SHORT, NEVER)
        assert "connected, but nobody accepted the connection" == refusal
    with answers(listener, "pass") as pid:
        assert accepting(ReadySettings(), pid, LIMIT, NEVER) is None


def test_accepting_on_an_address_of_its_own() -> None:
    """The connection goes where the socket listens, not to localhost."""
    with socket.create_server(("127.0.0.3", 0)) as listener, answers(listener, "pass") as pid:
        assert accepting(ReadySettings(), pid, LIMIT, NEVER) is None


def test_accepting_without_a_listening_socket() -> None:
    """Bound is not listening, and somebody else's socket is not the slot's."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with child(ASLEEP, stdin=bound.fileno()) as process:
            refusal = accepting(ReadySettings(), process.pid, LIMIT, NEVER)
    assert refusal is not None
    assert refusal.startswith("no process of the slot holds a listening socket")


@pytest.fixture
def unix() -> Iterator[socket.socket]:
    """A listening unix socket."""
    directory = short_directory()
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(directory / "s"))
            listener.listen(1)
            yield listener
    finally:
        shutil.rmtree(directory)


def test_accepting_on_a_unix_socket(unix: socket.socket) -> None:
    """With epoll and with a blocking accept, like on a port."""
    assert f"unix://{unix.getsockname()}" == listening()[os.fstat(unix.fileno()).st_ino]
    with child(EPOLL, stdin=unix.fileno()) as process:
        assert wait_for(lambda: accepting(ReadySettings(), process.pid, LIMIT, NEVER) is None, LIMIT)
    unix.setblocking(True)  # the one on epoll has changed that for all who share the socket
    with child(ASLEEP, stdin=unix.fileno()) as process:
        refusal = accepting(ReadySettings(), process.pid, SHORT, NEVER)
        assert "connected, but nobody accepted the connection" == refusal
    with answers(unix, "pass") as pid:
        assert accepting(ReadySettings(), pid, LIMIT, NEVER) is None


def test_accepting_on_a_unix_socket_with_a_name_that_is_relative(tmp_path: Path) -> None:
    """It is found from where the process works."""
    bind = "s = socket.socket(socket.AF_UNIX); s.bind('s'); s.listen(); os.dup2(s.fileno(), 0)"
    code = f"import os, socket; os.chdir({str(tmp_path)!r}); {bind}\n" + BLOCKING.format(answer="pass")
    with child(code) as process:
        assert accepting(ReadySettings(), process.pid, LIMIT, NEVER) is None


def test_accepting_on_an_abstract_unix_socket() -> None:
    """It has no path."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0supervisor-reload test {os.getpid()}")
        listener.listen()
        with answers(listener, "pass") as pid:
            assert accepting(ReadySettings(), pid, LIMIT, NEVER) is None


def at_unix(listener: socket.socket) -> ReadySettings:
    return ReadySettings(scheme="unix", address=f"unix://{listener.getsockname()}")


def test_a_unix_socket_that_the_old_process_shares(unix: socket.socket) -> None:
    """It is the old one that accepts, and that is said."""
    with answers(unix, "pass") as old, child(ASLEEP, stdin=unix.fileno()) as new:
        refusal = accepted(at_unix(unix), new.pid, LIMIT, NEVER)
        assert refusal is not None
        assert refusal.startswith(f"answered by pid {old} (")
        assert accepted(at_unix(unix), old, LIMIT, NEVER) is None


def test_a_unix_socket_whose_backlog_is_full(unix: socket.socket) -> None:
    """Linux does not wait there, but refuses."""
    with child(ASLEEP, stdin=unix.fileno()) as process, contextlib.ExitStack() as stack:
        with pytest.raises(BlockingIOError):
            for _ in range(10):
                filling = stack.enter_context(socket.socket(socket.AF_UNIX))
                filling.setblocking(False)
                filling.connect(unix.getsockname())
        refusal = accepted(at_unix(unix), process.pid, LIMIT, NEVER)
    assert "its backlog is full: nobody accepts connections" == refusal


def test_a_unix_socket_that_closes_at_once(unix: socket.socket) -> None:
    """Told at once; the kernel shows nobody's end of it, as of one that nobody accepted yet."""
    with answers(unix, "held.pop().close()") as pid:
        began = time.monotonic()
        refusal = accepted(at_unix(unix), pid, LIMIT, NEVER)
        assert time.monotonic() - began < LIMIT / 2
    # seen open by the first look, now and then; or closed between the look at it and the one at its holder
    closed = "connected, and the connection was closed at once, by whom can't be told"
    other = f"answered by another process, not by the new process {pid}"
    assert refusal in (None, closed, other)


def test_a_unix_socket_that_is_not_there(tmp_path: Path) -> None:
    """The reason, with the path."""
    refusal = accepted(ReadySettings(address=f"unix://{tmp_path}/s"), os.getpid(), LIMIT, NEVER)
    assert f"unix://{tmp_path}/s: [Errno 2] No such file or directory" == refusal


def test_a_unix_socket_where_the_kernel_tells_nothing(
    unix: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else knows the other end; what to do is said."""

    def refused(*_: object) -> socket.socket:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(netlink, "_open", refused)
    with answers(unix, "pass") as pid:
        refusal = accepted(at_unix(unix), pid, LIMIT, NEVER)
    why = "can't tell who accepts on a unix socket (Operation not permitted): set ready= to a command"
    assert refusal == f"{at_unix(unix).address}: [Errno 1] {why}"


def server_inode(connection: socket.socket) -> int:
    end = server_end(connection)
    assert end is not None
    return end.inode


@pytest.mark.parametrize(
    ("host", "client"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("::", "127.0.0.1"),
        ("::", "::1"),
        ("0.0.0.0", "127.0.0.2"),
    ],
)
def test_whose_connection_it_is(host: str, client: str) -> None:
    """Over IPv4, IPv6, and IPv4 on a socket that listens on both."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, 0), family=family, dualstack_ipv6=host == "::")
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    with listener, socket.create_connection((client, listener.getsockname()[1])) as connection:
        assert server_inode(connection) == 0
        accepted, _ = listener.accept()
        with accepted:
            assert os.fstat(accepted.fileno()).st_ino == server_inode(connection)
            assert holds([os.getpid()], os.fstat(accepted.fileno()).st_ino)
            assert f"pid {os.getpid()} (" in holder(os.fstat(accepted.fileno()).st_ino)


def test_another_client_with_our_port_is_not_we() -> None:
    """On a busy server many clients share a port number; their addresses tell them apart."""
    with socket.create_server(("0.0.0.0", 0)) as listener, socket.socket() as other, socket.socket() as ours:
        port = listener.getsockname()[1]
        other.bind(("127.0.0.2", 0))
        ours.bind(("127.0.0.3", other.getsockname()[1]))
        other.connect(("127.0.0.1", port))
        accepted, _ = listener.accept()
        with accepted:
            ours.connect(("127.0.0.1", port))
            assert server_inode(ours) == 0
            assert os.fstat(accepted.fileno()).st_ino == server_inode(other)


def test_a_socket_that_nobody_holds() -> None:
    """It was closed meanwhile."""
    assert "" == holder(2**40)


ASKS = """
import os, sys, threading
from supervisor_reload.core.model import ReadySettings
from supervisor_reload.edges.probes import PROBES
os.setuid(NOBODY)
pid, address = int(sys.argv[1]), sys.argv[2]
for scheme in "accepting", "tcp":
    print(PROBES[scheme](ReadySettings(scheme=scheme, address=address), pid, 10.0, threading.Event()))
"""


def test_a_slot_that_runs_as_another_user(listener: socket.socket) -> None:
    """Its sockets are hidden from a listener without rights: that is said, not that a stranger answers."""
    host, port = listener.getsockname()
    with answers(listener, "pass") as pid:
        said = as_nobody(ASKS, str(pid), f"tcp://{host}:{port}").splitlines()
    hidden = f"may not look into pid {pid}, another user's: run the listener as root or as that user, or "
    assert [f"{hidden}set ready= to a command"] * 2 == said


STRANGER = """
import os, socket, sys, threading
from supervisor_reload.core.model import ReadySettings
from supervisor_reload.edges.probes.answering import accepted
listener = socket.create_server(("127.0.0.1", 0))
connections = []
threading.Thread(target=lambda: connections.append(listener.accept())).start()
os.setuid(NOBODY)
host, port = listener.getsockname()
ready = ReadySettings(scheme="tcp", address=f"tcp://{host}:{port}")
print(os.getpid(), accepted(ready, int(sys.argv[1]), 10.0, threading.Event()))
"""


def test_a_stranger_is_named_also_where_the_slot_is_hidden(listener: socket.socket) -> None:
    """Whom we can see answer is not the slot's process, whatever that one hides."""
    with child(ASLEEP, stdin=listener.fileno()) as process:
        said = as_nobody(STRANGER, str(process.pid))
    stranger, _, refusal = said.strip().partition(" ")
    assert refusal.startswith(f"answered by pid {stranger} (")
