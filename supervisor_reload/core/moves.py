"""The moves of one slot: start it, signal it, take it out of service step by step, and what each is owed.

Every move changes the slot and orders what makes it true; which slot moves when is decided in ``rollout``.
Pure: no I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from .model import ProcessState, Revision, SlotName, TargetSettings
from .orders import Order, SignalProcess, StartProcess, StopProcess
from .phase import Phase
from .slot import KILL_MARGIN, LOOK_INTERVAL, MIN_AGE, REAP_INTERVAL, RESTART_WINDOW, Slot

START_LIMIT = 10.0
"""Seconds until supervisord must show a process that it said it started."""


@dataclass(slots=True)
class Moves:
    """Slots as they will be once the orders are carried out."""

    slots: dict[SlotName, Slot]
    orders: list[Order] = field(default_factory=list)

    @classmethod
    def of(cls, slots: Iterable[Slot]) -> Moves:
        """No moves yet."""
        return cls({slot.name: slot for slot in slots})

    def _put(self, slot: Slot, order: Order) -> None:
        self.slots[slot.name] = slot
        self.orders.append(order)

    def start(self, slot: Slot, now: float, revision: Revision | None) -> None:
        """Start a process in an empty slot."""
        surge = slot.phase is Phase.SPARE or slot.is_surge
        moved = slot.enter(
            Phase.STARTING,
            now,
            limit=START_LIMIT,
            began=now,
            started=None,
            revision=revision,
            falls=slot.falls if revision == slot.revision else 0,
            is_surge=surge,
            is_surplus=False,
            is_due=False,
            pid=0,
        )
        self._put(moved, StartProcess(name=slot.name))

    def stop(self, slot: Slot, now: float, limit: float, *, retiring: bool) -> None:
        """Have it stopped: surplus, a stale boot, or a drain that took too long; ``tend`` orders it."""
        self.slots[slot.name] = slot.enter(
            Phase.STOPPING, now, limit=limit + KILL_MARGIN, is_retiring=retiring, look_at=now + LOOK_INTERVAL
        )

    def leave(self, slot: Slot, now: float, settings: TargetSettings, *, retiring: bool) -> None:
        """Take a process that may be serving out of service, step by step: quiesce, drain, stop.

        ``tend`` orders what each step needs, and leads on to the next.
        """
        # in a crash loop our signal would meet the next process, which may have the new code already
        has_fallen = slot.fell_at > 0.0 and now < slot.fell_at + RESTART_WINDOW
        has_steps = slot.settings.drain.is_measured or settings.quiesce_signal  # it may serve all the same
        is_crashing = slot.phase is not Phase.READY and has_fallen and not has_steps
        if slot.state is not ProcessState.RUNNING or slot.signalled_pid == slot.pid or is_crashing:
            self.stop(slot, now, settings.stop_timeout, retiring=retiring)
        elif settings.quiesce_signal and slot.quiesced_pid != slot.pid:
            self.slots[slot.name] = slot.enter(
                Phase.QUIESCING,
                now,
                limit=settings.lame_duck,
                is_retiring=retiring,
                look_at=now + LOOK_INTERVAL,
            )
        else:
            self._drain(slot, now, settings, retiring=retiring)

    def _drain(self, slot: Slot, now: float, settings: TargetSettings, *, retiring: bool) -> None:
        """Let it finish what it has in hand; with drain=exit the stop signal itself asks for that."""
        if retiring and not slot.settings.drain.is_measured:
            self.stop(slot, now, settings.stop_timeout, retiring=True)
            return
        self.slots[slot.name] = slot.enter(
            Phase.DRAINING,
            now,
            limit=settings.drain_timeout,
            is_retiring=retiring,
            look_at=now + LOOK_INTERVAL,
        )

    def advance(self, slot: Slot, now: float, settings: TargetSettings) -> None:
        """Lead a slot on its way out to its next step, once this one is done or has had its time."""
        is_over = slot.deadline is not None and now >= slot.deadline
        if slot.phase is Phase.QUIESCING and slot.is_asked and is_over:
            self._drain(slot, now, settings, retiring=slot.is_retiring)
        elif slot.phase is Phase.DRAINING and slot.is_measured:
            if slot.is_drained or is_over:
                self._finish(slot, now, settings)
        elif slot.phase is Phase.DRAINING and is_over:
            self.stop(slot, now, settings.stop_timeout, retiring=slot.is_retiring)

    def _finish(self, slot: Slot, now: float, settings: TargetSettings) -> None:
        """Its measured work is done, or had its time: now the stop signal, and the program's stopwaitsecs."""
        if slot.is_retiring:
            self.stop(slot, now, settings.stop_timeout, retiring=True)
        elif not slot.is_drained:
            reason = slot.reason or "nothing was heard of its work"
            self.slots[slot.name] = replace(slot, is_drained=True, reason=reason)

    def ask(self, slot: Slot, now: float, settings: TargetSettings) -> None:
        """Order what a leaving slot is due: once, but again where the order did not reach supervisord."""
        if slot.state.is_up and now < slot.began_at + MIN_AGE:
            self.slots[slot.name] = replace(slot, look_at=slot.began_at + MIN_AGE)
        elif slot.phase is Phase.QUIESCING:
            deadline = now + max(settings.lame_duck, REAP_INTERVAL)
            asked = replace(slot, is_asked=True, quiesced_pid=slot.pid, deadline=deadline)
            self._put(asked, SignalProcess(name=slot.name, pid=slot.pid, signal=settings.quiesce_signal))
        elif slot.phase is Phase.DRAINING:
            self._signal_stop(slot, now, settings)
        elif slot.state.is_up or slot.state is ProcessState.BACKOFF:
            deadline = now + settings.stop_timeout + KILL_MARGIN
            self._put(replace(slot, is_asked=True, deadline=deadline), StopProcess(name=slot.name))

    def _signal_stop(self, slot: Slot, now: float, settings: TargetSettings) -> None:
        if slot.is_measured and not slot.is_drained:
            return
        # what was drained before has only to end; supervisord's stopwaitsecs does not apply to our signal
        limit = settings.stop_timeout if slot.is_drained else settings.drain_timeout
        asked = replace(slot, is_asked=True, signalled_pid=slot.pid, deadline=now + limit)
        self._put(asked, SignalProcess(name=slot.name, pid=slot.pid, signal=settings.stop_signal))

    def hang_up(self, slot: Slot, now: float, settings: TargetSettings, revision: Revision) -> None:
        """Have the application reload itself; then it must be ready, and live for startsecs."""
        ready = slot.settings.ready
        soak = max(ready.min_ready, slot.settings.startsecs)
        moved = slot.enter(
            Phase.PROBING,
            now,
            limit=ready.timeout,
            began=now,
            revision=revision,
            soak=soak,
            told_pid=slot.pid,
            is_due=False,
            is_unanswered=True,
            look_at=now + MIN_AGE,
        )
        self._put(moved, SignalProcess(name=slot.name, pid=slot.pid, signal=settings.signal))


