"""All targets together: which fact concerns which, and what all of them want next.

It only routes; every rule about one target is in ``target`` and below.
"""

from __future__ import annotations

from collections.abc import Iterable

from .facts import (
    CheckFailed,
    CheckPassed,
    Fact,
    FileChanged,
    GitHeld,
    GroupsChanged,
    OrderRefused,
    ProbeFailed,
    ProbePassed,
    ProcessChanged,
    ProcessesObserved,
    ProcessExited,
    ProcessObserved,
    RevisionComputed,
    RevisionFailed,
    Ticked,
    WorkDrained,
    WorkPending,
)
from .model import SlotName, TargetSettings
from .orders import Order
from .target import Target


class Coordinator:
    """The whole state of the program, owned by one thread."""

    def __init__(self, settings: Iterable[TargetSettings]) -> None:
        self.targets = {target.name: Target.of(target) for target in settings}
        self._by_slot = {name: target for target in self.targets.values() for name in target.slots}
        self.must_look_at_all = True
        """whether supervisord should be asked about everything before the next decision"""

    def take(self, fact: Fact, now: float) -> list[Order]:
        """Take one fact; returns the orders that can't wait for ``decide``."""
        match fact:
            case ProcessesObserved():
                self.must_look_at_all = False
                return self._take_all(fact, now)
            case Ticked() | GroupsChanged():
                self.must_look_at_all = True
                return []
            case ProcessObserved():
                return self._take_of(fact.process.name, fact, now)
            case (
                ProcessChanged()
                | ProcessExited()
                | ProbePassed()
                | ProbeFailed()
                | WorkDrained()
                | WorkPending()
                | OrderRefused()
            ):
                return self._take_of(fact.name, fact, now)
            case (
                FileChanged()
                | GitHeld()
                | RevisionComputed()
                | RevisionFailed()
                | CheckPassed()
                | CheckFailed()
            ):
                target = self.targets.get(fact.target)
                return [] if target is None else target.take(fact, now)
            case _:
                return []

    def looks_due(self, now: float) -> list[SlotName]:
        """The slots that supervisord should be asked about before the next decision."""
        return [name for target in self.targets.values() for name in target.looks_due(now)]

    def decide(self, now: float) -> list[Order]:
        """What all targets want done now."""
        return [order for target in self.targets.values() for order in target.decide(now)]

    def wakes_at(self, now: float) -> float | None:
        """When to decide again, if nothing happens before (monotonic seconds)."""
        times = [target.wakes_at(now) for target in self.targets.values()]
        return min((at for at in times if at is not None), default=None)

    def _take_of(self, name: SlotName, fact: Fact, now: float) -> list[Order]:
        target = self._by_slot.get(name)
        return [] if target is None else target.take(fact, now)

    def _take_all(self, fact: ProcessesObserved, now: float) -> list[Order]:
        seen = {process.name: process for process in fact.processes}
        orders: list[Order] = []
        for name, target in self._by_slot.items():
            if name in seen:
                orders += target.take(ProcessObserved(process=seen[name]), now)
            else:
                orders += target.miss(name, now)
        return orders
