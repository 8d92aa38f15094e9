"""Readiness by looking: a process of the slot waits on a listening socket. Asks nothing of the application.

Servers on epoll show it in /proc/PID/fdinfo within 20 ms of their first possible answer. Those that wait
with select or a blocking accept (gunicorn's sync worker, the standard library) show nothing there; for
them one connection is opened, and closed once the slot's process has accepted it.
"""

from __future__ import annotations

import threading
from dataclasses import replace

from ...core.model import ReadySettings
from ..connections import why_hidden
from ..processes import epoll_targets, tree
from ..serving import served
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
