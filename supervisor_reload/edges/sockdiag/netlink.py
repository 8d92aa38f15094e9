"""One question to the kernel by netlink, and its whole answer: datagrams, errors, retries, a limit.

It knows nothing of sockets; what a message holds is read by its callers.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from collections.abc import Callable, Iterator

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY, TCPDIAG_GETSOCK = 20, 18
"""What a question is called; the second lists the TCP sockets of IPv4 and IPv6 in one go"""
NLM_F_REQUEST, NLM_F_DUMP, NLM_F_DUMP_INTR = 0x1, 0x300, 0x10
NLMSG_ERROR, NLMSG_DONE = 2, 3

HEADER = struct.Struct("=IHHII")
"""nlmsghdr: length, type, flags, sequence number, port"""

ATTRIBUTE = struct.Struct("=HH")

LIMIT = 1.0
"""Seconds for which the kernel's next datagram is awaited; it takes microseconds."""

ATTEMPTS = 3
"""How often a list is asked for that changed while the kernel wrote it, or of which a part was dropped."""

BUFFER = 64 * 1024
"""Bytes read at once; the kernel sends up to 32 KiB."""


class SockDiagUnavailable(OSError):
    """The kernel does not answer such questions here: another system, or a sandbox."""


def ask(
    request: bytes,
    *,
    is_list: bool,
    kind: int = SOCK_DIAG_BY_FAMILY,
    opened: Callable[[], socket.socket] | None = None,
) -> list[bytes]:
    """The messages of the answer, each with its header.

    Raises OSError with the number that the kernel answered (ENOENT also where its module is missing), and
    SockDiagUnavailable where it does not answer.
    """
    reason = ""
    for _ in range(ATTEMPTS):
        try:
            with (opened or _open)() as asking:
                asking.send(_packed(request, kind, is_list))
                return _answer(asking, is_list)
        except _ChangedError:
            reason = "the list of sockets changed whenever it was read"
        except BlockingIOError:
            raise SockDiagUnavailable(errno.ETIMEDOUT, f"no answer within {LIMIT:g} s") from None
        except OSError as error:
            if error.errno != errno.ENOBUFS:  # what we did not read in time was dropped: netlink(7)
                raise
            reason = os.strerror(errno.ENOBUFS)
    raise SockDiagUnavailable(errno.EAGAIN, reason)


def attributes(message: bytes, start: int) -> Iterator[tuple[int, int, int]]:
    """Kind, begin and end of each attribute's value in a message, from ``start`` on."""
    while start + ATTRIBUTE.size <= len(message):
        length, kind = ATTRIBUTE.unpack_from(message, start)
        if length < ATTRIBUTE.size:
            return
        yield kind, start + ATTRIBUTE.size, start + length
        start += length + 3 & ~3


def attribute(kind: int, value: bytes) -> bytes:
    """An attribute for a request; ``value`` has a multiple of 4 bytes."""
    return ATTRIBUTE.pack(ATTRIBUTE.size + len(value), kind) + value


def number(packed: bytes) -> int:
    """A number as the kernel writes it."""
    return int.from_bytes(packed, sys.byteorder)


class _ChangedError(Exception):
    """The kernel said that its list is not of one moment (NLM_F_DUMP_INTR)."""


def _open() -> socket.socket:
    if not hasattr(socket, "AF_NETLINK"):
        raise SockDiagUnavailable(errno.EAFNOSUPPORT, f"{sys.platform} has no netlink")
    try:
        asking = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_SOCK_DIAG)
    except OSError as error:
        raise SockDiagUnavailable(error.errno, f"netlink's sock_diag: {error.strerror}") from None
    # by the kernel: a timeout of Python's would double the calls
    asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", int(LIMIT), 0))
    return asking


def _packed(request: bytes, kind: int, is_list: bool) -> bytes:
    flags = NLM_F_REQUEST | (NLM_F_DUMP if is_list else 0)
    return HEADER.pack(HEADER.size + len(request), kind, flags, 1, 0) + request


def _answer(asking: socket.socket, is_list: bool) -> list[bytes]:
    found: list[bytes] = []
    is_whole = False
    while not is_whole:
        block = asking.recv(BUFFER)
        alike = _alike(block)
        if alike:
            found.extend(alike)
        else:
            is_whole = _take(block, found)
        is_whole = is_whole or not is_list
    return found


def _alike(block: bytes) -> list[bytes]:
    """The messages of a datagram that holds nothing but messages of one length; most do. Else none."""
    length, kind, flags, _, _ = HEADER.unpack_from(block)
    if kind in (NLMSG_ERROR, NLMSG_DONE) or flags & NLM_F_DUMP_INTR or length % 4 or len(block) % length:
        return []
    heads = struct.Struct(f"=IHH{length - 8}x").iter_unpack(block)
    if len(set(heads)) > 1:
        return []
    return [block[at : at + length] for at in range(0, len(block), length)]


def _take(block: bytes, found: list[bytes]) -> bool:
    """Add a datagram's messages to those found; whether it held the end. Raises OSError."""
    at = 0
    while at + HEADER.size <= len(block):
        length, kind, flags, _, _ = HEADER.unpack_from(block, at)
        if kind == NLMSG_ERROR:
            code = -int.from_bytes(block[at + HEADER.size : at + HEADER.size + 4], sys.byteorder, signed=True)
            raise OSError(code, os.strerror(code))
        if flags & NLM_F_DUMP_INTR:
            raise _ChangedError
        if kind == NLMSG_DONE or length < HEADER.size:
            return True
        found.append(block[at : at + length])
        at += length + 3 & ~3
    return False
