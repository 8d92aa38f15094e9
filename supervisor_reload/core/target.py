"""One target: its files' goal, its slots and the rollout between them.

``decide`` compares what is wanted with what is observed and returns orders; it is the reconciler of this
program. It owns no thread, reads no clock and does no I/O; facts come in, orders go out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from . import story
from .beginning import begin, hear, prepare, stop_preparing
from .facts import Fact, HookFailed, HookSucceeded, ProcessObserved
from .intake import Goal, Intake
from .model import UNKNOWN, ProcessState, Revision, SlotName, TargetSettings
from .moves import Moves, tend
from .orders import BeginProbing, Order, Story, Tell
from .phase import Phase
from .pool import Pool
from .restraint import ABORTED, STOPPED_BY_HAND, Restraint
from .rollout import Outcome, Rollout, forgive, is_complete, roll, trim, undo
from .slot import Slot, elapse, miss, relabel
from .slotstory import moved
from .taking import SlotFact, ask_again, follow, name_of, take


@dataclass(slots=True)
class Target:
    """The state of one ``[reload:NAME]`` section. Times are monotonic seconds."""

    settings: TargetSettings
    intake: Intake
    slots: dict[SlotName, Slot]
    restraint: Restraint
    rollout: Rollout | None = None
    ended: Outcome | None = None
    """the newest rollout that ended"""
    next_id: int = 1
    known_pids: dict[SlotName, int] = field(default_factory=dict)
    """the processes that the listener before us knew"""
    preparing: int = 0
    """the rollout for which what must be done before was ordered"""
    is_fresh: bool = False
    """the rollout began in this very turn, and nothing was done for it yet"""
    is_trimmed: bool = False
    """the surplus that supervisord started with us has been retired"""
    unserved: Revision | None = None
    """told already that nothing runs this code"""
    is_paused: bool = False
    """an operator wants nothing to begin, until he says so"""
    is_abort_asked: bool = False
    """an operator wants the rollout in hand to end"""
    is_frozen: bool = False
    """nothing else is begun, be it for the rollout in hand: nobody could know of it after our death"""
    is_waiting: bool = False
    """its configuration is about to change: no rollout begins before"""

    @classmethod
    def of(cls, settings: TargetSettings) -> Target:
        """A target of which nothing is known yet."""
        slots = {slot.name: Slot(settings=slot) for slot in settings.slots}
        return cls(settings, Intake.of(settings), slots, Restraint(settings))

    def take(self, fact: Fact, now: float) -> list[Order]:
        """Take a fact about this target; what it orders at once never touches a process."""
        if isinstance(fact, HookSucceeded | HookFailed):
            return hear(self, fact, now)
        if not isinstance(fact, SlotFact):
            return self.intake.take(fact, now)
        process = fact.process if isinstance(fact, ProcessObserved) else None
        before = self.slots[name_of(fact)]
        code = self.intake.code_of(process.started if process else None)
        self.slots[before.name] = take(before, fact, now, code)
        return self._diff({before.name: before})

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
        times += [self.intake.wakes_at, self.restraint.retry_at, self.restraint.interval_ends_at]
        later = [at for at in times if at is not None and at > now] + [now] * self.is_fresh
        return min(later + [at for at in looks if at is not None], default=None)

    def decide(self, now: float) -> list[Order]:
        """Compare what is wanted with what is observed; nothing is ordered twice."""
        before = dict(self.slots)
        self.intake.adoption.doubt({(slot.revision, slot.started) for slot in before.values()})
        orders = self.intake.elapse(now)
        self.slots = {name: elapse(slot, now) for name, slot in self.slots.items()}
        orders += self._diff(before)
        before = dict(self.slots)
        self._label_unknown()
        if self.intake.goal is not None:
            self.restraint.turn_to(self.intake.goal.revision)
        self.restraint.is_urgent &= self.intake.rejected is None
        orders += self._judge(now) + self._lift()
        was_idle = self.rollout is None
        orders += begin(self, now)
        self.is_fresh = was_idle and self.rollout is not None
        orders += prepare(self)
        moves = Moves.of(self.slots.values())
        if self.rollout is None:
            self.is_trimmed = self.is_trimmed or trim(self.settings, moves, now)
            forgive(self.settings, moves)
        elif self.rollout.is_prepared and not (self.is_fresh or self.is_frozen or self.is_paused):
            # first of all it must be on record that it began
            roll(self.settings, moves, self.rollout, now, settled=self.intake.is_settled)
        may_start = self.rollout is None or self.intake.is_settled or self.settings.has_spare
        tend(self.settings, moves, now, self._start_revision, start=may_start)
        self.slots = moves.slots
        after = self._diff(before)
        # who is told to reload itself must have been told before anybody asks whether it is ready
        probes = [order for order in after if isinstance(order, BeginProbing)]
        return [*orders, *(order for order in after if order not in probes), *moves.orders, *probes]

    def resume(self, now: float) -> list[Order]:
        """Go on where the listener before us ended: what it looked at is looked at again.

        Where none of the processes that it knew is left, supervisord started everything anew, also the
        surplus: ``supervisorctl reload`` does that without a new pid of its own.
        """
        lives = [self.slots[name].pid == pid for name, pid in self.known_pids.items()]
        self.is_trimmed = self.is_trimmed and (any(lives) or not lives)
        asked = {name: ask_again(slot, now) for name, slot in self.slots.items()}
        self.is_trimmed, self.slots = self.is_trimmed and asked == self.slots, asked
        orders = [order for slot in asked.values() for order in follow(Slot(settings=slot.settings), slot)]
        if self.rollout is not None:
            orders.append(Tell(story=story.resumed(self, self.rollout)))
        return orders

    def move(self, moves: Moves) -> list[Order]:
        """Make moves that were not decided here: for a change of the configuration."""
        before, self.slots = self.slots, moves.slots
        return [*self._diff(before), *moves.orders]

    @property
    def _start_revision(self) -> Revision | None:
        rollout = self.rollout if self.intake.is_settled else None  # else the files may be others by now
        return self.intake.on_disk if rollout is None else rollout.revision

    def _label_unknown(self) -> None:
        """What was started while the files were read runs what was read, if that is all there ever was."""
        intake = self.intake
        if not intake.is_settled or intake.goal is None:
            return
        was_doubtful, intake.adoption.is_doubtful = intake.adoption.is_doubtful, False
        for name, slot in self.slots.items():
            if slot.revision is None and (slot.is_live or slot.phase is Phase.FAILED):
                is_other = was_doubtful or intake.may_predate(slot.started)
                self.slots[name] = relabel(slot, UNKNOWN if is_other else intake.goal.revision)

    def _judge(self, now: float) -> list[Order]:
        """End the rollout, or turn it to a newer goal."""
        rollout, goal = self.rollout, self.intake.goal
        if rollout is None or goal is None:
            return []
        pool = self._pool(rollout.revision, rollout.began)
        rollout = self.rollout = replace(rollout, wanted=pool.wanted(self.settings))
        if self.is_fresh and self.restraint.obstacle:
            self.rollout, self.is_abort_asked = None, False
            return [Tell(story=story.put_off(self, rollout, self.restraint.obstacle))]
        if pool.stopped_by_hand or self.is_abort_asked:
            return self._abort(pool, now)
        if goal.revision != rollout.revision:
            return self._turn(rollout, goal, pool, now)
        if goal.is_final and not rollout.is_final:
            rollout = self.rollout = replace(rollout, changed=goal.changed, is_final=True)
        if pool.failed and rollout.is_final:
            return self._halt(pool.failed[0], now)
        if self.intake.rejected is not None:
            return self.end(story.halted(self, "the check refused the newer code on disk", None, now), now)
        if self.intake.is_settled and is_complete(self.slots.values(), rollout):
            self.restraint.forget()
            self.is_trimmed = True
            return self.end(story.completed(self, now), now)
        return []

    def _pool(self, revision: Revision, began: float) -> Pool:
        return Pool(tuple(self.slots.values()), revision, began)

    def _abort(self, pool: Pool, now: float) -> list[Order]:
        """An operator ends the rollout: by a word, or by his hand on a process."""
        stopped = pool.stopped_by_hand
        self.restraint.leave_alone(STOPPED_BY_HAND if stopped else ABORTED)
        self.slots = {name: replace(slot, is_due=False) for name, slot in self.slots.items()}
        return [*stop_preparing(self), *self.end(story.aborted(self, stopped), now)]

    def _turn(self, rollout: Rollout, goal: Goal, pool: Pool, now: float) -> list[Order]:
        """The files changed again while the rollout was under way."""
        serving = Pool(pool.slots, goal.revision, rollout.began).ready_new
        if len(serving) >= rollout.wanted:
            return self.end(story.withdrawn(self, goal.revision), now) if goal.is_final else []
        if self.intake.rejected is not None:
            return self.end(story.halted(self, "the check refused the newer code on disk", None, now), now)
        if not (self.intake.is_settled or (self.settings.has_spare and not goal.is_final)):
            return []
        if not rollout.is_final:  # the same burst brought more: still one rollout
            self.rollout = replace(
                rollout, revision=goal.revision, changed=goal.changed, began=now, is_final=goal.is_final
            )
            return [Tell(story=story.grew(self, goal))]
        told = story.superseded(self, rollout, goal.revision)
        must_wait = self.is_paused or self.settings.hooks.before or not self.restraint.permits(now)
        if must_wait:
            return self.end(told, now)  # its successor may not begin yet: take back what is beside the old
        self._close(told, now)
        return [Tell(story=told)]

    def end(self, told: Story, now: float) -> list[Order]:
        """End the rollout, for the reason that the story tells; what it brought up in vain is taken back."""
        assert self.rollout is not None
        moves = Moves.of(self.slots.values())
        undo(self.settings, moves, self.rollout, now)
        self.slots = moves.slots
        self._close(told, now)
        return [Tell(story=told), *moves.orders]

    def _close(self, told: Story, now: float) -> None:
        """Put the rollout into the history; who wanted it ended has that now."""
        rollout, self.rollout = self.rollout, None
        self.is_abort_asked = False
        assert rollout is not None
        self.ended = Outcome(
            id=rollout.id,
            revision=rollout.revision,
            trigger=rollout.trigger,
            outcome=told.event.removeprefix("rollout "),
            reason=story.reason_of(told),
            seconds=round(now - rollout.began, 3),
            changed=rollout.changed,
        )

    def _halt(self, slot: Slot, now: float) -> list[Order]:
        assert self.rollout is not None
        reason = slot.reason if slot.phase is Phase.FAILED else "its process ended by itself"
        self.restraint.fail(now, reason, is_last=slot.state is ProcessState.FATAL)
        return self.end(story.halted(self, reason, slot, now), now)

    def _lift(self) -> list[Order]:
        """What failed before, or was aborted, serves everywhere; or what is held serves in a slot that an
        operator started since, so that its cause is gone, and the others may follow."""
        goal, restraint = self.intake.goal, self.restraint
        is_restrained = restraint.failures or restraint.is_left_alone
        if self.rollout is not None or goal is None or not is_restrained or not self.intake.is_settled:
            return []
        pool = self._pool(goal.revision, 0.0)
        is_answered = restraint.is_held and any(
            slot.is_started_by_hand and slot.began > restraint.failed_at for slot in pool.ready_new
        )
        if not is_answered and (not pool.ready_new or pool.in_use != pool.ready_new):
            return []
        was_held = restraint.is_held
        restraint.forget()
        return [Tell(story=story.lifted(self, goal.revision))] if was_held else []

    def _diff(self, before: dict[SlotName, Slot]) -> list[Order]:
        """What follows from slots that changed: probes begin and end, and the story is told."""
        orders: list[Order] = []
        for name, old in before.items():
            new = self.slots[name]
            orders += follow(old, new)
            orders += [Tell(story=told) for told in moved(self, old, new)]
        return orders
