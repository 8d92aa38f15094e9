"""The kernel's list of sockets, by netlink: against real sockets, and against what /proc/net says."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator

import pytest

from supervisor_reload.edges import sockdiag
from supervisor_reload.edges.connections import rows
from supervisor_reload.edges.sockdiag import ESTABLISHED, LISTEN, SYN_RECV, netlink
from supervisor_reload.edges.sockdiag.inbound import MOST, inbound
from tests.fakes.children import as_nobody
from tests.integration.supervisord import wait_for

LIMIT = 10.0


def inode(held: socket.socket) -> int:
    return os.fstat(held.fileno()).st_ino


@pytest.fixture
def pair(listener: socket.socket) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a connection, the server's last."""
    with socket.create_connection(listener.getsockname()) as client:
        accepted, _ = listener.accept()
        with accepted:
            yield client, accepted


def seen(held: socket.socket, ports: list[int]) -> sockdiag.Tcp | None:
    return next((tcp for tcp in sockdiag.connections(ports) if tcp.inode == inode(held)), None)


def test_listening(listener: socket.socket) -> None:
    """With address and port; as /proc/net lists them."""
    host, port = listener.getsockname()
    assert sockdiag.Listening(inode(listener), host, port) in sockdiag.listening()
    listed = {row.inode for row in rows() if row.state == LISTEN}
    assert {each.inode for each in sockdiag.listening()} & listed


def test_what_was_said_on_a_connection(
    listener: socket.socket, pair: tuple[socket.socket, socket.socket]
) -> None:
    """Bytes received, read, sent and acknowledged, and how long that is ago."""
    client, accepted = pair
    client.sendall(b"12345")
    tcp = wait_for(lambda: seen(accepted, []), LIMIT)
    assert (listener.getsockname()[1], ESTABLISHED, 5, 5) == (
        tcp.port,
        tcp.state,
        tcp.unread,
        tcp.bytes_received,
    )
    assert (0, 0) == (tcp.bytes_sent, tcp.bytes_acknowledged)
    accepted.recv(100)
    accepted.sendall(b"123")
    tcp = wait_for(lambda: (now := seen(accepted, [])) and now.bytes_acknowledged and now, LIMIT)
    assert (0, 3, 3, 0) == (tcp.unread, tcp.bytes_sent, tcp.bytes_acknowledged, tcp.unacknowledged)
    wait_for(lambda: (now := seen(accepted, [])) and now.sent_ago >= 20, LIMIT)


