"""Sockets and who holds them: which are listened on, and which process has the other end of a connection.

On a shared listening socket an answer may come from the old process or from the new one; only the right
one's may count. It asks the kernel (sock_diag, else /proc/net), never opens a connection itself, and never
says what a connection is good for.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import select
import socket
import struct
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from . import sockdiag
from .processes import command, first_sockets, is_elsewhere, may_look, sockets
from .sockdiag import CLOSE_WAIT, ESTABLISHED, LISTEN, SYN_RECV

MAPPED = "0000000000000000FFFF0000" if sys.byteorder == "little" else "00000000000000000000FFFF"
"""What an IPv4 address has before it in /proc/net/tcp6"""

UNIX_ACCEPTS = 0x10000
"""__SO_ACCEPTCON in the flags column of /proc/net/unix"""
UNIX_STREAMS, UNIX_CONNECTED = (1, 5), 3
"""SOCK_STREAM and SOCK_SEQPACKET, and the state of a connected one there"""


class End(NamedTuple):
    """One end of a connection."""

    state: int
    inode: int
    """0 while nobody has accepted the connection, and again when whoever did has closed it"""

    @property
    def is_waiting(self) -> bool:
        """Whether it is a connection that nobody has accepted yet."""
        return not self.inode and self.state in (ESTABLISHED, SYN_RECV)


class Row(NamedTuple):
    """One line of /proc/net/tcp or tcp6."""

    local: str
    """``ADDRESS:PORT`` in the kernel's hexadecimal; an IPv4 address in an IPv6 socket as plain IPv4"""
    remote: str
    state: int
    inode: int

    @property
    def port(self) -> int:
        """The local port."""
        return int(self.local.rpartition(":")[2], 16)


class UnixRow(NamedTuple):
    """One named unix stream socket, of /proc/net/unix; an accepted one has its listener's name."""

    inode: int
    name: str
    """a path as it was bound, or ``@name`` for an abstract one"""
    is_listening: bool


def rows() -> list[Row]:
    """Every TCP socket of this network namespace; empty where there is no /proc."""
    found = []
    for line in (*_lines("tcp"), *_lines("tcp6")):
        fields = line.split()
        local, remote = (field.removeprefix(MAPPED) for field in fields[1:3])
        found.append(Row(local, remote, int(fields[3], 16), int(fields[9])))
    return found


def unix_rows() -> list[UnixRow]:
    """Every named unix stream socket that listens or is connected; empty where nobody can tell."""
    try:
        told = sockdiag.unix_sockets()
    except OSError:
        return _unix_rows_written()
    return [
        UnixRow(each.inode, _named(each.name), each.is_listening)
        for each in told
        if each.kind in UNIX_STREAMS and each.name
    ]


def _named(name: bytes) -> str:
    if name.startswith(b"\0"):
        return "@" + os.fsdecode(name[1:])
    return os.fsdecode(name.rstrip(b"\0"))


def _unix_rows_written() -> list[UnixRow]:
    """As /proc/net/unix has it. What a name with a line end in it makes of that is left out."""
    found = []
    for line in _lines("unix"):
        fields = line.split(maxsplit=7)
        with contextlib.suppress(ValueError, IndexError):
            flags, kind, state = (int(fields[at], 16) for at in (3, 4, 5))
            is_listening = bool(flags & UNIX_ACCEPTS)
            if kind in UNIX_STREAMS and (is_listening or state == UNIX_CONNECTED):
                found.append(UnixRow(int(fields[6]), fields[7], is_listening))
    return found


def listening() -> dict[int, str]:
    """The inodes of all listening sockets, each with the address of a probe that reaches it."""
    try:
        found = {each.inode: _reachable(each.address, each.port) for each in sockdiag.listening()}
    except OSError:
        found = {row.inode: _reachable_row(row) for row in rows() if row.state == LISTEN}
    for unix in unix_rows():
        if unix.is_listening:
            found[unix.inode] = f"unix://{unix.name}"
    return found


def server_end(connection: socket.socket) -> End | None:
    """The server's end of our connection; None where it is not on this machine, and where it has gone.

    Addresses count, not only ports: on a busy server another client often has our port number. Raises
    OSError for a unix socket where the kernel tells nobody's other end.
    """
    if connection.family == socket.AF_UNIX:
        return _unix_server_end(connection)
    server, client = connection.getpeername(), connection.getsockname()
    with contextlib.suppress(OSError):
        found = sockdiag.server_end(server, client, server[3] if len(server) > 3 else 0)
        if found is not None:
            return End(found.state, found.inode)
        sockdiag.listening()  # raises where the kernel lacks the module, and so knows nothing of any
        return None
    written = (_written(server), _written(client))
    return next((End(row.state, row.inode) for row in rows() if (row.local, row.remote) == written), None)


def _unix_server_end(connection: socket.socket) -> End:
    try:
        inode = sockdiag.unix_peer(os.fstat(connection.fileno()).st_ino)
    except OSError as error:
        why = f"can't tell who accepts on a unix socket ({error.strerror}): set ready= to a command"
        raise OSError(error.errno or errno.ENOSYS, why) from None
    poll = select.poll()
    poll.register(connection, 0)  # POLLHUP comes unasked
    return End(CLOSE_WAIT if poll.poll(0) else ESTABLISHED, inode)


def _lines(name: str) -> list[str]:
    try:
        return os.fsdecode(Path(f"/proc/net/{name}").read_bytes()).split("\n")[1:-1]
    except OSError:
        return []


def _reachable(written: str, port: int) -> str:
    """Where a connection to a listening socket goes to; its own host where it listens on all addresses."""
    address = ipaddress.ip_address(written)
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    if address.is_unspecified:
        address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
    return f"tcp://{address}:{port}" if address.version == 4 else f"tcp://[{address}]:{port}"


def _reachable_row(row: Row) -> str:
    words = row.local.partition(":")[0]
    packed = b"".join(struct.pack("=I", int(words[at : at + 8], 16)) for at in range(0, len(words), 8))
    return _reachable(str(ipaddress.ip_address(packed)), row.port)


def _written(name: tuple[str, int]) -> str:
    """A socket's name as the kernel writes it: 32-bit words in the machine's byte order."""
    address = ipaddress.ip_address(name[0].partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    words = struct.iter_unpack("=I", address.packed)
    return "".join(f"{word:08X}" for (word,) in words) + f":{name[1]:04X}"


def holds(processes: Iterable[int], inode: int) -> bool:
    """Whether one of these processes holds a socket."""
    return any(inode in first_sockets(pid) or inode in sockets(pid) for pid in processes)


def why_hidden(processes: Iterable[int], key: str = "ready") -> str:
    """Why nothing can be told of what these processes hold; '' where we may look into all of them.

    ``key`` is the one of the configuration that the sentence advises to change.
    """
    for pid in processes:
        if not may_look(pid):
            return (
                f"may not look into pid {pid}, another user's: run the listener as root or as that user, "
                f"or set {key}= to a command"
            )
        if is_elsewhere(pid):
            return (
                f"pid {pid} is in another network namespace, whose connections can't be seen from here: "
                f"set {key}= to a command"
            )
    return ""


def holder(inode: int) -> str:
    """Who holds a socket, for a message; '' where nobody does into whom we may look."""
    for pid in (int(entry) for entry in os.listdir("/proc") if entry.isdigit()):  # noqa: PTH208 - see procfs
        if holds([pid], inode):
            return f"pid {pid} ({command(pid)})"
    return ""
