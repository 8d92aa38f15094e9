"""What the kernel says of a listening socket, and the one option that we set on it."""

from __future__ import annotations

import socket
import struct

UNKNOWN = -1

_COUNTS = struct.Struct("24x2I")
"""Of ``struct tcp_info`` (linux/tcp.h): tcpi_unacked and tcpi_sacked, which on a listening socket are the
length of its accept queue now and at most (``tcp_get_info`` in net/ipv4/tcp.c)."""


def set_nodelay(sock: socket.socket) -> None:
    """Set TCP_NODELAY, which accepted connections inherit; nothing on other sockets. Raises OSError.

    Servers that get their socket as fd 0 often don't: asyncio takes it for a socket of another kind, and
    each answer on a kept-alive connection then waits some 40 ms for the client's delayed acknowledgement.
    """
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def has_nodelay(sock: socket.socket) -> bool:
    """Whether connections accepted from it answer at once; a unix socket always does. Raises OSError."""
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return True
    return bool(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))


def queue(sock: socket.socket) -> tuple[int, int]:
    """How many connections wait to be accepted, and how many may; UNKNOWN where the kernel tells neither."""
    try:
        answer = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _COUNTS.size)
        waiting, most = _COUNTS.unpack(answer)
    except (AttributeError, OSError, struct.error):
        return UNKNOWN, UNKNOWN
    return waiting, most
