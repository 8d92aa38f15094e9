"""drain=connections: how many are in use, and whose they are; against real servers and sockets."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator

import pytest

from supervisor_reload.edges import sockdiag
from supervisor_reload.edges.drains.connections import Connections, Counts
from supervisor_reload.edges.processes import FIRST, sockets, tree
from supervisor_reload.edges.sockdiag import netlink
from tests.fakes.children import child
from tests.fakes.servers import ASLEEP, answers
from tests.integration.supervisord import short_directory, wait_for

LIMIT = 10.0
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"

SERVER = """
import asyncio, os, socket, sys
async def serve(reader, writer):
    try:
        while line := await reader.readline():
            said = line.split()
            while said[1:2] == [b"/stream"]:
                writer.write(b"data\\n")
                await asyncio.wait_for(writer.drain(), 1)
                await asyncio.sleep(0.01)
            if said[:1] == [b"GET"] and said[1] != b"/hold":
                writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
    except OSError:
        pass
    writer.close()
def listen(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, 0), family=family, dualstack_ipv6=host == "::")
async def main():
    listeners = [listen(host) for host in sys.argv[1:]] or [socket.socket(fileno=0)]
    servers = [await asyncio.start_server(serve, sock=each) for each in listeners]
    asyncio.get_running_loop().add_signal_handler(10, lambda: [each.close() for each in servers])
    print("up", flush=True)
    await asyncio.sleep(1000)
asyncio.run(main())
"""
"""Keep-alive; /hold is never answered, /stream is sent for ever; on USR1 it closes its listening sockets."""

ROOT = b"/"


class Client:
    """Connections to a server, each in one kind of use."""

    def __init__(self, stack: contextlib.ExitStack, address: tuple[str, int] | str) -> None:
        self._stack = stack
        self._address = address

    def open(self, path: bytes = b"") -> socket.socket:
        """A connection: never used, or with one request; a request for / is waited for."""
        if isinstance(self._address, str):
            connection = self._stack.enter_context(socket.socket(socket.AF_UNIX))
            connection.connect(self._address)
        else:
            connection = self._stack.enter_context(socket.create_connection(self._address, timeout=LIMIT))
        if path:
            connection.sendall(REQUEST.replace(b"/ ", path + b" "))
        if path == ROOT:
            assert connection.recv(1000)
        return connection


@pytest.fixture
def stack() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as held:
        yield held


def settle(pid: int, looks: Connections | None = None, **expected: int) -> Connections:
    """Until the counts are these."""
    looks = looks or Connections()
    wait_for(lambda: looks.count(pid) == Counts(**expected), LIMIT, f"{expected}, not {looks.count(pid)}")
    return looks


def test_a_server_with_all_kinds_of_connections(listener: socket.socket, stack: contextlib.ExitStack) -> None:
    """Idle ones hold nothing up; a request in hand and a stream do, until they end."""
    client = Client(stack, listener.getsockname())
    with child(SERVER, stdin=listener.fileno()) as process:
        looks = settle(process.pid)
        idle = [client.open(), client.open(ROOT), client.open(ROOT)]
        settle(process.pid, looks, idle=3)
        held, half, stream = client.open(b"/hold"), client.open(), client.open(b"/stream")
        half.sendall(b"GET / HT")
        settle(process.pid, looks, idle=3, requests=2, streams=1)
        words = "3 busy connections (2 requests in hand, 1 stream), 3 idle"
        assert words == str(looks.count(process.pid))
        assert 3 == looks.in_flight(process.pid)
        idle[1].sendall(REQUEST.replace(b"/", b"/hold"))
        settle(process.pid, looks, idle=2, requests=3, streams=1)
        for each in (held, half, stream, idle[1]):
            each.close()
        settle(process.pid, looks, idle=2)
        assert 0 == looks.in_flight(process.pid)


def test_only_what_the_process_has_accepted(listener: socket.socket, stack: contextlib.ExitStack) -> None:
    """On a shared socket neither the other process's connections count, nor those that nobody accepted."""
    client = Client(stack, listener.getsockname())
    with child(SERVER, stdin=listener.fileno()) as old:
        client.open(b"/hold")
        settle(old.pid, requests=1)
        old.send_signal(10)  # it accepts no more
        wait_for(lambda: looks_closed(old.pid), LIMIT)
        with child(SERVER, stdin=listener.fileno()) as new:
            client.open(b"/hold")
            client.open(b"/hold")
            settle(new.pid, requests=2)
            settle(old.pid, requests=1)
            os.kill(new.pid, 19)
            client.open(b"/hold")  # waits in the queue
            settle(new.pid, requests=2)


def looks_closed(pid: int) -> bool:
    """Whether the process has let go of its listening socket, its descriptor 0."""
    return not os.path.exists(f"/proc/{pid}/fd/0")


