"""The policy: which slot is started, drained, retired or signalled next.

One set of rules gives every strategy; two numbers with Kubernetes' meaning, ``max_surge`` and
``max_unavailable``, tell them apart. Pure: no I/O, no clock; nothing here knows of files or checks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from .model import ProcessState, Revision, Strategy, TargetSettings
from .moves import Moves
from .phase import Phase
from .pool import Pool
from .slot import Slot
from .trigger import Trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """One replacement of a target's slots by a revision."""

    id: int
    revision: Revision
    began: float
    """monotonic seconds"""
    wanted: int
    """how many ready slots it must end with"""
    trigger: Trigger = Trigger.FILES
    changed: tuple[str, ...] = ()
    """absolute paths"""
    is_prepared: bool = False
    """what must be done before (``before_rollout``) was done"""
    is_final: bool = True
    """False while the burst that caused it goes on"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a rollout ended: one line of the history."""

    id: int
    revision: Revision
    trigger: Trigger
    outcome: str
    """complete, halted, aborted, withdrawn or superseded"""
    reason: str = ""
    seconds: float = 0.0
    changed: tuple[str, ...] = ()
    """absolute paths"""


def roll(settings: TargetSettings, moves: Moves, rollout: Rollout, now: float, *, settled: bool) -> None:
    """The next steps of a rollout.

    ``settled`` is False while the files may still change: then nothing old is touched, and only a spare
    slot may begin to boot.
    """
    pool = Pool(tuple(moves.slots.values()), rollout.revision, rollout.began)
    if settings.strategy is Strategy.SIGNAL:
        if settled:
            _signal(settings, moves, pool, rollout, now)
        return
    if settled:
        _tell_light(settings, moves, pool, rollout, now)
        pool = Pool(tuple(moves.slots.values()), rollout.revision, rollout.began)
    enough = settings.has_spare and len(pool.ready_new) >= rollout.wanted
    for slot in pool.stale_boots:
        if settled or (settings.has_spare and slot.revision is not None):
            moves.stop(slot, now, settings.stop_timeout, retiring=enough)
    if settings.has_spare and pool.has_room(rollout.wanted):
        _surge(settings, moves, pool, rollout, now, settled)
    elif settled:
        _in_place(settings, moves, pool, rollout, now)


def _surge(
    settings: TargetSettings, moves: Moves, pool: Pool, rollout: Rollout, now: float, settled: bool
) -> None:
    """New beside old: start while there is room, retire only what is more than wanted."""
    new = len(pool.ready_new) + len(pool.ready_told) + len(pool.booting) + len(pool.owed)
    new += len(pool.stale_boots) + len(pool.reloading)
    total = new + len(pool.ready_other) + len(pool.unproven)
    room = min(rollout.wanted - new, rollout.wanted + settings.max_surge - total)
    empty = (*pool.fallen, *pool.spare)
    for slot in empty[: max(0, room)]:
        moves.start(slot, now, rollout.revision)
    if not settled:
        return
    if new >= rollout.wanted:
        for slot in pool.fallen:  # it fell by itself, and its successor is there already
            moves.slots[slot.name] = slot.enter(Phase.SPARE, now)
    for slot in pool.retried:
        moves.stop(slot, now, settings.stop_timeout, retiring=new >= rollout.wanted)
    surplus = len(pool.ready) + len(pool.unproven) - rollout.wanted
    victims = (*pool.unproven, *pool.ready_other, *pool.ready_told, *reversed(pool.ready_new))
    for slot in victims[: max(0, surplus)]:
        moves.leave(slot, now, settings, retiring=True)


def _in_place(settings: TargetSettings, moves: Moves, pool: Pool, rollout: Rollout, now: float) -> None:
    """Old makes room for new: bring back what is down, then drain as many as may be unavailable."""
    for slot in pool.fallen:
        moves.start(slot, now, rollout.revision)
    for slot in pool.retried:
        moves.leave(slot, now, settings, retiring=False)
    may_leave = len(pool.ready) + len(pool.unproven) - (rollout.wanted - settings.max_unavailable)
    for slot in (*pool.unproven, *pool.ready_other)[: max(0, may_leave)]:
        moves.leave(slot, now, settings, retiring=False)


def _tell_light(settings: TargetSettings, moves: Moves, pool: Pool, rollout: Rollout, now: float) -> None:
    """Only light files changed for these (``signal_on``): they get a signal and go on, a few at a time."""
    may_reload = max(1, settings.max_unavailable)
    may_reload -= len(pool.booting) + len(pool.stale_boots) + len(pool.reloading)
    for slot in pool.ready_told[: max(0, may_reload)]:
        moves.hang_up(slot, now, settings, rollout.revision)


