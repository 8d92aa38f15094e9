"""Readiness by looking: a process of the slot waits on a listening socket. Asks nothing of the application.

Servers on epoll show it in /proc/PID/fdinfo within 20 ms of their first possible answer. Those that wait
with select or a blocking accept (gunicorn's sync worker, the standard library) show nothing there; for
them one connection is opened, and closed once the slot's process has accepted it.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

from ...core.model import ReadySettings
from ..connections import listening, why_hidden
from ..processes import epoll_targets, sockets, stdin_socket, tree
from .answering import accepted


def accepting(ready: ReadySettings, pid: int, limit: float, ended: threading.Event) -> str | None:
    """Whether a process of the slot accepts connections; None, or why not."""
    processes = tree(pid)
    waited = [epoll_targets(each) for each in processes]
    held = served(processes, ready.address)
    if not held:
        return why_hidden(processes) or "no process of the slot holds a listening socket"
    if any(inodes & held.keys() for inodes in waited if inodes is not None):
        return None
    if all(inodes is not None for inodes in waited):
        return "no process of the slot waits on its listening socket yet"
    return accepted(replace(ready, address=min(held.values())), pid, limit, ended)


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
