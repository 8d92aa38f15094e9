"""The update of one of supervisord's groups: empty it as its targets say, and have it replaced.

It says what to order next for one group; which group is updated when is ``reconfiguring``'s. Processes are
stopped as late as it can be, and none is left stopped that ran before.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from . import configstory as story
from .configfacts import (
    GroupsCompared,
)
from .configuration import GroupSettings, group_of
from .model import Process, ProcessState, SlotName
from .orders import Order, ReplaceGroup, StartProcess, StopProcess, Tell
from .phase import Phase
from .slot import KILL_MARGIN, LOOK_INTERVAL
from .target import Target
from .turning import brought_back, coming, emptied, refilled

PAY_AGAIN = 1.0
"""Seconds until it is looked again whether what was stopped for nothing can be started."""

LONGEST_PAUSE = 60.0
"""Seconds between two tries of an update that supervisord refuses."""


class Kind(enum.Enum):
    """What becomes of a group."""

    REMOVED = "removed"
    CHANGED = "updated"
    ADDED = "added"


class Step(enum.Enum):
    """Where an update stands."""

    LOOKING = "looking"
    """everything is looked at before anything is touched"""
    EMPTYING = "emptying"
    OVER = "over"


Seen = Mapping[SlotName, Process]
"""what the newest look at everything showed"""


@dataclass(slots=True)
class Update:
    """One update. Times are monotonic seconds."""

    group: str
    kind: Kind
    began: float
    look_at: float
    """when to look at everything again"""
    is_retry: bool = False
    step: Step = Step.LOOKING
    deadline: float = 0.0
    were_up: set[SlotName] = field(default_factory=set)
    blocking: tuple[SlotName, ...] = ()
    """what somebody stopped, and the update would start"""

    def begin(
        self,
        targets: Iterable[Target],
        seen: Seen,
        owed: set[SlotName],
        former: GroupSettings,
        now: float,
    ) -> list[Order]:
        """Take the group's processes out of service.

        ``owed`` are processes that an earlier try stopped; ``former`` is the group as it was configured.
        """
        targets = list(targets)
        there = self._there(seen)
        if self.kind is Kind.CHANGED:
            stopped = _stopped_by_hand(there, targets, former, owed)
            if stopped:
                self.step, self.blocking = Step.OVER, stopped
                return [Tell(story=story.left_alone(self.group, stopped))]
        told = [] if self.is_retry else [story.update_began(self.group, self.kind.value)]
        orders: list[Order] = [Tell(story=one) for one in told]
        self.step = Step.EMPTYING
        self.were_up = {process.name for process in there if _is_filled(process)}
        for target in targets:
            orders += target.move(emptied(target, self.group, now))
        slots = {name for target in targets for name in target.slots}
        for process in there:
            if process.name not in slots and _is_filled(process):
                orders.append(StopProcess(name=process.name))
        self.deadline = now + _limit(targets, former)
        self.look_at = now + LOOK_INTERVAL if self.were_up else now
        return orders

    def go_on(
        self, targets: Iterable[Target], seen: Seen, start: tuple[SlotName, ...], now: float
    ) -> list[Order]:
        """Have the group replaced once it is empty, or give up.

        ``start`` are processes that supervisord will not start by itself.
        """
        there = self._there(seen)
        left = [process for process in there if process.state.has_process or _is_filled(process)]
        if not left:
            self.look_at = now + LOOK_INTERVAL  # where somebody starts one just now
            is_new = self.kind is Kind.ADDED
            add = self.kind is not Kind.REMOVED
            return [ReplaceGroup(group=self.group, remove=not is_new, add=add, start=start)]
        if now < self.deadline:
            self.look_at = now + LOOK_INTERVAL
            return []
        self.step = Step.OVER
        orders: list[Order] = [Tell(story=story.not_emptied(self.group, tuple(p.name for p in left)))]
        return [*orders, *self.bring_back(targets, now)]

    def finish(self, targets: Iterable[Target], now: float) -> list[Order]:
        """supervisord did it."""
        self.step = Step.OVER
        for target in targets:
            refilled(target, self.group)
        return [Tell(story=story.updated(self.group, self.kind.value, now - self.began))]

    def _there(self, seen: Seen) -> list[Process]:
        return [process for name, process in seen.items() if group_of(name) == self.group]

    def bring_back(self, targets: Iterable[Target], now: float) -> list[Order]:
        """The group is not replaced after all: slots come back; what else was stopped is owed still."""
        orders: list[Order] = []
        for target in targets:
            orders += target.move(brought_back(target, self.were_up, now))
        return orders


def _is_filled(process: Process) -> bool:
    return process.state.is_up or process.state is ProcessState.BACKOFF


def _stopped_by_hand(
    there: list[Process], targets: list[Target], group: GroupSettings, owed: set[SlotName]
) -> tuple[SlotName, ...]:
    """Processes that supervisord had started and somebody stopped: to add the group would start them."""
    spare = {
        slot.name
        for target in targets
        for slot in target.slots.values()
        if target.settings.has_spare and slot.phase is Phase.SPARE and not slot.is_by_hand
    }
    return tuple(
        process.name
        for process in there
        if process.state is ProcessState.STOPPED
        and process.name in group.autostart
        and process.name not in spare | owed
    )


def kinds_of(fact: GroupsCompared) -> dict[str, Kind]:
    """What becomes of each group that differs."""
    return {
        **dict.fromkeys(fact.removed, Kind.REMOVED),
        **dict.fromkeys(fact.changed, Kind.CHANGED),
        **dict.fromkeys(fact.added, Kind.ADDED),
    }


def to_start(group: GroupSettings, owed: set[SlotName]) -> tuple[SlotName, ...]:
    """What ran before and will not be started by supervisord itself."""
    return tuple(name for name in group.processes if name in owed and name not in group.autostart)


def repay(due: set[SlotName], seen: Seen, targets: Iterable[Target]) -> tuple[list[Order], set[SlotName]]:
    """Start what an update stopped for nothing; and what of it is owed still, until it was seen to run.

    A process that is on its way is its target's business; one that supervisord tried, or forgot, is nobody's.
    """
    still = down_of(due, seen)
    comes = {name for target in targets for name in coming(target)}
    stopped = {name for name in still if seen[name].state is ProcessState.STOPPED}
    ended = {name for name in due if name in seen and seen[name].state is ProcessState.EXITED}
    return [StartProcess(name=name) for name in sorted((stopped | ended) - comes)], still


def down_of(names: Iterable[SlotName], seen: Seen) -> set[SlotName]:
    """Which of these processes were stopped, or are being stopped."""
    down = (ProcessState.STOPPED, ProcessState.STOPPING)
    return {name for name in names if name in seen and seen[name].state in down}


def _limit(targets: list[Target], group: GroupSettings) -> float:
    """Seconds after which the slowest process must have gone: a slot's own limits, one after the other."""
    limits = [group.stop_timeout]
    limits += [t.settings.lame_duck + t.settings.drain_timeout + t.settings.stop_timeout for t in targets]
    return max(limits) + 2 * KILL_MARGIN