def test_the_side_that_opened_the_connection_counts_the_syn(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    """So the two ends can be told apart."""
    client, accepted = pair
    client.sendall(b"123")
    accepted.sendall(b"1234")
    opened = wait_for(lambda: (now := seen(client, [])) and not now.unacknowledged and now, LIMIT)
    assert opened.bytes_acknowledged == opened.bytes_sent + 1
    other = wait_for(lambda: (now := seen(accepted, [])) and not now.unacknowledged and now, LIMIT)
    assert other.bytes_acknowledged == other.bytes_sent


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("more", [0, 1, 7, MOST - 1])
def test_the_filter_leaves_out_the_clients_end_and_nothing_else(host: str, more: int) -> None:
    """On IPv4, IPv6, and IPv4 in an IPv6 socket; with few ports and many."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listening:
        port = listening.getsockname()[1]
        others = [60000 + number for number in range(more)]
        for ports in ([port, *others], [*others, port]):
            with socket.create_connection((host, port)) as client:
                accepted, _ = listening.accept()
                with accepted:
                    assert seen(accepted, ports) is not None
                    assert seen(client, ports) is None
                    assert seen(accepted, others) is not None  # nobody listens there any more
                    assert seen(client, others) is not None


def test_the_filter_and_an_ipv4_client_of_an_ipv6_socket() -> None:
    """Its address is written in IPv6."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listening:
        port = listening.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = listening.accept()
            with accepted:
                assert seen(accepted, [port]) is not None
                assert seen(client, [port]) is None


def test_no_filter_for_many_ports_or_none() -> None:
    """It is applied to each socket, port by port."""
    assert b"" == inbound([])
    assert b"" == inbound(range(MOST + 1))
    assert b"" != inbound(range(MOST))


def test_a_kernel_that_does_not_know_the_filter(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It refuses an operation that it does not know; then all is listed."""
    monkeypatch.setattr(sockdiag, "inbound", lambda _: struct.pack("=BBH", 200, 4, 8))
    for end in pair:
        assert seen(end, [1]) is not None


def test_the_servers_end(listener: socket.socket) -> None:
    """Found by its two addresses; nobody's until it is accepted, and gone once both ends have closed it."""
    with socket.create_connection(listener.getsockname()) as client:
        addresses = client.getpeername(), client.getsockname()
        waiting = sockdiag.server_end(*addresses)
        assert waiting is not None
        assert (0, True) == (waiting.inode, waiting.state in (ESTABLISHED, SYN_RECV))
        accepted, _ = listener.accept()
        with accepted:
            found = sockdiag.server_end(*addresses)
            assert found is not None
            assert found.inode == inode(accepted)
        assert sockdiag.server_end(("127.0.0.1", 1), addresses[1]) is None
    # the kernel's next best is the listening socket, which is no connection
    assert sockdiag.server_end(addresses[0], ("127.0.0.9", 1)) is None


def test_a_unix_sockets_other_end() -> None:
    """Nobody's until it is accepted, and again when it was closed."""
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as client:
        listening.bind("")  # the kernel chooses an abstract name
        listening.listen()
        client.connect(listening.getsockname())
        assert 0 == sockdiag.unix_peer(inode(client))
        accepted, _ = listening.accept()
        with accepted:
            assert inode(accepted) == sockdiag.unix_peer(inode(client))
        assert 0 == sockdiag.unix_peer(inode(client))


def test_an_answer_of_many_datagrams(listener: socket.socket) -> None:
    """Each socket is listed once, however many there are."""
    clients, accepted = [], []
    try:
        for _ in range(300):
            clients.append(socket.create_connection(listener.getsockname()))
            accepted.append(listener.accept()[0])
        listed = [tcp.inode for tcp in sockdiag.connections([])]
        ours = {inode(each) for each in (*clients, *accepted)}
        assert sorted(ours) == sorted(each for each in listed if each in ours)
    finally:
        for each in (*clients, *accepted):
            each.close()


def message(kind: int, flags: int = 0, body: bytes = b"", sequence: int = 1) -> bytes:
    return netlink.HEADER.pack(netlink.HEADER.size + len(body), kind, flags, sequence, 0) + body


SOCKET = netlink.SOCK_DIAG_BY_FAMILY
DONE = message(netlink.NLMSG_DONE, body=bytes(4))
WHOLE = [message(SOCKET, 2, bytes(72)) * 2, message(SOCKET, 2, b"1234" * 18) + DONE]


class Kernel:
    """A kernel that answers each question with the next script: datagrams, or an error."""

    def __init__(self, *scripts: list[bytes] | OSError) -> None:
        self.scripts = list(scripts)
        self.held: list[socket.socket] = []

    def __call__(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        script = self.scripts.pop(0)
        if isinstance(script, OSError):
            ours.close()
            theirs.close()
            raise script
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", 0, 50_000))
        for datagram in script:
            theirs.send(datagram)
        self.held.append(theirs)
        return ours


@pytest.fixture
def kernel() -> Iterator[list[Kernel]]:
    used: list[Kernel] = []
    yield used
    for each in used:
        for held in each.held:
            held.close()


def test_a_list_that_changed_is_asked_for_again(kernel: list[Kernel]) -> None:
    """The kernel marks it (NLM_F_DUMP_INTR), alone or in the middle."""
    torn = [message(SOCKET, 2, bytes(72)) + message(SOCKET, 2 | netlink.NLM_F_DUMP_INTR, bytes(72)), DONE]
    torn_throughout = [message(SOCKET, 2 | netlink.NLM_F_DUMP_INTR, bytes(72)) * 2, DONE]
    kernel.append(Kernel(torn, torn_throughout, WHOLE))
    answer = netlink.ask(b"", is_list=True, opened=kernel[0])
    assert 3 == len(answer)
    assert b"1234" * 18 == answer[2][netlink.HEADER.size :]


def test_a_list_that_never_stops_changing(kernel: list[Kernel]) -> None:
    """It is given up."""
    torn = [message(SOCKET, netlink.NLM_F_DUMP_INTR, bytes(72)), DONE]
    kernel.append(Kernel(*[torn] * netlink.ATTEMPTS))
    with pytest.raises(sockdiag.SockDiagUnavailable, match="the list of sockets changed"):
        netlink.ask(b"", is_list=True, opened=kernel[0])


def test_a_part_that_was_dropped_is_asked_for_again(kernel: list[Kernel]) -> None:
    """ENOBUFS: we did not read in time."""
    kernel.append(Kernel(OSError(errno.ENOBUFS, "x"), WHOLE))
    assert 3 == len(netlink.ask(b"", is_list=True, opened=kernel[0]))


def test_a_kernel_that_does_not_answer(kernel: list[Kernel]) -> None:
    """There is a limit."""
    kernel.append(Kernel([message(SOCKET, 2, bytes(72))]))
    with pytest.raises(sockdiag.SockDiagUnavailable, match="no answer within"):
        netlink.ask(b"", is_list=True, opened=kernel[0])


def test_an_error_of_the_kernels(kernel: list[Kernel]) -> None:
    """With its number."""
    kernel.append(Kernel([message(netlink.NLMSG_ERROR, body=struct.pack("=i", -errno.ENOENT) + bytes(16))]))
    with pytest.raises(FileNotFoundError):
        netlink.ask(b"", is_list=True, opened=kernel[0])


def test_a_user_without_rights() -> None:
    """What the kernel lists is for all."""
    code = "import os; from supervisor_reload.edges import sockdiag; os.setuid(NOBODY); "
    code += "import socket; l = socket.create_server(('127.0.0.1', 0)); "
    code += "print(l.getsockname()[1] in [each.port for each in sockdiag.listening()])"
    assert "True\n" == as_nobody(code)


def test_another_network_namespace_has_sockets_of_its_own(listener: socket.socket) -> None:
    """And so ours are not seen there."""
    unshare = shutil.which("unshare")
    if unshare is None or os.geteuid() != 0:
        pytest.skip("needs root and unshare")
    code = "from supervisor_reload.edges import sockdiag; print([each.port for each in sockdiag.listening()])"
    done = subprocess.run(
        [unshare, "-n", sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    if "Operation not permitted" in done.stderr:
        pytest.skip("unshare is not permitted here")
    assert ("[]\n", "") == (done.stdout, done.stderr)