def _retire_surplus(settings: TargetSettings, moves: Moves, slot: Slot, now: float) -> None:
    """What autorestart filled is stopped where the others suffice, and kept where they are gone."""
    others = sum(other.phase is Phase.READY for other in moves.slots.values() if other.name != slot.name)
    if others >= settings.replicas:
        moves.leave(slot, now, settings, retiring=True)  # it may have served before anybody saw it
    elif not any(other.phase.is_booting for other in moves.slots.values() if other.name != slot.name):
        moves.slots[slot.name] = replace(slot, is_surplus=False)


def tend(
    settings: TargetSettings, moves: Moves, now: float, on_disk: Revision | None, *, start: bool
) -> None:
    """What is owed whatever happens: a drain has a limit, and who stops must start.

    ``start`` is False while the files may still change; even then nothing stays down for longer than
    ``max_wait``: what starts may serve, what waits surely does not.
    """
    for slot in tuple(moves.slots.values()):
        if slot.phase.is_leaving:
            moves.advance(slot, now, settings)
        elif slot.is_surplus and (slot.is_live or slot.state is ProcessState.BACKOFF):
            _retire_surplus(settings, moves, slot, now)
        elif slot.phase is Phase.VACANT and not slot.is_by_hand:
            latest = slot.since + settings.watch.max_wait
            if start or now >= latest:
                moves.start(slot, now, on_disk)
            else:
                moves.slots[slot.name] = replace(slot, look_at=latest)
    for slot in tuple(moves.slots.values()):
        if slot.phase.is_leaving and not slot.is_asked:
            moves.ask(slot, now, settings)
