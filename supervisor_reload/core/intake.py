"""From file events to the revision that is wanted: burst, reading, check.

It tells what the slots should run (the goal) and whether the files may still change; it never looks at
slots, and never decides when they are replaced.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from . import story
from .debounce import Burst
from .facts import (
    ChangeKind,
    CheckFailed,
    CheckPassed,
    Fact,
    FileChanged,
    GitHeld,
    RevisionComputed,
    RevisionFailed,
)
from .model import ObserverKind, Revision, TargetSettings
from .orders import AskGit, CancelCheck, ComputeRevision, Order, RunCheck, Tell

EVENTS_COME = 0.25
"""Seconds for a native file event, amply: measured were 2 ms. In this time a mere touch is doubted, too."""

READ_AGAIN = 1.0
"""Seconds until files that could not be read are tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What the slots should run."""

    revision: Revision
    changed: tuple[str, ...] = ()
    is_final: bool = True
    """False while the burst that brought it goes on: only a spare slot may begin to boot it"""


@dataclass(slots=True, kw_only=True)
class Intake:
    """The files of one target, as far as we know."""

    settings: TargetSettings
    burst: Burst | None = None
    readings: int = 0
    """final readings under way"""
    read_at: float | None = 0.0
    """when to read everything, whatever the events say"""
    disk: Revision | None = None
    """the newest final reading"""
    changed: set[str] = field(default_factory=set)
    """since the newest accepted goal"""
    checking: Goal | None = None
    goal: Goal | None = None
    rejected: Revision | None = None
    accepted: Revision | None = None
    """the newest revision that passed, or was running when we came"""
    was_forced: bool = False
    """the last burst never went quiet: the next one must not hold everything up again"""
    adopting_until: float | None = None
    """until then the event of a save before the first reading may still come"""
    is_doubtful: bool = False
    """files changed before the first reading ended: what runs may not be what was read"""
    unreadable: str = ""
    endless: set[str] = field(default_factory=set)

    @property
    def is_settled(self) -> bool:
        """Whether the goal is what is on disk, as far as anybody can know."""
        goal = self.goal
        if goal is None or not goal.is_final or goal.revision != self.disk:
            return False
        return self.is_quiet

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is under way between the files and the goal."""
        if self.readings or self.unreadable or self.checking or self.adopting_until is not None:
            return False
        return self.burst is None or self.was_forced

    @property
    def on_disk(self) -> Revision | None:
        """What a process that starts now would run; None where that can't be said."""
        is_open = self.burst is not None or self.adopting_until is not None
        return None if is_open or self.readings or self.unreadable else self.disk

    @property
    def wakes_at(self) -> float | None:
        """When time alone changes something."""
        times = [at for at in (self.read_at, self.adopting_until) if at is not None]
        if self.burst is not None:
            times.append(self.burst.ends_at(self.settings.watch))
        return min(times, default=None)

    def take(self, fact: Fact, now: float) -> list[Order]:
        """Take a fact about this target's files."""
        match fact:
            case FileChanged():
                return self._change(fact, now)
            case GitHeld():
                return self._hear_git(fact, now)
            case RevisionComputed():
                return self._read(fact, now)
            case RevisionFailed():
                return self._fail_reading(fact, now)
            case CheckPassed():
                return self._pass_check(fact)
            case CheckFailed():
                return self._fail_check(fact)
            case _:
                return []

    def elapse(self, now: float) -> list[Order]:
        """What the time brings: the end of a burst, a reading that is due."""
        orders: list[Order] = []
        if self.adopting_until is not None and now >= self.adopting_until:
            self.adopting_until = None
        if self.read_at is not None and now >= self.read_at:
            self.read_at = None
            self.readings += 1
            orders.append(ComputeRevision(target=self.settings.name, full=True))
        burst, watch = self.burst, self.settings.watch
        if burst is None or now < burst.ends_at(watch):
            return orders
        if now >= burst.overdue_at(watch):
            if not self.was_forced:
                orders.append(Tell(story=story.forced(self.settings, burst, now)))
            self.was_forced = True
            self.endless |= burst.writing
            return [*orders, self._end_burst()]
        burst.is_closing = burst.asking_git = True
        return [*orders, AskGit(target=self.settings.name)]

    def _change(self, fact: FileChanged, now: float) -> list[Order]:
        orders: list[Order] = []
        self.is_doubtful |= self.adopting_until is not None
        if self.burst is None:
            self.burst = Burst(began=now, last=now, asking_git=True)
            orders.append(AskGit(target=self.settings.name))
        if fact.kind is ChangeKind.SETTLED:
            self.endless.discard(fact.path)
        self.burst.add(fact, now, self.endless)
        return orders + self._read_early()

    def _hear_git(self, fact: GitHeld, now: float) -> list[Order]:
        burst = self.burst
        if burst is None:
            return []
        burst.git_held, burst.asking_git, burst.git_answered_at = fact.held, False, now
        if burst.is_closing and not fact.held:
            self.was_forced = False
            return [self._end_burst()]
        return self._read_early()

    def _end_burst(self) -> Order:
        assert self.burst is not None
        burst, self.burst = self.burst, None
        self.readings += 1
        hints = () if burst.is_full else tuple(sorted(burst.hints))
        return ComputeRevision(target=self.settings.name, hints=hints, full=burst.is_full)

    def _read_early(self) -> list[Order]:
        if (
            not self.settings.has_spare
            or self.goal is None
            or not self.burst
            or not self.burst.may_read_early
        ):
            return []
        self.burst.was_read_early = True
        hints = tuple(sorted(self.burst.hints))
        return [ComputeRevision(target=self.settings.name, hints=hints, final=False)]

    def _read(self, fact: RevisionComputed, now: float) -> list[Order]:
        self.unreadable = ""
        if fact.final:
            self.readings = max(0, self.readings - 1)
            self.is_doubtful |= self.disk not in (None, fact.revision)
            self.disk = fact.revision
            self.changed |= set(fact.changed)
        elif self.burst is None:
            return []  # the final reading of the same files is already on its way
        if fact.revision == self.rejected and not fact.changed:
            return []
        if self.accepted is None:
            return self._adopt(fact, now)
        changed = tuple(sorted(self.changed | set(fact.changed)))
        wanted = Goal(revision=fact.revision, changed=changed, is_final=fact.final)
        if fact.revision == self.accepted:
            was = self.goal.changed if self.goal and self.goal.revision == fact.revision else ()
            return [*self._cancel_check(), *self._accept(replace(wanted, changed=was))]
        if self.goal is not None and self.goal.revision == fact.revision:
            return self._accept(wanted)  # the early reading had it right, and it passed
        return self._check(wanted)

    def _adopt(self, fact: RevisionComputed, now: float) -> list[Order]:
        """The first reading: the code that runs already, unless an event says that it changed just before."""
        watch = self.settings.watch
        is_polled = watch.observer is ObserverKind.POLLING
        self.adopting_until = now + EVENTS_COME + (watch.poll_interval if is_polled else 0.0)
        self.is_doubtful = self.burst is not None or self.readings > 0
        hints = tuple(sorted(self.burst.hints)) if self.burst is not None else ()
        return self._accept(Goal(revision=fact.revision, changed=hints))

    def _check(self, wanted: Goal) -> list[Order]:
        check = self.settings.check
        if not check.command and not check.python:
            return self._accept(wanted)
        if self.checking is not None and self.checking.revision == wanted.revision:
            self.checking = wanted
            return []
        orders = self._cancel_check()
        self.checking = wanted
        run = RunCheck(target=self.settings.name, revision=wanted.revision, changed=wanted.changed)
        return [*orders, run]

    def _cancel_check(self) -> list[Order]:
        was, self.checking = self.checking, None
        return [] if was is None else [CancelCheck(target=self.settings.name)]

    def _accept(self, goal: Goal) -> list[Order]:
        self.goal = goal
        if goal.is_final:
            self.accepted, self.rejected = goal.revision, None
            self.changed.clear()
        return []

    def _pass_check(self, fact: CheckPassed) -> list[Order]:
        checked = self.checking
        if checked is None or checked.revision != fact.revision:
            return []
        self.checking = None
        return self._accept(checked)

    def _fail_check(self, fact: CheckFailed) -> list[Order]:
        checked = self.checking
        if checked is None or checked.revision != fact.revision:
            return []
        self.checking = None
        if not checked.is_final:
            return []  # the burst goes on: its end brings the final reading, and its own check
        self.rejected = fact.revision
        return [Tell(story=story.refused(self.settings, fact, checked.changed))]

    def _fail_reading(self, fact: RevisionFailed, now: float) -> list[Order]:
        if fact.final:
            self.readings = max(0, self.readings - 1)
        self.read_at = now + READ_AGAIN
        if self.unreadable == fact.reason:
            return []
        self.unreadable = fact.reason
        return [Tell(story=story.unreadable(self.settings, fact.reason))]
