"""The story of one slot, line by line: what its change of phase says to an operator. It only words.

The story of the rollout around it is in ``story``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .model import ProcessState
from .orders import Story
from .phase import Phase
from .slot import Slot

if TYPE_CHECKING:
    from .target import Target


def moved(target: Target, old: Slot, new: Slot) -> list[Story]:
    """What a slot's change says; mostly one line, or none."""
    if new.state is ProcessState.UNKNOWN and old.state is not ProcessState.UNKNOWN:
        return [_story(target, "slot removed", slot=new.name)]  # also in what is a spare slot already
    if old.phase is new.phase and old.pid == new.pid:
        told = _continued(target, old, new)
        return [] if told is None else [told]
    if new.phase is Phase.PROBING and old.phase is not Phase.SOAKING:
        return _arrived(target, old, new)
    told = None
    if new.phase is Phase.READY and old.phase is Phase.DRAINING:
        told = _of(target, "slot kept", new)
    elif new.phase is Phase.READY:
        told = _of(target, "slot ready", new, seconds=new.since - new.began)
    elif new.phase is Phase.FAILED and old.phase is not Phase.FAILED:
        told = _failed(target, old, new)
    elif new.phase.is_leaving or new.phase in (Phase.VACANT, Phase.SPARE):
        told = _departed(target, old, new)
    return [] if told is None else [told]


def _story(target: Target, event: str, level: str = "info", **values: object) -> Story:
    rollout = 0 if target.rollout is None else target.rollout.id
    return Story(target=target.settings.name, event=event, level=level, rollout=rollout, values=values)


def _of(target: Target, event: str, slot: Slot, level: str = "info", **values: object) -> Story:
    return _story(target, event, level, slot=slot.name, pid=slot.pid, **values)


def _continued(target: Target, old: Slot, new: Slot) -> Story | None:
    """A step within a phase of the way out."""
    if new.is_overdue and not old.is_overdue:
        limit = target.settings.stop_timeout
        return replace(
            _of(target, "stop timed out", new, "warning", limit=limit), in_flight_of=(new.name, new.pid)
        )
    if new.is_drained and not old.is_drained:
        if new.reason:
            return _drain_timed_out(target, new, new.reason)
        return _of(target, "slot drained", new)
    return None


def _drain_timed_out(target: Target, slot: Slot, reason: str) -> Story:
    limit = target.settings.drain_timeout
    told = _of(target, "drain timed out", slot, "warning", limit=limit, reason=reason)
    return replace(told, in_flight_of=(slot.name, slot.pid))


def _arrived(target: Target, old: Slot, new: Slot) -> list[Story]:
    """A process that is new to us; where supervisord was faster than our look, its predecessor left."""
    if new.pid == old.pid:
        return [_of(target, "slot signalled", new)]
    is_found = old.state is ProcessState.UNKNOWN and old.phase is Phase.SPARE
    told = _of(target, "slot found" if is_found else "slot started", new)
    return [_left(target, old, new), told] if old.phase.is_leaving and old.pid else [told]


def _left(target: Target, old: Slot, new: Slot) -> Story:
    return _of(target, "slot left", old, seconds=new.since - old.since)


def _failed(target: Target, old: Slot, new: Slot) -> Story:
    told = _story(target, "slot failed", slot=new.name, level="warning", reason=new.reason)
    if old.phase is Phase.STOPPING:
        return told  # it did not end, or not as we meant it to: nobody is in its way
    return replace(told, holder_of=(new.name, new.settings.ready.address))


def _departed(target: Target, old: Slot, new: Slot) -> Story | None:
    """What a slot on its way out, or out, says."""
    if not old.pid and not new.is_by_hand:
        return None  # a boot that failed and is taken back: that was told already
    if new.phase is Phase.QUIESCING:
        return _busy(_of(target, "slot quiescing", new, signal=target.settings.quiesce_signal), old)
    if new.phase is Phase.DRAINING:
        return _busy(_of(target, "slot draining", new), old)
    if new.phase is Phase.STOPPING:
        return _stopping(target, old, new) if old.phase is not Phase.STOPPING else None
    if new.is_by_hand:
        ready = sum(slot.phase is Phase.READY for slot in target.slots.values())
        is_spare = target.settings.has_spare and ready >= target.settings.replicas
        event = "spare slot stopped by hand" if is_spare else "slot stopped by hand"
        return _story(target, event, slot=new.name, level="warning")
    return _left(target, old, new) if old.phase.is_leaving else None


def _stopping(target: Target, old: Slot, new: Slot) -> Story:
    if old.phase is Phase.DRAINING and old.is_drained and not old.is_retiring:
        return _of(target, "stop signal ignored", new, "warning", limit=target.settings.stop_timeout)
    if old.phase is Phase.DRAINING and not (old.is_drained and old.is_retiring):
        return _drain_timed_out(target, new, old.reason)
    return _busy(_of(target, "slot retiring" if new.is_retiring else "boot replaced", new), old)


def _busy(told: Story, old: Slot) -> Story:
    """With what it has in hand, where it begins to leave now."""
    return told if old.phase.is_leaving else replace(told, in_flight_of=(old.name, old.pid))
