"""Which rule takes which fact about a slot, and what a changed slot asks of the outside.

It only routes: the rules are in ``slot`` and ``looks``.
"""

from __future__ import annotations

from .facts import (
    OrderRefused,
    ProbeFailed,
    ProbePassed,
    ProcessChanged,
    ProcessExited,
    ProcessObserved,
    WorkDrained,
    WorkPending,
)
from .looks import look_soon, observe
from .model import Revision
from .orders import BeginDraining, BeginProbing, EndDraining, EndProbing, Order
from .phase import Phase
from .slot import (
    Slot,
    await_work,
    end_process,
    fail_probe,
    fall,
    finish_work,
    pass_probe,
    refuse,
)

SlotFact = (
    ProcessObserved
    | ProcessChanged
    | ProcessExited
    | ProbePassed
    | ProbeFailed
    | WorkDrained
    | WorkPending
    | OrderRefused
)
"""What is about one slot"""


def take(slot: Slot, fact: SlotFact, now: float, on_disk: Revision | None) -> Slot:
    """What a fact makes of a slot; ``on_disk`` is what a process started now would run."""
    match fact:
        case ProcessObserved():
            return observe(slot, fact.process, now, on_disk)
        case ProcessChanged():
            return look_soon(fall(slot, fact.exited_pid, now) if fact.exited_pid else slot, now)
        case ProcessExited():
            return end_process(slot, fact.pid, now)
        case ProbePassed():
            return pass_probe(slot, now) if fact.pid == slot.pid else slot
        case ProbeFailed():
            return fail_probe(slot, fact.detail, now) if fact.pid == slot.pid else slot
        case WorkDrained():
            return finish_work(slot) if fact.pid == slot.pid else slot
        case WorkPending():
            return await_work(slot, fact.detail) if fact.pid == slot.pid else slot
        case _:
            return refuse(slot, fact.code, fact.message, now)


def follow(old: Slot, new: Slot) -> list[Order]:
    """What follows from a slot that changed: looks at its readiness and its work begin and end."""
    return _probes(old, new) + _drains(old, new)


def _probes(old: Slot, new: Slot) -> list[Order]:
    def probed(slot: Slot) -> int:
        waits = slot.phase in (Phase.PROBING, Phase.SOAKING) and slot.settings.ready.scheme != "running"
        return slot.pid if waits else 0

    if probed(old) == probed(new):
        return []
    if probed(new):
        return [BeginProbing(name=new.name, pid=new.pid)]
    return [EndProbing(name=new.name)]


def _drains(old: Slot, new: Slot) -> list[Order]:
    def measured(slot: Slot) -> int:
        waits = slot.phase is Phase.DRAINING and slot.is_measured and not slot.is_drained
        return slot.pid if waits else 0

    if measured(old) == measured(new):
        return []
    if measured(new):
        return [BeginDraining(name=new.name, pid=new.pid)]
    return [EndDraining(name=new.name)]
