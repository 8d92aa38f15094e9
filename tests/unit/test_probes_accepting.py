"""The probe accepting, and whose connection it is: real servers, real sockets, /proc."""

from __future__ import annotations

import os
import shutil
import socket

import pytest

from supervisor_reload.core.model import ReadySettings
from supervisor_reload.edges.probes.accepting import accepting
from supervisor_reload.edges.probes.connections import holder, holds, listening, server_end
from tests.fakes.children import as_nobody, child
from tests.fakes.servers import (
    ASLEEP,
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


def test_accepting_on_a_unix_socket() -> None:
    """epoll shows it there too; a blocking accept can't be proved, and that is said."""
    directory = short_directory()
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(directory / "s"))
            listener.listen()
            assert "" == listening()[os.fstat(listener.fileno()).st_ino]
            with child(ASLEEP, stdin=listener.fileno()) as process:
                refusal = accepting(ReadySettings(), process.pid, LIMIT, NEVER)
            assert refusal == "can't see whether it accepts on its unix socket: set ready= to a command"
    finally:
        shutil.rmtree(directory)


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
from supervisor_reload.edges.probes.answering import tcp
listener = socket.create_server(("127.0.0.1", 0))
accepted = []
threading.Thread(target=lambda: accepted.append(listener.accept())).start()
os.setuid(NOBODY)
host, port = listener.getsockname()
ready = ReadySettings(scheme="tcp", address=f"tcp://{host}:{port}")
print(os.getpid(), tcp(ready, int(sys.argv[1]), 10.0, threading.Event()))
"""


def test_a_stranger_is_named_also_where_the_slot_is_hidden(listener: socket.socket) -> None:
    """Whom we can see answer is not the slot's process, whatever that one hides."""
    with child(ASLEEP, stdin=listener.fileno()) as process:
        said = as_nobody(STRANGER, str(process.pid))
    stranger, _, refusal = said.strip().partition(" ")
    assert refusal.startswith(f"answered by pid {stranger} (")
