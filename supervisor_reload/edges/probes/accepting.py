"""Readiness by looking: a process of the slot waits on a listening socket. Asks nothing of the application.

Servers on epoll show it in /proc/PID/fdinfo within 20 ms of their first possible answer. Those that wait
with select or a blocking accept (gunicorn's sync worker, the standard library) show nothing there; for
them one connection is opened, and closed once the slot's process has accepted it.
"""

from __future__ import annotations

import threading
from dataclasses import replace

from ...core.model import ReadySettings
from ..connections import listening, why_hidden
from ..processes import epoll_targets, sockets, tree
from .answering import accepted


def accepting(ready: ReadySettings, pid: int, limit: float, ended: threading.Event) -> str | None:
    """Whether a process of the slot accepts connections; None, or why not."""
    processes = tree(pid)
    waited = [epoll_targets(each) for each in processes]
    listens = listening()
    held = {inode: each for each in processes for inode in sockets(each) if inode in listens}
    if not held:
        return why_hidden(processes) or "no process of the slot holds a listening socket"
    if any(inodes & held.keys() for inodes in waited if inodes is not None):
        return None
    if any(inodes is not None for inodes in waited):
        return "no process of the slot waits on its listening socket yet"
    addresses = [_from_here(listens[inode], process) for inode, process in held.items()]
    address = min(addresses, key=lambda each: each.startswith("unix:"))  # TCP, where there is a choice
    return accepted(replace(ready, address=address), pid, limit, ended)


def _from_here(address: str, pid: int) -> str:
    """A unix socket's path is as the process wrote it, and so may be relative to where that works."""
    path = address.removeprefix("unix://")
    if path == address or path.startswith(("/", "@")):
        return address
    return f"unix:///proc/{pid}/cwd/{path}"