@pytest.mark.parametrize("hosts", [["127.0.0.1"], ["0.0.0.0"], ["::1"], ["::"], ["127.0.0.2", "127.0.0.1"]])
def test_a_port_that_nobody_listens_on_any_more(hosts: list[str], stack: contextlib.ExitStack) -> None:
    """A process that takes no new work has closed it; what it accepted there still counts."""
    with child(SERVER, *hosts, stdin=subprocess.DEVNULL) as process:
        address = served(process.pid)
        if address[0] in ("0.0.0.0", "::"):
            address = ("127.0.0.1", address[1])
        client = Client(stack, address)
        kept = [client.open(b"/hold"), client.open(ROOT)]
        settle(process.pid, requests=1, idle=1)
        process.send_signal(10)
        wait_for(lambda: refuses(address), LIMIT)
        settle(process.pid, requests=1, idle=1)
        kept[0].close()
        settle(process.pid, idle=1)


def served(pid: int) -> tuple[str, int]:
    held = sockets(pid)
    found = next(each for each in sockdiag.listening() if each.inode in held)
    return found.address, found.port


def refuses(address: tuple[str, int]) -> bool:
    """Nobody listens; asked by no connection, which asyncio might accept and forget while it closes."""
    return all(each.port != address[1] for each in sockdiag.listening())


CLIENT = """
import socket, sys
c = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
c.sendall(b"GET / HTTP/1.1\\r\\n\\r\\n")
c.recv(1000)
print("up", flush=True)
input()
"""


def test_connections_that_the_process_opened_itself(listener: socket.socket) -> None:
    """To its database, say: the last word there is the other side's, and that is no request."""
    port = listener.getsockname()[1]
    with child(SERVER, stdin=listener.fileno()) as server, child(CLIENT, str(port)) as process:
        settle(server.pid, idle=1)
        assert Counts() == Connections().count(process.pid)


def test_a_server_without_an_epoll(listener: socket.socket, stack: contextlib.ExitStack) -> None:
    """All descriptors are looked at where the first ones don't show whose a busy connection is."""
    client = Client(stack, listener.getsockname())
    with answers(listener, "pass") as pid:
        for _ in range(FIRST + 10):
            client.open()
        client.open(b"/hold")
        settle(pid, requests=1, idle=FIRST + 10)


HIDES = """
import os, socket
listener = socket.socket(fileno=0)
spare = [os.dup(2) for _ in range(FIRST)]
connection, _ = listener.accept()
listener.close()
print("up", flush=True)
while connection.recv(65536):
    pass
"""


def test_what_lies_behind_the_first_descriptors_is_found(
    listener: socket.socket, stack: contextlib.ExitStack
) -> None:
    """Nothing among the first ones hints at it; "nothing is in use" is not said without a look at all."""
    connection = Client(stack, listener.getsockname()).open(b"/hold")
    with child(HIDES.replace("FIRST", str(FIRST)), stdin=listener.fileno()) as process:
        settle(process.pid, requests=1)
        connection.close()


WORKERS = """
import socket, subprocess, sys
argv = [sys.executable, "-c", sys.argv[1]]
children = [subprocess.Popen(argv, stdin=0, stdout=subprocess.PIPE) for _ in range(int(sys.argv[2]))]
for each in children:
    each.stdout.readline()
print("up", flush=True)
children[0].wait()
"""


def test_a_tree_of_many_workers(listener: socket.socket, stack: contextlib.ExitStack) -> None:
    """The connections of all of them count as one."""
    client = Client(stack, listener.getsockname())
    with child(WORKERS, SERVER, "8", stdin=listener.fileno()) as master:
        try:
            for _ in range(12):
                client.open(b"/hold")
            settle(master.pid, requests=12)
        finally:
            for pid in tree(master.pid)[1:]:
                os.kill(pid, 9)


def test_unix_sockets() -> None:
    """The kernel does not tell when such a connection said something: an open one counts as busy."""
    directory = short_directory()
    try:
        with socket.socket(socket.AF_UNIX) as listening, contextlib.ExitStack() as stack:
            listening.bind(str(directory / "s"))
            listening.listen()
            client = Client(stack, str(directory / "s"))
            with child(SERVER, stdin=listening.fileno()) as process, child(ASLEEP) as stranger:
                first, second = client.open(ROOT), client.open(b"/hold")
                looks = settle(process.pid, unix=2)
                words = "2 busy connections (2 on a unix socket, in use or not), 0 idle"
                assert words == str(looks.count(process.pid))
                assert Counts() == looks.count(stranger.pid)
                first.close()
                second.close()
                settle(process.pid, looks)
    finally:
        shutil.rmtree(directory)


def test_a_kernel_that_tells_nothing(
    listener: socket.socket, stack: contextlib.ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is open counts as busy, and it is said why; how many are cut, nobody knows."""

    def refused() -> socket.socket:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(netlink, "_open", refused)
    client = Client(stack, listener.getsockname())
    with child(SERVER, stdin=listener.fileno()) as process:
        kept = [client.open(ROOT), client.open(b"/hold")]
        looks = Connections()
        wait_for(lambda: looks.count(process.pid).busy == 2, LIMIT)
        why = "2 in use or not: the kernel does not tell here (Operation not permitted)"
        assert f"2 busy connections ({why}), 0 idle" == str(looks.count(process.pid))
        assert looks.in_flight(process.pid) is None
        for each in kept:
            each.close()
        wait_for(lambda: looks.count(process.pid).busy == 0, LIMIT)
