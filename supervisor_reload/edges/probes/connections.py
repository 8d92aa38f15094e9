"""TCP connections as the kernel lists them, to tell which process answers on a shared socket.

On a shared listening socket an answer usually comes from the old process; only an answer from the new one
may count. It reads /proc/net and never opens a connection itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ..processes import command, sockets, tree

LISTEN = 0x0A
UNIX_ACCEPTS = 0x10000
"""__SO_ACCEPTCON in the flags column of /proc/net/unix"""


class Row(NamedTuple):
    """One line of /proc/net/tcp or tcp6."""

    local_port: int
    remote_port: int
    state: int
    inode: int
    """0 while nobody has accepted the connection"""


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
            local, remote = (int(field.rsplit(":", 1)[1], 16) for field in fields[1:3])
            found.append(Row(local, remote, int(fields[3], 16), int(fields[9])))
    return found


def listening() -> dict[int, int]:
    """The inodes of all listening sockets, with their port (0 for a unix socket)."""
    found = {row.inode: row.local_port for row in rows() if row.state == LISTEN}
    try:
        lines = Path("/proc/net/unix").read_text().splitlines()[1:]
    except OSError:
        return found
    for line in lines:
        fields = line.split()
        if int(fields[3], 16) & UNIX_ACCEPTS:
            found[int(fields[6])] = 0
    return found


def accepted_inode(server_port: int, client_port: int) -> int | None:
    """The inode of the server's end of our connection: 0 not accepted yet, None not on this machine."""
    for row in rows():
        if row.local_port == server_port and row.remote_port == client_port:
            return row.inode
    return None


def holds(pid: int, inode: int) -> bool:
    """Whether the process or one of its descendants holds a socket."""
    return any(inode in sockets(each) for each in tree(pid))


def holder(inode: int) -> str:
    """Who holds a socket, for a message."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and inode in sockets(int(entry.name)):
            return f"pid {entry.name} ({command(int(entry.name))})"
    return "another process"
