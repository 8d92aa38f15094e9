"""Which listening sockets a process serves on, and whether it waits on one for its next connection.

It only looks, in /proc and in the kernel's tables; it connects nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from .connections import listening
from .processes import epoll_targets, sockets, stdin_socket, tree


def waits(pid: int, address: str = "") -> bool:
    """Whether a process of this pid's tree waits, with epoll, for a connection to where it serves."""
    processes = tree(pid)
    held = served(processes, address)
    return any((epoll_targets(each) or set()) & held.keys() for each in processes)


def served(processes: Sequence[int], address: str = "") -> dict[int, str]:
    """The listening sockets on which these processes serve, by inode, each with where to reach it.

    A server may have one more to be controlled by (gunicorn 27's arbiter waits on a unix socket long before
    its workers can answer), so: the program's own ``address`` where that is known, else what supervisord
    handed over as descriptor 0 (gunicorn puts something else there), else TCP, else what there is.
    """
    held = {each: sockets(each) for each in processes}
    if not any(held.values()):
        return {}
    listens = listening()  # all of this machine's: that costs
    found = {
        inode: _from_here(listens[inode], each)
        for each, inodes in held.items()
        for inode in inodes
        if inode in listens
    }
    known = {inode: where for inode, where in found.items() if _is_same(where, address)}
    handed_over = {
        inode: found[inode] for inode in {stdin_socket(each) for each in processes} if inode in found
    }
    tcp = {inode: address for inode, address in found.items() if not address.startswith("unix:")}
    return known or handed_over or tcp or found


def _is_same(one: str, other: str) -> bool:
    """Whether two addresses are of one socket: hosts may be written in many ways, ports in one."""
    if one.startswith("tcp://") and other.startswith("tcp://"):
        return one.rpartition(":")[2] == other.rpartition(":")[2]
    return one == other


def _from_here(address: str, pid: int) -> str:
    """A unix socket's path is as the process wrote it, and so may be relative to where that works."""
    path = address.removeprefix("unix://")
    if path == address or path.startswith(("/", "@")):
        return address
    return f"unix:///proc/{pid}/cwd/{path}"
