"""TCP connections as the kernel lists them, to tell which process answers on a shared socket.

On a shared listening socket an answer usually comes from the old process; only an answer from the new one
may count. It reads /proc/net and never opens a connection itself.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ..processes import command, may_look, sockets

MAPPED = "0000000000000000FFFF0000" if sys.byteorder == "little" else "00000000000000000000FFFF"
"""What an IPv4 address has before it in /proc/net/tcp6"""

ESTABLISHED, SYN_RECV = 0x01, 0x03
LISTEN = 0x0A
UNIX_ACCEPTS = 0x10000
"""__SO_ACCEPTCON in the flags column of /proc/net/unix"""


class Row(NamedTuple):
    """One line of /proc/net/tcp or tcp6."""

    local: str
    """``ADDRESS:PORT`` in the kernel's hexadecimal; an IPv4 address in an IPv6 socket as plain IPv4"""
    remote: str
    state: int
    inode: int
    """0 while nobody has accepted the connection, and again when whoever did has closed it"""

    @property
    def is_waiting(self) -> bool:
        """Whether it is a connection that nobody has accepted yet."""
        return not self.inode and self.state in (ESTABLISHED, SYN_RECV)


def rows() -> list[Row]:
    """Every TCP socket of this network namespace; empty where there is no /proc."""
    found = []
    for name in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(name).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            local, remote = (field.removeprefix(MAPPED) for field in fields[1:3])
            found.append(Row(local, remote, int(fields[3], 16), int(fields[9])))
    return found


def listening() -> dict[int, str]:
    """The inodes of all listening sockets, each with a ``host:port`` to reach it ('' for a unix socket)."""
    found = {row.inode: _reachable(row.local) for row in rows() if row.state == LISTEN}
    try:
        lines = Path("/proc/net/unix").read_text().splitlines()[1:]
    except OSError:
        return found
    for line in lines:
        fields = line.split()
        if int(fields[3], 16) & UNIX_ACCEPTS:
            found[int(fields[6])] = ""
    return found


def server_end(connection: socket.socket) -> Row | None:
    """The server's end of our connection; None where it is not on this machine.

    Addresses count, not only ports: on a busy server another client often has our port number.
    """
    server, client = (_written(name) for name in (connection.getpeername(), connection.getsockname()))
    for row in rows():
        if row.local == server and row.remote == client:
            return row
    return None


def _reachable(written: str) -> str:
    """Where a connection to a listening socket goes to; its own host where it listens on all addresses."""
    words, _, port = written.partition(":")
    packed = b"".join(struct.pack("=I", int(words[at : at + 8], 16)) for at in range(0, len(words), 8))
    address = ipaddress.ip_address(packed)
    if address.is_unspecified:
        address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
    return f"{address}:{int(port, 16)}" if address.version == 4 else f"[{address}]:{int(port, 16)}"


def _written(name: tuple[str, int]) -> str:
    """A socket's name as the kernel writes it: 32-bit words in the machine's byte order."""
    address = ipaddress.ip_address(name[0].partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    words = struct.iter_unpack("=I", address.packed)
    return "".join(f"{word:08X}" for (word,) in words) + f":{name[1]:04X}"


def holds(processes: Iterable[int], inode: int) -> bool:
    """Whether one of these processes holds a socket."""
    return any(inode in sockets(pid) for pid in processes)


def why_hidden(processes: Iterable[int]) -> str:
    """Why nothing can be told of what these processes hold; '' where we may look into all of them."""
    for pid in processes:
        if not may_look(pid):
            return (
                f"may not look into pid {pid}, another user's: run the listener as root or as that user, "
                "or set ready= to a command"
            )
    return ""


def holder(inode: int) -> str:
    """Who holds a socket, for a message; '' where nobody does into whom we may look."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and inode in sockets(int(entry.name)):
            return f"pid {entry.name} ({command(int(entry.name))})"
    return ""
