"""One target: its files' goal, its slots and the rollout between them.

``decide`` compares what is wanted with what is observed and returns orders; it is the reconciler of this
program. It owns no thread, reads no clock and does no I/O; facts come in, orders go out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from . import story
from .facts import (
    Fact,
    OrderRefused,
    ProbeFailed,
    ProbePassed,
    ProcessChanged,
    ProcessExited,
    ProcessObserved,
)
from .intake import Goal, Intake
from .model import ProcessState, Revision, SlotName, TargetSettings
from .orders import BeginProbing, EndProbing, Order, Tell
from .pool import Pool
from .rollout import Moves, Rollout, Trigger, forgive, is_complete, roll, tend, trim, undo
from .slot import (
    Phase,
    Slot,
    elapse,
    end_process,
    fail_probe,
    look_soon,
    miss,
    observe,
    pass_probe,
    refuse,
    relabel,
)

RETRY_CAP = 60.0
"""Seconds: the longest pause before a failed revision is tried again."""

HOUR = 3600.0


@dataclass(slots=True)
class Target:
    """The state of one ``[reload:NAME]`` section. Times are monotonic seconds."""

    settings: TargetSettings
    intake: Intake
    slots: dict[SlotName, Slot]
    rollout: Rollout | None = None
    next_id: int = 1
    is_trimmed: bool = False
    """the surplus that supervisord started with us has been retired"""
    failures: int = 0
    """of the goal's revision"""
    failed: Revision | None = None
    retry_at: float | None = None
    held: Revision | None = None
    """failed as often as ``failure_limit`` allows: left alone until the files change"""
    seen: Revision | None = None
    """the goal that the five fields around this one speak of"""
    left_alone: Revision | None = None
    """an operator ended its rollout"""
    unserved: Revision | None = None
    """told already that nothing runs this code"""
    begun: list[float] = field(default_factory=list)
    """when the rollouts of the last hour began"""

    @classmethod
    def of(cls, settings: TargetSettings) -> Target:
        """A target of which nothing is known yet."""
        slots = {slot.name: Slot(settings=slot) for slot in settings.slots}
        return cls(settings, Intake(settings=settings), slots)

    def take(self, fact: Fact, now: float) -> list[Order]:
        """Take a fact about this target; orders come at once only where a file is concerned."""
        name = _slot_of(fact)
        if name is None:
            return self.intake.take(fact, now)
        before = self.slots[name]
        after = _take(before, fact, now, self.intake.on_disk)
        self.slots[name] = after
        return self._diff({name: before})

    def miss(self, name: SlotName, now: float) -> list[Order]:
        """supervisord does not know this slot."""
        before = self.slots[name]
        self.slots[name] = miss(before, now)
        return self._diff({name: before})

    def looks_due(self, now: float) -> list[SlotName]:
        """The slots that supervisord should be asked about now."""
        return [s.name for s in self.slots.values() if s.look_at is not None and s.look_at <= now]

    def wakes_at(self, now: float) -> float | None:
        """When to decide again, if nothing happens before; asked after ``decide(now)``."""
        looks = [slot.look_at for slot in self.slots.values()]
        times = [slot.wakes_at for slot in self.slots.values()]
        times += [self.intake.wakes_at, self.retry_at, self._interval_ends_at]
        later = [at for at in times if at is not None and at > now]
        return min(later + [at for at in looks if at is not None], default=None)

    def decide(self, now: float) -> list[Order]:
        """Compare what is wanted with what is observed; nothing is ordered twice."""
        before = dict(self.slots)
        orders = self.intake.elapse(now)
        self.slots = {name: elapse(slot, now) for name, slot in self.slots.items()}
        orders += self._diff(before)
        before = dict(self.slots)
        self._label_unknown()
        self._forget_failures()
        orders += self._judge(now)
        orders += self._begin(now)
        moves = Moves.of(self.slots.values())
        if self.rollout is not None:
            roll(self.settings, moves, self.rollout, now, settled=self.intake.is_settled)
        else:
            self.is_trimmed = self.is_trimmed or trim(self.settings, moves, now)
            forgive(self.settings, moves)
        may_start = self.rollout is None or self.intake.is_settled or self.settings.has_spare
        tend(self.settings, moves, now, self._start_revision, start=may_start)
        self.slots = moves.slots
        return [*orders, *self._diff(before), *moves.orders]

    @property
    def _start_revision(self) -> Revision | None:
        return self.rollout.revision if self.rollout is not None else self.intake.on_disk

    def _label_unknown(self) -> None:
        """What was started while the files were read runs what was read, if that is all there ever was."""
        intake = self.intake
        if not intake.is_settled or intake.goal is None:
            return
        for name, slot in self.slots.items():
            if slot.revision is None and slot.is_live and not intake.goal.changed:
                self.slots[name] = relabel(slot, intake.goal.revision)

    def _forget_failures(self) -> None:
        """The files changed: what was held against the last revision does not count for this one."""
        goal = self.intake.goal
        if goal is not None and goal.revision != self.seen:
            self.seen, self.failures = goal.revision, 0
            self.failed = self.retry_at = self.held = self.left_alone = None

    def _judge(self, now: float) -> list[Order]:
        """End the rollout, or turn it to a newer goal."""
        rollout, goal = self.rollout, self.intake.goal
        if rollout is None or goal is None:
            return []
        pool = Pool(tuple(self.slots.values()), rollout.revision, rollout.began)
        if pool.stopped_by_hand:
            self.left_alone = goal.revision
            return self._end(story.aborted(self, pool.stopped_by_hand, now), now)
        if goal.revision != rollout.revision:
            return self._turn(rollout, goal, pool, now)
        if goal.is_final and not rollout.is_final:
            rollout = self.rollout = replace(rollout, changed=goal.changed, is_final=True)
        if pool.failed and rollout.is_final:
            return self._halt(pool.failed[0], now)
        if self.intake.rejected is not None:
            return self._end(story.halted(self, "the check refused the newer code on disk", None, now), now)
        if self.intake.is_settled and is_complete(self.slots.values(), rollout):
            self.failures, self.failed, self.retry_at, self.is_trimmed = 0, None, None, True
            return self._end(story.completed(self, now), now)
        return []

    def _turn(self, rollout: Rollout, goal: Goal, pool: Pool, now: float) -> list[Order]:
        """The files changed again while the rollout was under way."""
        serving = Pool(pool.slots, goal.revision, rollout.began).ready_new
        if len(serving) >= rollout.wanted:
            return self._end(story.withdrawn(self, goal.revision, now), now) if goal.is_final else []
        if not (self.intake.is_settled or (self.settings.has_spare and not goal.is_final)):
            return []
        if not rollout.is_final:  # the same burst brought more: still one rollout
            self.rollout = replace(
                rollout, revision=goal.revision, changed=goal.changed, began=now, is_final=goal.is_final
            )
            return [Tell(story=story.grew(self, goal))]
        self.rollout = None
        return [Tell(story=story.superseded(self, rollout, goal.revision))]

    def _end(self, told: list[Order], now: float) -> list[Order]:
        assert self.rollout is not None
        moves = Moves.of(self.slots.values())
        undo(self.settings, moves, self.rollout, now)
        self.slots, self.rollout = moves.slots, None
        return told + moves.orders

    def _halt(self, slot: Slot, now: float) -> list[Order]:
        assert self.rollout is not None
        revision = self.rollout.revision
        self.failures = self.failures + 1 if revision == self.failed else 1
        self.failed, self.retry_at = revision, None
        if self.failures >= self.settings.failure_limit or slot.state is ProcessState.FATAL:
            self.held = revision
        else:
            self.retry_at = now + min(RETRY_CAP, 2.0 ** (self.failures - 1))
        return self._end(story.halted(self, slot.reason, slot, now), now)

    def _begin(self, now: float) -> list[Order]:
        goal = self.intake.goal
        if self.rollout is not None or goal is None or not self._is_due(goal, now):
            return []
        in_use = Pool(tuple(self.slots.values()), goal.revision, now).in_use
        wanted = min(self.settings.replicas, len(in_use))
        if wanted == 0:
            told, self.unserved = self.unserved == goal.revision, goal.revision
            return [] if told else [Tell(story=story.unserved(self, goal))]
        is_retry = goal.revision == self.failed and self.retry_at is not None
        self.rollout = Rollout(
            id=self.next_id,
            revision=goal.revision,
            began=now,
            wanted=wanted,
            trigger=Trigger.RETRY if is_retry else Trigger.FILES if goal.changed else Trigger.RECOVERY,
            changed=goal.changed,
            is_final=goal.is_final,
        )
        self.next_id += 1
        self.retry_at = None
        self.begun = [at for at in self.begun if at > now - HOUR] + [now]
        return [Tell(story=story.began(self, self.rollout))]

    def _is_due(self, goal: Goal, now: float) -> bool:
        """Whether a rollout of the goal should begin now."""
        if goal.revision in (self.held, self.left_alone):
            return False
        if goal.is_final and not self.intake.is_settled:
            return False
        if not goal.is_final and (not self.settings.has_spare or self.intake.rejected is not None):
            return False
        if self._interval_ends_at is not None and now < self._interval_ends_at:
            return False
        if goal.revision == self.failed:
            return self.retry_at is not None and now >= self.retry_at
        in_use = Pool(tuple(self.slots.values()), goal.revision, now).in_use
        return not in_use or any(slot.revision != goal.revision for slot in in_use)

    @property
    def _interval_ends_at(self) -> float | None:
        """When ``min_interval`` and ``max_per_hour`` allow the next rollout."""
        goal = self.intake.goal
        if not self.begun or goal is None or self.rollout is not None:
            return None
        ends = self.begun[-1] + self.settings.min_interval
        if self.settings.max_per_hour and len(self.begun) >= self.settings.max_per_hour:
            ends = max(ends, self.begun[-self.settings.max_per_hour] + HOUR)
        return ends

    def _diff(self, before: dict[SlotName, Slot]) -> list[Order]:
        """What follows from slots that changed: probes begin and end, and the story is told."""
        orders: list[Order] = []
        for name, old in before.items():
            new = self.slots[name]
            orders += _probes(old, new)
            told = story.moved(self, old, new)
            if told is not None:
                orders.append(Tell(story=told))
        return orders


