"""What a look at supervisord makes of a slot: the only way in which a process's state becomes known.

Events are hints and an order's answer changes nothing; so everything that supervisord, autorestart or an
operator did since the last look is found here, from the state and the pid alone. It orders nothing.
"""

from __future__ import annotations

from dataclasses import replace

from .model import Process, ProcessState, Revision
from .phase import Phase
from .slot import (
    LOOK_INTERVAL,
    REAP_INTERVAL,
    RESTART_WINDOW,
    Slot,
    elapse,
    next_look,
    pass_probe,
    soak_after,
)


def observe(slot: Slot, process: Process, now: float, on_disk: Revision | None) -> Slot:
    """What a look at supervisord makes of a slot.

    ``on_disk`` is the revision that a process runs which is new here, None while the files change.
    """
    if process.state.is_up:
        return _observe_up(slot, process, now, on_disk)
    known = slot.state
    slot = replace(slot, state=process.state, pid=0, look_at=None)
    if slot.phase is Phase.FAILED and known is ProcessState.STOPPING:
        return slot  # our own stop, which took too long
    if process.state is ProcessState.STOPPING:
        return _observe_stopping(slot, process, now)
    if slot.phase.is_leaving:
        return _observe_gone(slot, process, now)
    if process.state is ProcessState.STOPPED:
        return _observe_stopped(slot, now)
    was_down = slot.phase in (Phase.SPARE, Phase.VACANT) and known is not ProcessState.UNKNOWN
    was_started = slot.is_by_hand and known is ProcessState.STOPPED  # by somebody, and it fell unseen
    slot = replace(slot, is_by_hand=False)
    if was_down and process.state in (known, ProcessState.EXITED) and not was_started:
        return slot
    return _fail(slot, now, process.detail or process.state.value)


def _observe_up(slot: Slot, process: Process, now: float, on_disk: Revision | None) -> Slot:
    if process.pid and process.pid == slot.dead_pid:
        return replace(slot, look_at=now + REAP_INTERVAL)  # supervisord has not reaped it yet
    if process.pid and not _is_same(slot, process):
        slot = _adopt(slot, process, now, on_disk)
    elif process.born:
        slot = replace(slot, born=process.born, started=process.started)
    slot = replace(slot, state=process.state, look_at=_next_look(slot, process.state, now))
    if slot.phase is Phase.PROBING and slot.settings.ready.scheme == "running":
        return pass_probe(slot, now) if process.state is ProcessState.RUNNING else slot
    return elapse(slot, now)


def _is_same(slot: Slot, process: Process) -> bool:
    """Whether it is the process that we know: the kernel gives a pid to another one in time."""
    is_known = process.born and slot.born
    return process.pid == slot.pid and not (is_known and process.born != slot.born)


def _adopt(slot: Slot, process: Process, now: float, on_disk: Revision | None) -> Slot:
    """A new process: the one that we ordered, or somebody else's."""
    if process.pid == slot.pid:
        slot = replace(slot, signalled_pid=0, quiesced_pid=0, told_pid=0, pid=0)
    revision = slot.revision if slot.phase is Phase.STARTING else on_disk
    was_up = slot.phase in (Phase.PROBING, Phase.SOAKING, Phase.READY)
    falls = slot.falls if revision == slot.revision else 0
    return slot.enter(
        Phase.PROBING,
        now,
        limit=_limit_of(slot, now),
        pid=process.pid,
        born=process.born,
        started=process.started,
        is_unanswered=False,
        began=now,
        soak=soak_after(slot, falls),
        falls=falls,
        former_pid=slot.pid if was_up else 0,
        former_revision=slot.revision,
        revision=revision,
        is_by_hand=False,
        is_due=False,
        is_started_by_hand=_is_started_by_hand(slot),
        is_surplus=_is_surplus(slot, now),
    )


def _limit_of(slot: Slot, now: float) -> float:
    """Seconds that a new process has to become ready.

    Where the one before it was not ready either, its time goes on: of a crash loop with startsecs=0 whose
    events get lost nothing is seen but new pids, and it would boot for ever.
    """
    whole = max(slot.settings.ready.timeout, slot.settings.startsecs + LOOK_INTERVAL)
    if slot.phase not in (Phase.PROBING, Phase.SOAKING) or slot.deadline is None:
        return whole
    return min(whole, max(0.0, slot.deadline - now))


def _is_started_by_hand(slot: Slot) -> bool:
    """Whether only an operator can have started the process that is new here."""
    was_down = slot.phase in (Phase.SPARE, Phase.FAILED)
    return was_down and slot.state in (ProcessState.STOPPED, ProcessState.FATAL)


def _is_surplus(slot: Slot, now: float) -> bool:
    """Whether a process that is new here is autorestart's, though its slot was to be empty.

    A surplus process may end while it is asked for no new work, or drained, before supervisord was told to
    stop it: to supervisord that is an exit like any other.
    """
    if slot.phase.is_leaving and slot.phase is not Phase.STOPPING:
        return slot.is_retiring
    return slot.is_retired and now < slot.since + RESTART_WINDOW


def _next_look(slot: Slot, state: ProcessState, now: float) -> float | None:
    if state is ProcessState.STARTING:
        # supervisord turns STARTING into RUNNING when its loop wakes; up to 1 s late without a call
        return max(slot.began_at + slot.settings.startsecs + REAP_INTERVAL, now + REAP_INTERVAL)
    return now + LOOK_INTERVAL if slot.phase.is_leaving else None


def _observe_stopping(slot: Slot, process: Process, now: float) -> Slot:
    look_at = now + LOOK_INTERVAL
    if slot.phase is Phase.STOPPING:
        return replace(slot, pid=process.pid, look_at=look_at)
    if slot.phase is Phase.SPARE:
        return replace(slot, is_by_hand=True, look_at=look_at)
    return slot.enter(Phase.SPARE, now, is_by_hand=True, look_at=look_at)


def _observe_gone(slot: Slot, process: Process, now: float) -> Slot:
    """The process that was on its way out has gone."""
    if slot.phase is not Phase.STOPPING and process.state is ProcessState.STOPPED:
        return slot.enter(Phase.SPARE, now, is_by_hand=True)  # we only signalled: that was an operator
    if not slot.is_retiring:
        return slot.enter(Phase.VACANT, now, is_surplus=False)
    ended_by_itself = slot.phase is not Phase.STOPPING
    return slot.enter(
        Phase.SPARE,
        now,
        is_surge=False,
        is_surplus=False,
        is_retired=ended_by_itself,
        look_at=now + LOOK_INTERVAL if ended_by_itself else None,
    )


def _observe_stopped(slot: Slot, now: float) -> Slot:
    if slot.phase in (Phase.SPARE, Phase.VACANT):
        return slot
    return slot.enter(Phase.SPARE, now, is_by_hand=True)


def _fail(slot: Slot, now: float, reason: str) -> Slot:
    if slot.phase is Phase.FAILED:
        return replace(slot, reason=slot.reason or reason)
    return slot.enter(Phase.FAILED, now, reason=reason)


def look_soon(slot: Slot, now: float) -> Slot:
    """supervisord's event hinted that the slot changed; only a look tells how."""
    return replace(slot, look_at=next_look(slot, now))
