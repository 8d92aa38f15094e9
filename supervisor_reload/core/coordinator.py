"""All targets together: which fact concerns which, and what all of them want next.

It only routes; every rule about one target is in ``target`` and below.
"""

from __future__ import annotations

from collections.abc import Iterable

from . import configstory as story
from .configfacts import (
    GroupsChanged,
)
from .configuration import Configuration
from .facts import (
    CheckFailed,
    CheckPassed,
    CommandFailed,
    CommandSucceeded,
    Fact,
    FileChanged,
    GitHeld,
    HookFailed,
    HookSucceeded,
    JournalFailed,
    JournalMended,
    ProcessesObserved,
    ProcessObserved,
    RevisionComputed,
    RevisionFailed,
    SeenBy,
    Ticked,
)
from .model import Settings, SlotName, TargetSettings
from .obeying import CROWDED, answer_to, read_by
from .orders import Order, TakeOver, Tell
from .recall import Recollection, answered, owed, recall
from .reconfiguring import ConfigurationFact, Reconfiguring
from .requests import KEPT, Answer, Requested, Verb
from .taking import SlotFact, name_of
from .target import Target

Ended = CheckPassed | CheckFailed | CommandSucceeded | CommandFailed | HookSucceeded | HookFailed
"""Facts about a command of the operator's"""


