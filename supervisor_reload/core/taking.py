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
    SignalSent,
    WorkDrained,
    WorkPending,
)
from .looks import look_soon, observe
from .model import ProcessState, Revision, SlotName
from .orders import BeginDraining, BeginProbing, EndDraining, EndProbing, Order
from .phase import Phase
from .slot import (
    Slot,
    await_work,
    end_process,
    fail_probe,
    fall,
    finish_work,
    hear_sent,
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
    | SignalSent
)
"""What is about one slot"""


def name_of(fact: SlotFact) -> SlotName:
    """Which slot a fact is about."""
    return fact.process.name if isinstance(fact, ProcessObserved) else fact.name


def take(slot: Slot, fact: SlotFact, now: float, on_disk: Revision | None) -> Slot:
    """What a fact makes of a slot; ``on_disk`` is what a process runs that is new here."""
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
            return _hear(slot, fact, now)


def _hear(slot: Slot, fact: OrderRefused | SignalSent, now: float) -> Slot:
    """What became of an order."""
    if isinstance(fact, SignalSent):
        return hear_sent(slot, fact.pid)
    return refuse(slot, fact.code, fact.message, now)


def ask_again(slot: Slot, now: float) -> Slot:
    """What the first look after our death makes of a process that was about to be stopped as surplus.

    It is RUNNING, so supervisord was never told; and those that were enough without it may have fallen since.
    """
    was_told = slot.is_asked or slot.pid in (slot.quiesced_pid, slot.signalled_pid)
    is_untold = slot.phase is Phase.STOPPING and slot.state is ProcessState.RUNNING and not was_told
    if not (is_untold and slot.is_retiring):
        return slot
    return slot.enter(Phase.PROBING, now, limit=slot.settings.ready.timeout, look_at=now)


def follow(old: Slot, new: Slot) -> list[Order]:
    """What follows from a slot that changed: looks at its readiness and its work begin and end."""
    orders: list[Order] = []
    if _probed(old) != _probed(new):
        pid = _probed(new)
        orders.append(BeginProbing(name=new.name, pid=pid) if pid else EndProbing(name=new.name))
    if _looked_at(old) != _looked_at(new):
        pid = _looked_at(new)
        orders.append(BeginDraining(name=new.name, pid=pid) if pid else EndDraining(name=new.name))
    return orders


def _probed(slot: Slot) -> int:
    """The pid whose readiness is looked at; 0 for none."""
    waits = slot.phase in (Phase.PROBING, Phase.SOAKING) and slot.settings.ready.scheme != "running"
    return slot.pid if waits else 0


def _looked_at(slot: Slot) -> int:
    """The pid whose work is looked at; 0 for none."""
    waits = slot.phase is Phase.DRAINING and slot.is_measured and not slot.is_drained
    return slot.pid if waits else 0
