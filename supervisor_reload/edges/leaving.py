"""How a listener leaves that may not work, so that supervisord does not start it again without end.

supervisord gives up on a process (FATAL, where everybody sees it) that ends younger than its ``startsecs``
a few times; an older one it starts again at once, for ever. And it notices an end up to 1 s late, which makes
a young process old. This never decides whether a listener may work.
"""

from __future__ import annotations

import os
import select
import time

from .ancestry import now_in_ticks, origin

YOUNG = 0.9
"""Seconds: who ends younger ends before ``startsecs``, which is 1 where nobody set it."""

LINGERS = 10.0
"""Seconds for which an older one waits before it ends."""

NOTICE_LIMIT = 2.0
"""Seconds for which the pipes are held open, at most."""

STEP = 0.005
"""Seconds between two looks whether we have ended."""


def leave(stdin: int) -> None:
    """Get ready to end: return, and then end at once with a status of failure.

    ``stdin`` is the pipe from supervisord; while we wait it is seen when that dies.
    """
    if _age() > YOUNG:
        poll = select.poll()
        poll.register(stdin, 0)  # POLLHUP comes unasked; events are for others now
        poll.poll(LINGERS * 1000)
    else:
        _hold_pipes()


def _age() -> float:
    """Seconds since this process began; 0 where that can't be known."""
    own = origin(os.getpid())
    return 0.0 if own is None else (now_in_ticks() - own.started) / os.sysconf("SC_CLK_TCK")


def _hold_pipes() -> None:
    """Close our ends of supervisord's pipes right after our end, which wakes supervisord to notice it.

    They close before a process can be reaped; then supervisord, which wakes at once, finds nobody to reap,
    and sleeps on.
    """
    own = os.getpid()
    try:
        if os.fork():
            return
    except OSError:
        return  # then it is noticed late
    deadline = time.monotonic() + NOTICE_LIMIT
    while os.getppid() == own and time.monotonic() < deadline:
        time.sleep(STEP)
    os._exit(0)
