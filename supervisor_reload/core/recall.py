"""From the records of a journal to the state of a target, as the listener before us left it.

Recovery is no second program: the state is put back as it was, supervisord and the files are looked at, and
the same ``decide`` goes on. Only what was ordered and may never have been done is put back by one step here.
What a record can't tell, or what can't be believed, is unknown; it is never guessed that something was done.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from .adoption import Adoption
from .likeness import eyes_of, shape_of
from .memory import ANSWER, CHANGED, OWED, SLOT, TARGET
from .model import UNKNOWN, Record, Revision, SlotName, TargetSettings, Value
from .phase import Phase
from .records import from_record, number, optional, several, text, truth, whole
from .requests import Answer
from .restraint import RETRY_CAP, Restraint
from .rollout import Rollout
from .slot import Slot
from .target import Target

Found = TypeVar("Found")

TOO_MANY = "too many to name"
"""in place of the mark of a reading"""

LONGEST = 24 * 3600.0
"""Seconds: a deadline that is further away is none of ours."""

PROBED_FOR = 5.0
"""Seconds for which a process that should become ready is asked, though its time ended while nobody did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recollection:
    """What a journal held when we came."""

    records: Mapping[str, Record] = field(default_factory=dict)
    is_same_life: bool = False
    """written since this machine and this supervisord were started: its pids and times mean the same"""
    doubted: frozenset[str] = frozenset()
    """keys of which something newer may have been lost"""
    is_damaged: bool = False
    """not all of it could be read"""
    is_lost: bool = False
    """there was a journal, and nothing of it can be used"""


def recall(settings: TargetSettings, past: Recollection, now: float) -> Target:
    """A target as the journal tells it; one of which nothing is known, where it tells nothing."""
    target = Target.of(settings)
    doubts = past.is_lost or past.doubted or (past.is_damaged and TARGET + settings.name not in past.records)
    target.intake.adoption = Adoption(came=now, is_doubtful=bool(doubts))
    record = past.records.get(TARGET + settings.name, {})
    try:
        _number(target, record)
        _restrain(target, record, past, now)
        if past.is_same_life:
            _see(target, record, past.records.get(CHANGED + settings.name, {}), now)
            _go_on(target, record)
        elif record.get("eyes") == eyes_of(settings):
            target.intake.adoption.mark = _read(record, "mark", text, "")
    except (ValueError, KeyError):  # of another version, or damaged
        target = Target.of(settings)
        target.intake.adoption = Adoption(came=now, is_doubtful=True)
    if past.is_same_life:
        is_blind, lost = target.intake.accepted is None, _lost(record, past)
        target.intake.adoption.is_doubtful |= bool(lost)
        target.slots = {name: _slot(slot, past, now, is_blind) for name, slot in target.slots.items()}
        if not target.settings.has_spare:  # it may be we who stopped it: a look tells whether it runs
            for name in lost & target.slots.keys():
                target.slots[name] = replace(target.slots[name], phase=Phase.VACANT, since=now)
        target.known_pids = {name: slot.pid for name, slot in target.slots.items() if slot.pid}
    else:
        target.is_trimmed = False
    return target


def _lost(record: Record, past: Recollection) -> set[SlotName]:
    """Slots of which there was a record, for it was written together with their target's."""
    try:
        names = _list(record, "slots", text)
    except ValueError:
        return set()
    return {SlotName(name) for name in names if SLOT + name not in past.records}


def marks(past: Recollection, settings: Iterable[TargetSettings]) -> dict[str, str]:
    """By target: the reading of which the journal knows, for what has changed since to be told."""
    targets = (recall(target, past, 0.0) for target in settings)
    return {target.settings.name: target.intake.mark for target in targets if target.intake.accepted}


def owed(past: Recollection, settings: Iterable[TargetSettings]) -> set[SlotName]:
    """Processes that we stopped and must start though no target does: of an update, or not ours any more."""
    if not past.is_same_life:
        return set()
    try:
        names = _list(past.records.get(OWED, {}), "names", text)
    except ValueError:
        names = ()
    kept = {slot.name for target in settings for slot in target.slots}
    left = {SlotName(key.removeprefix(SLOT)) for key in past.records if key.startswith(SLOT)} - kept
    stopped = {name for name in left if _is_ours_to_start(past.records[SLOT + name])}
    return {SlotName(name) for name in names} | stopped


def answered(past: Recollection) -> dict[int, Answer]:
    """What was answered to the newest requests: one that comes again is not done again."""
    found: dict[int, Answer] = {}
    for key, record in past.records.items():
        number = key.removeprefix(ANSWER)
        if key.startswith(ANSWER) and number.isdecimal():
            with contextlib.suppress(ValueError, KeyError):
                found[int(number)] = from_record(Answer, record)
    return found


def _is_ours_to_start(record: Record) -> bool:
    owing = {Phase.VACANT.value, Phase.STARTING.value, *(p.value for p in Phase if p.is_leaving)}
    return record.get("phase") in owing and not record.get("is_retiring") and not record.get("is_by_hand")