def _slot_of(fact: Fact) -> SlotName | None:
    if isinstance(fact, ProcessObserved):
        return fact.process.name
    if isinstance(fact, (ProcessChanged, ProcessExited, ProbePassed, ProbeFailed, OrderRefused)):
        return fact.name
    return None


def _take(slot: Slot, fact: Fact, now: float, on_disk: Revision | None) -> Slot:
    match fact:
        case ProcessObserved():
            return observe(slot, fact.process, now, on_disk)
        case ProcessChanged():
            return look_soon(slot, now)
        case ProcessExited():
            return end_process(slot, fact.pid, now)
        case ProbePassed():
            return pass_probe(slot, now) if fact.pid == slot.pid else slot
        case ProbeFailed():
            return fail_probe(slot, fact.detail, now) if fact.pid == slot.pid else slot
        case OrderRefused():
            return refuse(slot, fact.code, fact.message, now)
        case _:
            return slot


def _probes(old: Slot, new: Slot) -> list[Order]:
    def probed(slot: Slot) -> int:
        waits = slot.phase in (Phase.PROBING, Phase.SOAKING) and slot.settings.ready.scheme != "running"
        return slot.pid if waits else 0

    if probed(old) == probed(new):
        return []
    if probed(new):
        return [BeginProbing(name=new.name, pid=new.pid)]
    return [EndProbing(name=new.name)]
