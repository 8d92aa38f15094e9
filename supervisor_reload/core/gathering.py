"""From file events to readings: bursts, git, and the looks that nobody's event asked for.

It says when the files are read and what hints the reading gets. What was read is ``intake``'s; whether files
are whole can't be known, only that nobody wrote, closed or moved one for a while.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from . import story
from .debounce import Burst
from .facts import ChangeKind, FileChanged, GitHeld, RevisionComputed, RevisionFailed
from .model import TargetSettings
from .orders import AskGit, ComputeRevision, Order, Tell

READ_AGAIN, READ_AGAIN_CAP = 1.0, 30.0
"""Seconds until files that could not be read are tried again; each failure doubles them."""


@dataclass(slots=True, kw_only=True)
class Gathering:
    """The file events of one target. Times are monotonic seconds."""

    settings: TargetSettings
    burst: Burst | None = None
    readings: int = 0
    """final readings under way"""
    read_at: float | None = 0.0
    """when to read everything, because it was never read, or could not be"""
    rescan_at: float | None = None
    """when to look at everything although no event said so: events get lost"""
    is_rescanning: bool = False
    was_forced: bool = False
    """the last burst never went quiet: the next one must not hold everything up again"""
    unreadable: str = ""
    failures: int = 0
    """readings in a row that failed"""
    endless: set[str] = field(default_factory=set)

    @property
    def is_quiet(self) -> bool:
        """Whether no file changes, as far as anybody can know, and none is read."""
        if self.readings or self.unreadable:
            return False
        return self.burst is None or self.was_forced

    @property
    def blindness(self) -> str:
        """Why the files are not known; '' where they are."""
        return f"the files can't be read: {self.unreadable}" if self.unreadable else ""

    @property
    def wakes_at(self) -> float | None:
        """When time alone changes something."""
        times = [at for at in (self.read_at, self.rescan_at) if at is not None]
        if self.burst is not None:
            times.append(self.burst.ends_at(self.settings.watch))
        return min(times, default=None)

    def change(self, fact: FileChanged, now: float) -> list[Order]:
        """An event came."""
        orders = self._begin(now)
        assert self.burst is not None
        if fact.kind is ChangeKind.SETTLED:
            self.endless.discard(fact.path)
        self.burst.add(fact, now, self.endless)
        return orders

    def hear_git(self, fact: GitHeld, now: float) -> list[Order]:
        """git is at work, or not."""
        burst = self.burst
        if burst is None:
            return []
        burst.git_held, burst.asking_git, burst.git_answered_at = fact.held, False, now
        burst.git_sign = fact.sign
        if not burst.is_closing:
            return []
        if not fact.held:
            return self._end_quietly(burst, now)
        burst.is_steady, burst.was_git_held = False, True
        if burst.was_git_told:
            return []
        burst.was_git_told = True
        return [Tell(story=story.waiting_for_git(self.settings, burst))]

    def read_all(self, since: float | None = None) -> list[Order]:
        """Read everything now: something was written of which events may not have come yet.

        ``since``: what came to be what it is after this moment counts as changed.
        """
        self.readings += 1
        return [ComputeRevision(target=self.settings.name, full=True, since=since)]

    def forget(self, now: float) -> None:
        """What was asked is answered to nobody: begin anew."""
        self.burst, self.readings, self.is_rescanning = None, 0, False
        self.read_at = now

    def elapse(self, now: float) -> list[Order]:
        """What the time brings: the end of a burst, a reading that is due."""
        orders: list[Order] = []
        if self.read_at is not None and now >= self.read_at:
            self.read_at = None
            orders += self.read_all()
            self._put_off_rescan(now)
        if self.rescan_at is not None and now >= self.rescan_at:
            orders += self._rescan(now)
        if self.burst is not None and now >= self.burst.ends_at(self.settings.watch):
            orders += self._close(self.burst, now)
        return orders

    def end_reading(self) -> None:
        """A final reading was answered."""
        self.readings = max(0, self.readings - 1)
        self.unreadable, self.failures = "", 0

    def fail_reading(self, fact: RevisionFailed, now: float) -> list[Order]:
        """The files could not be read."""
        if fact.final:
            self.readings = max(0, self.readings - 1)
        else:
            self.is_rescanning = False
            if self.burst is not None and self.burst.is_looking:
                self.burst.is_looking, self.burst.last = False, now
        self.read_at = now + min(READ_AGAIN_CAP, READ_AGAIN * 2.0**self.failures)
        self.failures = min(self.failures + 1, 10)
        if self.unreadable == fact.reason:
            return []
        self.unreadable = fact.reason
        return [Tell(story=story.unreadable(self.settings, fact.reason))]

    def pass_reading(self, fact: RevisionComputed, now: float) -> list[Order]:
        """An early reading or a rescan was answered. What it saw, the next final reading tells as well.

        A rescan that found something is a hint, as an event is: the file may be half-written.
        """
        self.unreadable, self.failures = "", 0
        if not fact.full:
            return []
        was_rescanning, self.is_rescanning = self.is_rescanning, False
        if self.burst is not None and self.burst.is_looking:
            self.burst.compare((fact.revision, fact.changed), now)
        if not was_rescanning or self.burst is not None or self.readings or not fact.changed:
            return []
        orders = self._begin(now)
        assert self.burst is not None
        self.burst.hints |= set(fact.changed)
        return [Tell(story=story.found(self.settings, fact)), *orders]

    @property
    def has_read_early(self) -> bool:
        """Whether what is read inside this burst may be whole."""
        return self.burst is not None and self.burst.was_read_early and not self.burst.writing

    def read_early(self) -> list[Order]:
        """Read the first files of a burst while it goes on, if they are whole."""
        if self.burst is None or not self.burst.may_read_early:
            return []
        self.burst.was_read_early = True
        hints = tuple(sorted(self.burst.hints))
        return [ComputeRevision(target=self.settings.name, hints=hints, final=False)]

    def _begin(self, now: float) -> list[Order]:
        if self.burst is not None:
            return []
        self.burst = Burst(opened=now, began=now, last=now, asking_git=True)
        return [AskGit(target=self.settings.name)]

    def _close(self, burst: Burst, now: float) -> list[Order]:
        """A burst went quiet, or reached its limit."""
        if now < burst.overdue_at(self.settings.watch):
            if burst.is_polled and not burst.is_steady and not burst.git_held:
                burst.is_looking = True
                return [ComputeRevision(target=self.settings.name, full=True, final=False)]
            burst.is_closing = burst.asking_git = True
            return [AskGit(target=self.settings.name)]
        orders: list[Order] = []
        if not self.was_forced:
            orders.append(Tell(story=story.forced(self.settings, burst, now)))
        self.was_forced = True
        self.endless |= burst.writing
        return [*orders, self._end()]

    def _end_quietly(self, burst: Burst, now: float) -> list[Order]:
        """git is not at work. Where it was a moment ago, silence begins now: what it runs may write, too."""
        if burst.was_git_held and now < burst.opened + self.settings.watch.git_wait:
            burst.was_git_held = burst.is_closing = False
            burst.began = burst.last = now
            return []
        self.was_forced = False
        return [self._end()]

    def _end(self) -> Order:
        assert self.burst is not None
        burst, self.burst = self.burst, None
        self.readings += 1
        hints = () if burst.is_full else tuple(sorted(burst.hints))
        return ComputeRevision(target=self.settings.name, hints=hints, full=burst.is_full)

    def _put_off_rescan(self, now: float) -> None:
        interval = self.settings.watch.rescan_interval
        self.rescan_at = now + interval if interval else None

    def _rescan(self, now: float) -> list[Order]:
        self._put_off_rescan(now)
        if self.is_rescanning or self.readings:
            return []
        self.is_rescanning = True
        return [ComputeRevision(target=self.settings.name, full=True, final=False)]
