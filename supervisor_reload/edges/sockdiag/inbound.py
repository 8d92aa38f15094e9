"""A filter that the kernel applies itself: it leaves out the clients' ends of connections on this machine.

Where clients run on the same machine (a proxy, a test) every connection is listed twice, and half the cost
is for the ends that nobody asks about. The filter never leaves out what somebody listens for.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence

JMP, D_COND, S_EQ, D_EQ = 1, 8, 11, 12
"""operations of INET_DIAG_REQ_BYTECODE (linux/inet_diag.h)"""

OP = struct.Struct("=BBH")
"""operation, bytes to the next one where it is true, and where it is not"""

EACH = 3 * OP.size
"""bytes of the operations for one port"""

LOOPBACKS = ((socket.AF_INET, 8, "127.0.0.0"), (socket.AF_INET6, 128, "::1"))
"""an IPv4 address in an IPv6 socket is compared as an IPv4 one"""

MOST = 64
"""Ports; the filter is applied to every socket, so a longer one would cost more than it saves."""


def inbound(ports: Sequence[int]) -> bytes:
    """Operations that let through what is on one of our ports, or does not lead to one on the loopback.

    b"" (no filter) for no port and for very many. The kernel refuses an operation that it does not know
    (EINVAL; the comparison of ports came with Linux 5.11), and a jump to anything but an operation that is
    reached in steps, so a jump away is an operation of its own behind each comparison.
    """
    if not 0 < len(ports) <= MOST:
        return b""
    leads_there = _each(D_EQ, ports, 0, OP.size)
    is_loopback = b""
    for family, prefix, address in reversed(LOOPBACKS):
        condition = struct.pack("=BBxxi", family, prefix, -1) + socket.inet_pton(family, address)
        size = OP.size + len(condition)
        jump = OP.pack(JMP, OP.size, OP.size + len(is_loopback) + (0 if is_loopback else OP.size))
        otherwise = b"" if is_loopback else OP.pack(JMP, OP.size, OP.size + len(leads_there))
        is_loopback = OP.pack(D_COND, size, size + OP.size) + condition + jump + otherwise + is_loopback
    rest = is_loopback + leads_there
    return _each(S_EQ, ports, len(rest), 0) + rest


def _each(operation: int, ports: Sequence[int], after: int, beyond: int) -> bytes:
    """Compare with each port; the first match jumps to ``after`` the rest, ``beyond`` it to be refused."""
    code = b""
    for port in ports:
        left = (len(ports) * EACH - len(code)) - 2 * OP.size  # from the jump to the end of this block
        code += OP.pack(operation, 2 * OP.size, EACH) + OP.pack(0, 0, port)
        code += OP.pack(JMP, OP.size, left + after + beyond)
    return code
