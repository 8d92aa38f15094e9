"""Whether what was found running is the code that was found on disk: asked once, when we come.

It weighs what can be known about that; it reads no file, looks at no process, and decides nothing about them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from .model import UNKNOWN, ObserverKind, Revision, WatchSettings

EVENTS_COME = 0.25
"""Seconds for a native file event, amply: measured were 2 ms. In this time a mere touch is doubted, too."""

TOGETHER = 5.0
"""Seconds: a process that is hardly older than we are boots, and may write files of its own."""

SLACK = 0.02
"""Seconds by which the kernel's times of a process and of a file may be wrong: two of its ticks."""


def events_come(watch: WatchSettings, *, is_native: bool) -> float:
    """Seconds within which the event of a save before a reading comes."""
    return EVENTS_COME + (0.0 if is_native else watch.poll_interval)


@dataclass(slots=True, kw_only=True)
class Adoption:
    """What speaks for and against it. Times are monotonic seconds."""

    came: float = 0.0
    """when we began to watch"""
    until: float | None = None
    """until then the event of a save before the first reading may still come"""
    written: float | None = None
    """when the newest file changed, at the first reading; None where that is not known, or of no matter"""
    mark: str = ""
    """what was read last in the life before: where it is the same now, the times tell nothing"""
    oldest: float = -math.inf
    """when the oldest of the processes that were found was started; -inf where that is not known"""
    is_doubtful: bool = False
    """what runs may not be what was read: files changed meanwhile, or nobody watched when they did"""
    is_unchecked: bool = False
    """what was found never passed a check; where that may be news to what runs, it must"""
    is_named: bool = False
    """what may be news to it was read anew, by name"""

    @property
    def must_check(self) -> bool:
        """Whether the first reading's code may be rolled out, and was never checked."""
        return self.is_unchecked and (self.is_doubtful or self.until is None)

    def begin(self, watch: WatchSettings, now: float) -> None:
        """The first reading came, and no journal tells what runs."""
        self.until = now + events_come(watch, is_native=watch.observer is not ObserverKind.POLLING)
        self.is_unchecked = True

    def doubt(self, found: Iterable[tuple[Revision | None, float | None]]) -> None:
        """Take what is known of the processes that were found: which code they run, and when they began.

        One that is older than a file may run other code, and one of which nobody knows will be replaced.
        """
        if self.until is None:
            return
        unsure = [(revision, at) for revision, at in found if revision in (None, UNKNOWN)]
        self.is_doubtful |= any(revision == UNKNOWN for revision, _ in unsure)
        times = [at for _, at in unsure if at is not None]
        if not times:
            return
        self.oldest = min(times)
        if self.written is not None:
            # who began just before may well have read it: it was not yet done with its own start
            self.is_doubtful |= self.oldest < min(self.written - SLACK, self.came - TOGETHER)

    def end(self, now: float) -> bool:
        """Whether it ends now: no event of a save before comes any more."""
        if self.until is None or now < self.until:
            return False
        self.until = None
        self.is_unchecked &= self.is_doubtful
        return True
