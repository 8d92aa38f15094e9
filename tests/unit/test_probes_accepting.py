"""The probe accepting, and whose connection it is: real servers, real sockets, /proc."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator

import pytest

from supervisor_reload.core.model import ReadySettings
from supervisor_reload.edges.probes.accepting import accepting
from supervisor_reload.edges.probes.connections import accepted_inode, holder, holds, listening
from tests.fakes.children import child
from tests.fakes.servers import (
    ASLEEP,
    EPOLL,
    EPOLL_BOOTING,
    answers,
)
from tests.integration.supervisord import short_directory, wait_for

LIMIT = 10.0
SHORT = 0.4


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A listening socket of 127.0.0.1, which the children get as their descriptor 0."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_accepting_on_epoll(listener: socket.socket) -> None:
    """Seen without a connection: none waits afterwards."""
    with child(EPOLL, stdin=listener.fileno()) as process:
        assert wait_for(lambda: accepting(ReadySettings(), process.pid, LIMIT) is None, LIMIT)
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_accepting_with_an_epoll_that_does_not_listen_yet(listener: socket.socket) -> None:
    """Half-booted: the event loop is there, the socket is not registered."""
    with child(EPOLL_BOOTING, stdin=listener.fileno()) as process:
        refusal = accepting(ReadySettings(), process.pid, LIMIT)
    assert "no process of the slot waits on its listening socket yet" == refusal


def test_accepting_with_a_blocking_accept(listener: socket.socket) -> None:
    """Nothing shows it, so one connection is opened; a process that only holds the socket does not pass."""
    with child(ASLEEP, stdin=listener.fileno()) as process:
        refusal = accepting(ReadySettings(), process.pid, SHORT)
        assert "connected, but nobody accepted the connection" == refusal
    with answers(listener, "pass") as pid:
        assert accepting(ReadySettings(), pid, LIMIT) is None


def test_accepting_on_an_address_of_its_own() -> None:
    """The connection goes where the socket listens, not to localhost."""
    with socket.create_server(("127.0.0.3", 0)) as listener, answers(listener, "pass") as pid:
        assert accepting(ReadySettings(), pid, LIMIT) is None


def test_accepting_without_a_listening_socket() -> None:
    """Bound is not listening, and somebody else's socket is not the slot's."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with child(ASLEEP, stdin=bound.fileno()) as process:
            refusal = accepting(ReadySettings(), process.pid, LIMIT)
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
                refusal = accepting(ReadySettings(), process.pid, LIMIT)
            assert refusal == "can't see whether it accepts on its unix socket: set ready= to a command"
    finally:
        shutil.rmtree(directory)


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
        assert 0 == accepted_inode(connection)
        accepted, _ = listener.accept()
        with accepted:
            assert os.fstat(accepted.fileno()).st_ino == accepted_inode(connection)
            assert holds(os.getpid(), os.fstat(accepted.fileno()).st_ino)
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
            assert 0 == accepted_inode(ours)
            assert os.fstat(accepted.fileno()).st_ino == accepted_inode(other)


def test_a_socket_that_nobody_holds() -> None:
    """It was closed meanwhile."""
    assert "another process" == holder(2**40)
