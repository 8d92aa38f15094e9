"""Where a process comes from: its parents up to supervisord, and when it began.

It exists because a pid alone proves nothing: it may be anybody's, and later somebody else's. It only
reads /proc, and says None where a process has gone or is hidden.
"""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from .procfs import read

DEPTH = 64
"""How many parents are asked, at most: a stranger may have thousands, and each costs a read."""

OURS = ("SUPERVISOR_PROCESS_NAME", "SUPERVISOR_GROUP_NAME")


class Origin(NamedTuple):
    """What the kernel says of a process's beginning."""

    pid: int
    parent: int
    started: int
    """clock ticks since the machine's boot; with the pid it names one process for ever"""


def origin(pid: int) -> Origin | None:
    """A process's beginning (proc(5), ``stat``); None where it has gone, or is hidden."""
    try:
        stat = read(pid, "stat")
        fields = stat[stat.rindex(b")") + 2 :].split()  # the name before it may hold anything
        return Origin(pid, int(fields[1]), int(fields[19]))
    except (OSError, ValueError, IndexError):
        return None


def child_above(pid: int, parent: int) -> Origin | None:
    """The child of ``parent`` that ``pid`` is, or descends from; None where there is none."""
    for _ in range(DEPTH):
        found = origin(pid) if pid > 0 else None
        if found is None or found.parent == parent:
            return found
        pid = found.parent
    return None


def now_in_ticks() -> int:
    """Now, in the clock of ``Origin.started``, and cut to whole ticks as that is."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))


def supervisords_pid() -> int:
    """The pid of the supervisord that started us, also where a wrapper stands between (``uv run``)."""
    own = {name: os.environ.get(name, "") for name in OURS}
    pid = os.getppid()
    for _ in range(DEPTH):
        if not all(own.values()) or not _has(pid, own):
            break
        above = origin(pid)
        if above is None:
            break
        pid = above.parent
    return pid


def _has(pid: int, variables: dict[str, str]) -> bool:
    """Whether a process began with these in its environment; False where we may not look."""
    try:
        environment = read(pid, "environ").split(b"\0")
    except OSError:
        return False
    return all(os.fsencode(f"{name}={value}") in environment for name, value in variables.items())