def _signal(settings: TargetSettings, moves: Moves, pool: Pool, rollout: Rollout, now: float) -> None:
    """The application replaces its own code: signal as many at once as may be unavailable."""
    for slot in pool.fallen:
        moves.start(slot, now, rollout.revision)
    for slot in pool.retried:
        moves.stop(slot, now, settings.stop_timeout, retiring=False)
    may_reload = may_be_down = max(1, settings.max_unavailable)
    may_reload -= len(pool.booting) + len(pool.stale_boots) + len(pool.owed)
    may_leave = len(pool.ready) + len(pool.unproven) - (rollout.wanted - may_be_down)
    for slot in (*pool.unproven, *pool.ready_old)[: max(0, may_reload)]:
        if not slot.is_unanswered:
            moves.hang_up(slot, now, settings, rollout.revision)
        elif may_leave > 0:  # it may have got its signal: a new process is sure to have the new code
            moves.leave(slot, now, settings, retiring=False)
            may_leave -= 1


def is_complete(slots: Iterable[Slot], rollout: Rollout) -> bool:
    """Whether every slot in use is ready on the rollout's revision, and nothing is on its way."""
    pool = Pool(tuple(slots), rollout.revision, rollout.began)
    return pool.in_use == pool.ready_new and len(pool.ready_new) >= rollout.wanted


def undo(settings: TargetSettings, moves: Moves, rollout: Rollout, now: float) -> None:
    """Take back what a rollout that ended brought up beside the old, where the old suffice."""
    pool = Pool(tuple(moves.slots.values()), rollout.revision, rollout.began)
    covered = len(pool.ready) >= rollout.wanted
    for slot in (*pool.booting, *pool.failed):
        is_empty = slot.phase is Phase.SPARE  # it fell in this rollout, and an operator stopped the next
        if not slot.is_surge or not covered or is_empty:
            continue
        if slot.state.has_process or slot.state is ProcessState.BACKOFF or slot.phase is Phase.STARTING:
            moves.leave(slot, now, settings, retiring=True)  # it may have served already
        else:
            moves.slots[slot.name] = slot.enter(Phase.SPARE, now)
    _keep(moves, pool, rollout.wanted - len(pool.ready), now)
    surplus = len(pool.ready) - rollout.wanted if settings.has_spare else 0
    for slot in pool.ready_new[: max(0, surplus)]:
        moves.leave(slot, now, settings, retiring=True)


def _keep(moves: Moves, pool: Pool, missing: int, now: float) -> None:
    """What was on its way out is needed still where its successor went: it stays, or is started again.

    Not what supervisord was told to stop: an operator who stops the rest meanwhile may mean all of it.
    """
    early = (Phase.QUIESCING, Phase.DRAINING)
    retiring = [slot for slot in pool.slots if slot.phase in early and slot.is_retiring]
    for slot in retiring[: max(0, missing)]:
        is_untouched = slot.phase is Phase.DRAINING and slot.quiesced_pid != slot.pid
        if is_untouched:
            moves.slots[slot.name] = slot.enter(Phase.READY, now)
        else:
            moves.slots[slot.name] = replace(slot, is_retiring=False)


def trim(settings: TargetSettings, moves: Moves, now: float) -> bool:
    """At the start, supervisord starts every slot: retire the surplus once ``replicas`` are ready.

    Returns whether that was decided, so that a surplus slot started by hand later is left alone.
    """
    slots = tuple(moves.slots.values())
    ready = [slot for slot in slots if slot.phase is Phase.READY]
    if not settings.has_spare or len(ready) < settings.replicas:
        return not settings.has_spare
    keep = {slot.name for slot in ready[: settings.replicas]}
    surplus = [
        slot
        for slot in slots
        if slot.name not in keep
        and slot.phase is not Phase.SPARE
        and not slot.phase.is_leaving
        and (slot.is_live or slot.state is ProcessState.BACKOFF)
    ]
    for slot in surplus:
        moves.leave(slot, now, settings, retiring=True)
    return all(moves.slots[slot.name].phase.is_leaving for slot in surplus)


def forgive(settings: TargetSettings, moves: Moves) -> None:
    """A slot that was stopped by hand while enough others are ready is a spare one again."""
    ready = sum(slot.phase is Phase.READY for slot in moves.slots.values())
    for slot in tuple(moves.slots.values()):
        if settings.has_spare and slot.is_by_hand and ready >= settings.replicas:
            moves.slots[slot.name] = replace(slot, is_by_hand=False)