def _number(target: Target, record: Record) -> None:
    target.next_id = _read(record, "next_id", whole, 1)
    is_same_shape = record.get("shape") == shape_of(target.settings)
    target.is_paused = _read(record, "is_paused", truth, default=False)
    target.is_trimmed = is_same_shape and _read(record, "is_trimmed", truth, default=False)


def _restrain(target: Target, record: Record, past: Recollection, now: float) -> None:
    """What was held against a revision; pauses are of one life, and other eyes see another revision."""
    known = record.get("restraint", {})
    if record.get("eyes") != eyes_of(target.settings) or not isinstance(known, dict):
        return
    restraint = from_record(Restraint, known, settings=target.settings)
    if not past.is_same_life:
        restraint.retry_at, restraint.begun, restraint.failed_at = None, [], 0.0
        if not restraint.is_held:
            restraint.forget()
    restraint.begun = [at for at in restraint.begun if at <= now]
    if restraint.retry_at is not None:
        restraint.retry_at = min(restraint.retry_at, now + RETRY_CAP)
    target.restraint = restraint


def _see(target: Target, record: Record, changed: Record, now: float) -> None:
    """What was on disk; the first reading tells whether it still is."""
    intake = target.intake
    intake.preparation.owed = set(_list(record, "rules", whole))
    intake.preparation.owed &= set(range(len(target.settings.reactions.run_on)))
    if record.get("eyes") != eyes_of(target.settings):
        return
    intake.disk_before, intake.mark = _revision(record, "disk"), _read(record, "mark", text, "")
    intake.accepted, intake.rejected = _revision(record, "accepted"), _revision(record, "rejected")
    intake.refusal = _read(record, "refusal", text, "")
    since = _read(record, "disk_since", optional(number), None)
    intake.disk_since = None if since is None else min(since, now)
    # what had no revision yet was found, or started, while it was not clear which code is on disk
    is_other = intake.disk_before != intake.accepted
    intake.adoption.is_doubtful |= is_other or _read(record, "is_doubtful", truth, default=False)
    intake.adoption.is_unchecked = _read(record, "is_unchecked", truth, default=False)
    intake.changed = set(_list(changed, "names", text))
    if _read(record, "is_cut", truth, default=False):
        intake.mark = TOO_MANY  # no reading has this name: every file counts as changed
    target.unserved = _revision(record, "unserved")


def _go_on(target: Target, record: Record) -> None:
    rollout = record.get("rollout")
    if isinstance(rollout, dict) and target.intake.accepted is not None:
        target.rollout = from_record(Rollout, rollout)
        target.is_abort_asked = _read(record, "is_abort_asked", truth, default=False)


def _slot(empty: Slot, past: Recollection, now: float, is_blind: bool) -> Slot:
    """One slot as it was; ``is_blind``: revisions of then mean nothing now."""
    key = SLOT + empty.name
    record = past.records.get(key)
    if record is None:
        return empty
    try:
        slot = from_record(Slot, record, settings=empty.settings)
    except ValueError:
        return replace(empty, revision=UNKNOWN)
    if is_blind or key in past.doubted:
        slot = replace(slot, revision=UNKNOWN, former_revision=None, fell_on=None)
    if key in past.doubted and slot.phase is not Phase.SPARE:
        # it may be we who stopped it since: a look tells whether it runs, and what it runs nobody
        return replace(slot, phase=Phase.VACANT, since=now, deadline=None, look_at=None, pid=0)
    return _step_back(_sound(slot, now), now)


def _sound(slot: Slot, now: float) -> Slot:
    """Whatever a record says: nothing was later than now, and only what is under way has a deadline."""
    if not (slot.phase.is_booting or slot.phase.is_leaving):
        return replace(slot, since=min(slot.since, now), deadline=None)
    ahead = max(0.0, slot.since - now)
    deadline = now if slot.deadline is None else min(slot.deadline - ahead, now + LONGEST)
    return replace(slot, since=slot.since - ahead, deadline=deadline)


def _step_back(slot: Slot, now: float) -> Slot:
    """Undo what was written and perhaps not done; a signal may have been sent, and is never sent again."""
    if slot.phase is Phase.STARTING:
        return slot.enter(Phase.VACANT, now)  # the first look tells whether it was started
    if slot.phase is Phase.STOPPING:
        return replace(slot, is_asked=False)
    if slot.is_unanswered and slot.is_reloading:
        reason = "it is not known whether it got its signal"
        return slot.enter(Phase.FAILED, now, revision=UNKNOWN, reason=reason)
    if slot.phase in (Phase.PROBING, Phase.SOAKING):
        left = (slot.deadline or now) - now - (slot.soak if slot.phase is Phase.SOAKING else 0.0)
        limit = max(left, min(PROBED_FOR, slot.settings.ready.timeout))
        return slot.enter(Phase.PROBING, now, limit=limit, look_at=now)
    return slot


def _revision(record: Record, key: str) -> Revision | None:
    found = _read(record, key, optional(text), None)
    return None if found is None else Revision(found)


def _read(record: Record, key: str, reader: Callable[[Value], Found], default: Found) -> Found:
    """What stands under a key; raises ValueError where that can't be."""
    return reader(record[key]) if key in record else default


def _list(record: Record, key: str, one: Callable[[Value], Found]) -> tuple[Found, ...]:
    return several(one)(record[key]) if key in record else ()