class Coordinator:
    """The whole state of the program, owned by one thread."""

    def __init__(
        self,
        settings: Iterable[TargetSettings],
        configuration: Configuration | None = None,
        past: Recollection | None = None,
        now: float = 0.0,
    ) -> None:
        """``configuration`` is what the settings are from; None where there is none but them.

        ``past`` is what the listener before us left behind.
        """
        targets, past = tuple(settings), past or Recollection()
        self.targets = {target.name: recall(target, past, now) for target in targets}
        self._is_new = True
        self.unwritten = self.unreachable = ""
        """why the journal can't be written, and why supervisord can't be asked; '' where they can"""
        self._unread: list[Answer] = []
        """to those who wait for a reading"""
        self.answers = answered(past)
        """to the newest requests; a number is used again"""
        self._asked = len(self.answers)
        self._is_frozen = False
        self._by_slot: dict[SlotName, Target] = {}
        self._index()
        whole = configuration or Configuration(settings=Settings(targets=targets))
        self.reconfiguring = Reconfiguring.of(whole, self.targets, owed(past, targets))
        self.must_look_at_all = True
        """whether supervisord should be asked about everything before the next decision"""

    def take(self, fact: Fact, now: float) -> list[Order]:
        """Take one fact; returns the orders that can't wait for ``decide``."""
        match fact:
            case ProcessesObserved():
                self.must_look_at_all = False
                self.reconfiguring.observe(fact.processes)
                return self._take_all(fact, now)
            case Ticked():
                self.must_look_at_all = True
                return []
            case Requested() | JournalFailed() | JournalMended():
                return self._obey(fact) if isinstance(fact, Requested) else self._degrade(fact)
            case _ if isinstance(fact, ConfigurationFact):
                orders = self.reconfiguring.take(fact, now)
                self.must_look_at_all |= self.reconfiguring.wants_look or isinstance(fact, GroupsChanged)
                return orders
            case _ if isinstance(fact, SlotFact):
                name = name_of(fact)
                target = self._by_slot.get(name)
                return [] if target is None else target.take(fact, now)
            case FileChanged() | GitHeld() | RevisionComputed() | RevisionFailed() | SeenBy():
                sifted = self.reconfiguring.switching.sift(fact, now)
                return [] if sifted is None else self.targets[sifted.target].take(sifted, now)
            case (
                CheckPassed()
                | CheckFailed()
                | CommandSucceeded()
                | CommandFailed()
                | HookSucceeded()
                | HookFailed()
            ):
                target = self.targets.get(fact.target)
                return [] if target is None else target.take(fact, now)
            case _:
                return []

    @property
    def degraded(self) -> str:
        """Why we can't do all that we should; '' where we can."""
        return "; ".join(filter(None, (self.obstacle, story.refusal(self.reconfiguring.refused))))

    @property
    def obstacle(self) -> str:
        """Why nothing new can begin; '' where it can."""
        return "; ".join(filter(None, (self.unreachable, self.unwritten)))

    def target_of(self, name: SlotName) -> str:
        """The name of the target that a process belongs to; '' for none."""
        target = self._by_slot.get(name)
        return "" if target is None else target.settings.name

    def looks_due(self, now: float) -> list[SlotName]:
        """The slots that supervisord should be asked about before the next decision."""
        return [name for target in self.targets.values() for name in target.looks_due(now)]

    def decide(self, now: float) -> list[Order]:
        """What all targets want done now, and what a changed configuration asks for."""
        orders = self._go_on(now) + self.reconfiguring.decide(now)
        if any(isinstance(order, TakeOver) for order in orders):
            self._index()
            self._restrain()  # those that came are no better off
            self.must_look_at_all = True  # what runs must be known before the next save
        self.must_look_at_all |= self.reconfiguring.wants_look
        for name, target in self.targets.items():
            if name not in self.reconfiguring.switching.ahead:
                orders += target.decide(now)
        self._tell_read()
        return orders

    def wakes_at(self, now: float) -> float | None:
        """When to decide again, if nothing happens before (monotonic seconds)."""
        times = [target.wakes_at(now) for target in self.targets.values()]
        at = self.reconfiguring.wakes_at
        times.append(at if at is not None and at > now else None)
        return min((at for at in times if at is not None), default=None)

    def _go_on(self, now: float) -> list[Order]:
        """Once, when everything was looked at: what the listener before us had begun to look at or to do."""
        if not self._is_new or self.must_look_at_all:
            return []
        self._is_new = False
        return [order for target in self.targets.values() for order in target.resume(now)]

    def _obey(self, asked: Requested) -> list[Order]:
        """Do what an operator asks, once, and note the answer."""
        if any(answer.id == asked.id for answer in (*self.answers.values(), *self._unread)):
            return []
        is_reading = asked.verb is Verb.READ
        if is_reading and len(self._unread) >= KEPT:  # each reads everything
            names = asked.targets or tuple(self.targets)
            self._answer(Answer(id=asked.id, refused=tuple((name, CROWDED) for name in names)))
            return []
        answer, orders = answer_to(asked, self.targets)
        if is_reading and answer.done:
            self._unread.append(answer)
        else:
            self._answer(answer)
        return orders

    def _answer(self, answer: Answer) -> None:
        self._asked += 1
        self.answers[self._asked % KEPT] = answer

    def _tell_read(self) -> None:
        """Answer who asked for a reading, once nothing is read any more, and no file changes."""
        for answer in self._unread[:]:
            found = read_by(answer, self.targets)
            if found is not None:
                self._answer(found)
                self._unread.remove(answer)

    def _degrade(self, fact: JournalFailed | JournalMended) -> list[Order]:
        """What is under way is finished, as far as there is room for its records; nothing new begins."""
        was, was_frozen = self.unwritten, self._is_frozen
        self.unwritten = fact.reason if isinstance(fact, JournalFailed) else ""
        self._is_frozen = isinstance(fact, JournalFailed) and fact.is_dire
        self._restrain()
        if self._is_frozen:
            return [] if was_frozen else [Tell(story=story.frozen(self.unwritten))]
        if was == self.unwritten:
            return []
        return [Tell(story=story.degraded(self.unwritten) if self.unwritten else story.mended())]

    def _restrain(self) -> None:
        for target in self.targets.values():
            target.restraint.obstacle, target.is_frozen = self.unwritten, self._is_frozen

    def _index(self) -> None:
        self._by_slot = {name: target for target in self.targets.values() for name in target.slots}

    def _take_all(self, fact: ProcessesObserved, now: float) -> list[Order]:
        seen = {process.name: process for process in fact.processes}
        orders: list[Order] = []
        for name, target in self._by_slot.items():
            if name in seen:
                orders += target.take(ProcessObserved(process=seen[name]), now)
            else:
                orders += target.miss(name, now)
        return orders
