"""The kernel's own list of sockets, asked by netlink (sock_diag(7)): what /proc/net tells, sooner, and more.

It exists because /proc/net does not know when a connection last said something, nor a unix socket's peer,
and takes 31 ms where 10,000 connections are open. It sees the network namespace that it runs in; it never
judges what the numbers mean, and never changes a socket.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterable, Sequence
from socket import ntohs
from typing import NamedTuple

from .inbound import inbound
from .netlink import (
    ATTRIBUTE,
    HEADER,
    TCPDIAG_GETSOCK,
    SockDiagUnavailable,
    ask,
    attribute,
    attributes,
    number,
)

__all__ = [
    "CLOSE_WAIT",
    "ESTABLISHED",
    "LISTEN",
    "SYN_RECV",
    "Listening",
    "SockDiagUnavailable",
    "Tcp",
    "connections",
    "listening",
    "server_end",
    "unix_peer",
]

ESTABLISHED, SYN_RECV, CLOSE_WAIT, LISTEN = 1, 3, 8, 10
INFO, BYTECODE = 2, 1
"""INET_DIAG_INFO, INET_DIAG_REQ_BYTECODE"""
NAME, SHOW_NAME = 0, 0x1
PEER, SHOW_PEER = 2, 0x4
"""UNIX_DIAG_PEER, and as it is asked for"""

INET_REQUEST = struct.Struct("=BBBxI")
"""family, protocol, extensions, states: the begin of inet_diag_req_v2"""
INET_ADDRESSES = struct.Struct("!HH16s16s")
ANY_COOKIE = b"\xff" * 8
IDENTITY_SIZE = 48
"""bytes of inet_diag_sockid"""
TCP_HEAD = "=17xB2xH50xII4xI"
"""of inet_diag_msg, behind the message's header: state, port, queues, inode"""
LISTENING_HEAD = struct.Struct("=16xB3xH2x16s44xI")
"""of the same: family, port, address, inode"""
INET_SIZE = HEADER.size + 72
INFO_BYTES = "44xI4xII60xQQ64xQQ"
"""of tcp_info: ages of the last data sent, received, of the last acknowledgement; counts of bytes"""
INFO_SIZE = 216
"""bytes of tcp_info up to the last that is read; before Linux 4.19 it did not count the bytes sent"""
UNIX_REQUEST = struct.Struct("=BBxxIII8s")
UNIX_SIZE = HEADER.size + 16
UNIX_HEAD = struct.Struct(f"={HEADER.size}xxBBxI")


class Tcp(NamedTuple):
    """One TCP socket. Ages are in milliseconds, as exact as the kernel's tick (1 to 10 ms)."""

    state: int
    written_port: int
    """the local port in the network's byte order, as the kernel writes it"""
    unread: int
    """bytes that were received and not read"""
    unacknowledged: int
    """bytes that were written, and not acknowledged by the other side"""
    inode: int
    """0 while nobody has accepted the connection, and again when whoever did has closed it"""
    sent_ago: int = 0
    received_ago: int = 0
    acknowledged_ago: int = 0
    bytes_acknowledged: int = 0
    """one too many (the SYN) where this side opened the connection"""
    bytes_received: int = 0
    """one too many where the other side has closed the connection"""
    bytes_sent: int = 0
    """with those sent again; 0 where Linux is older than 4.19"""
    bytes_sent_again: int = 0

    @property
    def port(self) -> int:
        """The local port."""
        return ntohs(self.written_port)


class Listening(NamedTuple):
    """One listening TCP socket."""

    inode: int
    address: str
    port: int


def listening() -> list[Listening]:
    """All listening TCP sockets. Raises OSError where the kernel can't be asked."""
    found = []
    for message in ask(_list(1 << LISTEN), is_list=True, kind=TCPDIAG_GETSOCK):
        family, port, source, inode = LISTENING_HEAD.unpack_from(message)
        size = 4 if family == socket.AF_INET else 16
        found.append(Listening(inode, socket.inet_ntop(family, source[:size]), ntohs(port)))
    return found


def connections(ports: Iterable[int]) -> list[Tcp]:
    """TCP connections that a process may have to answer on, with what the kernel knows of their use.

    ``ports`` are those of all listening sockets: what leads to one of them on the loopback is a client's
    end, and left out where the kernel can do that. Raises OSError where the kernel can't be asked.
    """
    request = _list(1 << ESTABLISHED | 1 << CLOSE_WAIT, extensions=1 << (INFO - 1))
    wanted = inbound(sorted(set(ports)))
    filtered = request + attribute(BYTECODE, wanted) if wanted else request
    try:
        return _read_tcp(ask(filtered, is_list=True, kind=TCPDIAG_GETSOCK))
    except OSError as error:
        if error.errno != errno.EINVAL:  # it does not know the filter
            raise
        return _read_tcp(ask(request, is_list=True, kind=TCPDIAG_GETSOCK))


