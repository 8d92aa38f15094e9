"""Readiness by looking: a process of the slot waits on a listening socket. Asks nothing of the application.

Servers on epoll show it in /proc/PID/fdinfo within 20 ms of their first possible answer. Those that wait
with select or a blocking accept (gunicorn's sync worker, the standard library) show nothing there; for
them one connection is opened, and closed once the slot's process has accepted it.
"""

from __future__ import annotations

import threading
from dataclasses import replace

from ...core.model import ReadySettings
from ..processes import epoll_targets, sockets, tree
from .answering import tcp
from .connections import listening, why_hidden


def accepting(ready: ReadySettings, pid: int, limit: float, ended: threading.Event) -> str | None:
    """Whether a process of the slot accepts connections; None, or why not."""
    processes = tree(pid)
    waited = [epoll_targets(each) for each in processes]
    listens = listening()
    held = {inode for each in processes for inode in sockets(each) if inode in listens}
    if not held:
        return why_hidden(processes) or "no process of the slot holds a listening socket"
    if any(inodes & held for inodes in waited if inodes is not None):
        return None
    if any(inodes is not None for inodes in waited):
        return "no process of the slot waits on its listening socket yet"
    reachable = next((listens[inode] for inode in held if listens[inode]), "")
    if not reachable:
        return "can't see whether it accepts on its unix socket: set ready= to a command"
    return tcp(replace(ready, address=f"tcp://{reachable}"), pid, limit, ended)
