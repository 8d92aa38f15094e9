"""From readings to the revision that is wanted: the commands of ``run_on``, then the check.

It tells what the slots should run (the goal) and whether the files may still change; it never looks at
slots, and never decides when they are replaced.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from . import story
from .adoption import SLACK, Adoption
from .facts import (
    CheckFailed,
    CheckPassed,
    CommandFailed,
    CommandSucceeded,
    Fact,
    FileChanged,
    GitHeld,
    RevisionComputed,
    RevisionFailed,
)
from .gathering import Gathering
from .model import UNKNOWN, Revision, TargetSettings
from .orders import CancelCheck, Order, RunCheck, RunCommand, Tell
from .preparation import Preparation

MOST_REPEATS = 5
"""of one command of ``run_on`` before a revision: more are its own doing"""


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
    gathering: Gathering
    disk: Revision | None = None
    """the newest final reading"""
    disk_before: Revision | None = None
    """the newest one of the listener before us, until ours"""
    disk_since: float | None = None
    """when it turned out that ``disk`` is another than before; None: it never was"""
    changed: set[str] = field(default_factory=set)
    """since the newest accepted goal"""
    mark: str = ""
    """names the content of the newest final reading, also of files that are in no revision"""
    preparation: Preparation = field(default_factory=Preparation)
    checking: Goal | None = None
    """what waits for the commands of ``run_on``, and then for the check"""
    goal: Goal | None = None
    rejected: Revision | None = None
    refusal: str = ""
    """why it was rejected"""
    accepted: Revision | None = None
    """the newest revision that passed, or was running when we came"""
    adoption: Adoption = field(default_factory=Adoption)

    @classmethod
    def of(cls, settings: TargetSettings) -> Intake:
        """Nothing is known yet."""
        return cls(settings=settings, gathering=Gathering(settings=settings))

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
        return self.gathering.is_quiet and not self.checking and self.adoption.until is None

    @property
    def on_disk(self) -> Revision | None:
        """What a process that starts now would run; None where that can't be said."""
        gathering = self.gathering
        is_open = gathering.burst is not None or self.adoption.until is not None
        is_unread = gathering.readings or gathering.unreadable or gathering.read_at is not None
        return None if is_open or is_unread else self.disk

    def code_of(self, started: float | None) -> Revision | None:
        """What a process runs that was started then; None where that can't be said yet."""
        on_disk = self.on_disk
        return UNKNOWN if on_disk is not None and self.may_predate(started) else on_disk

    def may_predate(self, started: float | None) -> bool:
        """Whether a process that was started then may run what was on disk before."""
        if started is None or self.disk_since is None:
            return False
        return started + SLACK < self.disk_since

    @property
    def wakes_at(self) -> float | None:
        """When time alone changes something."""
        times = [at for at in (self.gathering.wakes_at, self.adoption.until) if at is not None]
        return min(times, default=None)

    def take(self, fact: Fact, now: float) -> list[Order]:
        """Take a fact about this target's files."""
        match fact:
            case FileChanged():
                self.adoption.is_doubtful |= self.adoption.until is not None
                return self.gathering.change(fact, now) + self._read_early()
            case GitHeld():
                return self.gathering.hear_git(fact, now) + self._read_early()
            case RevisionComputed():
                return self._read(fact, now)
            case RevisionFailed():
                return self.gathering.fail_reading(fact, now)
            case CommandSucceeded() | CommandFailed() | CheckPassed() | CheckFailed():
                return self._hear(fact)
            case _:
                return []

    def _hear(self, fact: CommandSucceeded | CommandFailed | CheckPassed | CheckFailed) -> list[Order]:
        """A command of the operator's ended."""
        match fact:
            case CommandSucceeded():
                return self._succeed(fact)
            case CommandFailed():
                return self._fail_command(fact)
            case CheckPassed():
                return self._pass_check(fact)
            case CheckFailed():
                return self._fail_check(fact)

    def elapse(self, now: float) -> list[Order]:
        """What the time brings."""
        orders: list[Order] = []
        if self.adoption.end(now) and self.adoption.must_check and self.is_settled and self.goal is not None:
            orders = self._vet(self.goal)  # it is about to be rolled out
        return orders + self.gathering.elapse(now)

    def check_again(self) -> list[Order]:
        """Read everything, and check it, whatever came of that before."""
        self.rejected, self.refusal = None, ""
        self.adoption.is_unchecked = self.adoption.is_doubtful = True
        return self.gathering.read_all()

    def _read_early(self) -> list[Order]:
        """A spare slot can begin to boot before the burst ends; without one, waiting costs nothing."""
        return self.gathering.read_early() if self.settings.has_spare and self.goal is not None else []

    def _read(self, fact: RevisionComputed, now: float) -> list[Order]:
        if not fact.final:
            orders = self.gathering.pass_reading(fact, now)
            is_early = self.gathering.has_read_early and not fact.rules and self.preparation.is_done
            return [*orders, *self._want(fact, now)] if is_early else orders
        self.gathering.end_reading()
        known = self.disk or self.disk_before
        if known not in (None, fact.revision):
            self.adoption.is_doubtful, self.disk_since = True, now
        is_news = known is None and (not fact.mark or fact.mark != self.adoption.mark)
        self.adoption.written = fact.written if is_news else None
        self.disk, self.disk_before, self.mark = fact.revision, None, fact.mark
        self.changed |= set(fact.changed)
        self.preparation.owe(fact.rules)
        if not self.preparation.is_done and self.goal is not None and not self.goal.is_final:
            # what booted early booted without what the commands make
            assert self.accepted is not None
            self.goal = Goal(revision=self.accepted)
        return self._want(fact, now)

    def _want(self, fact: RevisionComputed, now: float) -> list[Order]:
        """What a reading asks for."""
        if fact.revision == self.rejected and not fact.changed:
            self._want_as_before()
            return []
        if self.accepted is None:
            return self._adopt(fact, now)
        changed = tuple(sorted(self.changed | set(fact.changed)))
        wanted = Goal(revision=fact.revision, changed=changed, is_final=fact.final)
        return self._prepare(wanted) if not self.preparation.is_done else self._vet(wanted)

    def _prepare(self, wanted: Goal) -> list[Order]:
        """Run what ``run_on`` asks for, one command after the other; then comes the check."""
        orders = self._cancel_check()
        if self.preparation.is_done:
            return [*orders, *self._vet(wanted)]
        self.checking = wanted
        rule = self.preparation.begin()
        if rule is not None and self.preparation.repeats[rule] > MOST_REPEATS:
            reason = f"its own files changed each of {MOST_REPEATS} times that it ran: does it write them?"
            failed = CommandFailed(target=self.settings.name, rule=rule, reason=reason)
            return [*orders, *self._fail_command(failed)]
        if rule is not None:
            target, revision = self.settings.name, wanted.revision
            run = RunCommand(target=target, rule=rule, revision=revision, changed=wanted.changed)
            orders += [run, Tell(story=story.commanded(self.settings, rule, wanted.changed))]
        return orders

    def _vet(self, wanted: Goal) -> list[Order]:
        """Let a revision through, at once or after its check."""
        if wanted.revision == self.accepted and not self.adoption.must_check:
            was = self.goal.changed if self.goal and self.goal.revision == wanted.revision else ()
            return [*self._cancel_check(), *self._accept(replace(wanted, changed=was))]
        if self.goal is not None and self.goal.revision == wanted.revision != self.accepted:
            return self._accept(wanted)  # the early reading had it right, and it passed
        if wanted.revision == self.accepted and not self.adoption.is_named:
            self.adoption.is_named = True
            return [*self._cancel_check(), *self.gathering.read_all(self.adoption.oldest)]
        return self._check(wanted)

    def _adopt(self, fact: RevisionComputed, now: float) -> list[Order]:
        """The first reading: the code that runs already, unless an event says that it changed just before."""
        self.adoption.begin(self.settings.watch, now)
        burst = self.gathering.burst
        self.adoption.is_doubtful |= burst is not None or self.gathering.readings > 0
        hints = tuple(sorted(burst.hints)) if burst is not None else ()
        return self._accept(Goal(revision=fact.revision, changed=hints))

    def _check(self, wanted: Goal) -> list[Order]:
        check = self.settings.check
        if not check.command and not check.python:
            self.adoption.is_unchecked = False
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
            self.accepted, self.rejected, self.refusal = goal.revision, None, ""
            self.changed.clear()
            self.preparation.repeats.clear()
        return []

    def _pass_check(self, fact: CheckPassed) -> list[Order]:
        checked = self.checking
        if checked is None or checked.revision != fact.revision:
            return []
        self.checking, self.adoption.is_unchecked = None, False
        return self._accept(checked)

    def _succeed(self, fact: CommandSucceeded) -> list[Order]:
        """The next command; after the last, everything is read again, for what they wrote."""
        self.preparation.succeed(fact.rule)
        if self.checking is None:
            return []
        if not self.preparation.is_done:
            return self._prepare(self.checking)
        self.checking = self.rejected = None
        return self.gathering.read_all()

    def _fail_command(self, fact: CommandFailed) -> list[Order]:
        """Without what the command makes, the revision is no good; it is run again with the next change."""
        self.preparation.fail(fact.rule)
        checked, self.checking = self.checking, None
        if checked is None:
            return []
        told: list[Order] = [Tell(story=story.command_failed(self.settings, fact, checked))]
        if checked.revision == self.accepted and not self.adoption.must_check:
            return [*told, *self._accept(checked)]  # no code waits for it
        self.refuse(checked.revision, story.shown(self.settings, fact.rule), fact.reason)
        return told

    def _fail_check(self, fact: CheckFailed) -> list[Order]:
        checked = self.checking
        if checked is None or checked.revision != fact.revision:
            return []
        self.checking = None
        if not checked.is_final:
            return []  # the burst goes on: its end brings the final reading, and its own check
        self.refuse(fact.revision, "the check", fact.reason)
        return [Tell(story=story.refused(self.settings, fact, checked.changed))]

    def refuse(self, revision: Revision, what: str, reason: str) -> None:
        """Take a revision for no good until files change, or an operator asks for it."""
        self.rejected, self.refusal = revision, f"{what}: {reason}"
        self._want_as_before()

    def _want_as_before(self) -> None:
        """Nothing new is wanted: what the listener before us wanted is wanted still."""
        if self.goal is None and self.accepted is not None:
            self.goal = Goal(revision=self.accepted)