def server_end(server: Sequence[object], client: Sequence[object], interface: int = 0) -> Tcp | None:
    """The socket between two addresses, as ``getpeername`` and ``getsockname`` of the client's end tell them.

    None where it is not on this machine. ``interface`` is the number that a link-local address needs.
    Raises OSError where the kernel can't be asked.
    """
    family = socket.AF_INET6 if ":" in str(server[0]) else socket.AF_INET
    packed = (socket.inet_pton(family, str(name[0]).partition("%")[0]) for name in (server, client))
    identity = INET_ADDRESSES.pack(server[1], client[1], *packed) + struct.pack("=I", interface) + ANY_COOKIE
    request = INET_REQUEST.pack(family, socket.IPPROTO_TCP, 1 << (INFO - 1), 0xFFFFFFFF) + identity
    try:
        found = _read_tcp(ask(request, is_list=False))
    except OSError as error:
        if isinstance(error, SockDiagUnavailable) or error.errno != errno.ENOENT:
            raise
        return None
    return found[0] if found[0].state != LISTEN else None  # the next best that the kernel knows


class Unix(NamedTuple):
    """One named unix socket that listens or is connected; an accepted one has its listener's name."""

    kind: int
    """socket.SOCK_STREAM and others"""
    inode: int
    name: bytes
    """a path as it was bound, or NUL and an abstract name"""
    is_listening: bool


def unix_sockets() -> list[Unix]:
    """Raises OSError where the kernel can't be asked.

    Not from /proc/net/unix where that can be helped: there a name is written as it is, line ends and all, so
    anybody can write lines of his own into it.
    """
    request = UNIX_REQUEST.pack(socket.AF_UNIX, 0, 1 << ESTABLISHED | 1 << LISTEN, 0, SHOW_NAME, ANY_COOKIE)
    found = []
    for message in ask(request, is_list=True):
        kind, state, inode = UNIX_HEAD.unpack_from(message)
        for attribute_kind, begin, end in attributes(message, UNIX_SIZE):
            if attribute_kind == NAME:
                found.append(Unix(kind, inode, message[begin:end], state == LISTEN))
    return found


def unix_peer(inode: int) -> int:
    """The inode of a unix socket's other end; 0 while nobody has accepted it, and when it was closed.

    Raises OSError where there is no such socket (ENOENT), and where the kernel can't be asked.
    """
    request = UNIX_REQUEST.pack(socket.AF_UNIX, 0, 0xFFFFFFFF, inode, SHOW_PEER, ANY_COOKIE)
    (message,) = ask(request, is_list=False)
    places = {kind: slice(begin, end) for kind, begin, end in attributes(message, UNIX_SIZE)}
    return number(message[places[PEER]]) if PEER in places else 0


def _read_tcp(messages: Sequence[bytes]) -> list[Tcp]:
    """Messages of one list are nearly always alike, and then read without a look at each one's attributes."""
    if not messages:
        return []
    begin, end = _info(messages[0])
    head = slice(begin - ATTRIBUTE.size, begin)
    if (
        end - begin < INFO_SIZE
        or len(set(map(len, messages))) > 1
        or len({each[head] for each in messages}) > 1
    ):
        messages, begin = [_padded(each) for each in messages], INET_SIZE
    unpack = struct.Struct(f"{TCP_HEAD}{begin - INET_SIZE}x{INFO_BYTES}").unpack_from
    return [Tcp._make(unpack(each)) for each in messages]


def _padded(message: bytes) -> bytes:
    """A message with its tcp_info in one known place; what an older kernel does not tell is 0."""
    begin, end = _info(message)
    return message[:INET_SIZE] + message[begin:end].ljust(INFO_SIZE, b"\0")


def _info(message: bytes) -> tuple[int, int]:
    """Begin and end of the tcp_info in a message; both at its end where it has none."""
    for kind, begin, end in attributes(message, INET_SIZE):
        if kind == INFO:
            return begin, end
    return len(message), len(message)


def _list(states: int, extensions: int = 0) -> bytes:
    """A request for all TCP sockets in these states: inet_diag_req, of which the family does not count."""
    return struct.pack("=BBBB", 0, 0, 0, extensions) + bytes(IDENTITY_SIZE) + struct.pack("=II", states, 0)
