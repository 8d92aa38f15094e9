"""What is left of a process's descendants, and its end. It asks the kernel each time, and keeps no pids."""

from __future__ import annotations

import contextlib
import os
import signal
import time

from supervisor_reload.edges.processes import tree

POLITE = 1.0
"""Seconds between TERM and KILL for what nobody waits for any more."""

LOOK = 0.01


def end_all(pid: int) -> int:
    """End everything below a process (which adopts orphans), politely first; answers how many there were."""
    left = below(pid)
    if not left:
        return 0
    for number, seconds in ((signal.SIGTERM, POLITE), (signal.SIGKILL, POLITE)):
        _signal_all(below(pid), number)
        deadline = time.monotonic() + seconds
        while below(pid) and time.monotonic() < deadline:
            time.sleep(LOOK)
    return len(left)


def kill_all(pid: int) -> None:
    """Kill a process and everything below it, at once."""
    _signal_all((pid, *below(pid)), signal.SIGKILL)


def below(pid: int) -> tuple[int, ...]:
    """The living descendants of a process; reaps those of our own that have ended."""
    if pid == os.getpid():
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
    return tree(pid)[1:]


def _signal_all(pids: tuple[int, ...], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
