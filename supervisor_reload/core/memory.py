"""What of the state must be known after our death, as records of the journal: under which key, and what.

It tells what the journal does not hold yet; when that is written is the engine's business, and what is made
of it afterwards is ``recall``'s. Nothing here reads or writes a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .condition import condition
from .evidence import SUCCESSES, evidence_in
from .likeness import eyes_of, shape_of
from .model import Record, TargetSettings, Value
from .orders import Story
from .phase import Phase
from .records import to_record
from .rollout import Outcome
from .slot import Slot
from .target import Target

if TYPE_CHECKING:
    from .coordinator import Coordinator

SLOT, TARGET, CHANGED, ROLLOUT = "slot ", "target ", "changed ", "rollout "
OWED, HEALTH, ANSWER, WHY, WAITS = "owed", "health", "answer ", "why ", "waits "

HISTORY = 100
"""Rollouts of each target that are kept; the key of an older one is used again."""

OF_CONFIGURED = (SLOT, WAITS, TARGET, CHANGED)
"""They begin the keys that are forgotten with what they are about."""

MOST_CHANGED = 10_000
"""Changed files that wait for a check and are kept by name; of more, all files count as changed."""

MOST_NAMED = 20
"""Changed files of a rollout that are named."""

LEFT_OUT = ("settings", "look_at", "dead_pid", "started", "reason")
"""What is not kept of a slot: what the next look tells anyway, and what changes with every probe."""


@dataclass(slots=True)
class Memory:
    """What the journal holds, as far as we wrote it or found it."""

    kept: dict[str, Record]
    hide: Callable[[str], str] = str
    """hides the secrets in words that came from outside"""
    _seen: dict[str, object] = field(default_factory=dict)
    """by key: the state of which it was asked last"""
    _witnessed: dict[str, Record] = field(default_factory=dict)
    """by key: the newest failure that was told, or nothing"""
    _told: dict[str, Record] = field(default_factory=dict)
    """by key: the newest record, before anything was hidden in it"""

    def witness(self, story: Story) -> None:
        """Take down what a story tells of a failure; it is an observer, and never raises."""
        evidence = evidence_in(story)
        if evidence is not None:
            self._witnessed[WHY + story.target] = to_record(evidence)
        elif story.event in SUCCESSES:
            self._witnessed[WHY + story.target] = {}

    def news(self, core: Coordinator, wall: float) -> dict[str, Record | None]:
        """What it has to hold instead, by key; None where a key is to be forgotten.

        ``wall`` is the time of day, seconds since 1970; it is only ever shown.
        """
        news: dict[str, Record | None] = {}
        for key, told in self._now(core, wall):
            if self._told.get(key) == told:
                continue
            self._told[key] = told
            record = {name: self._hidden(name, value) for name, value in told.items()}
            if self.kept.get(key) != record:
                news[key] = self.kept[key] = record
        slots = [name for target in core.targets.values() for name in target.slots]
        names = {kind + name for name in slots for kind in (SLOT, WAITS)}
        names |= {kind + name for name in core.targets for kind in (TARGET, CHANGED)}
        for key in [key for key in self.kept if key.startswith(OF_CONFIGURED) and key not in names]:
            news[key] = None
            del self.kept[key]
        return news

    def _hidden(self, name: str, value: Value) -> Value:
        if isinstance(value, dict):
            return {inner: self._hidden(inner, each) for inner, each in value.items()}
        return self.hide(value) if name in WORDS and isinstance(value, str) else value

    def _now(self, core: Coordinator, wall: float) -> Iterator[tuple[str, Record]]:
        for target in core.targets.values():
            name = target.settings.name
            intake = target.intake
            if self._is_new(TARGET + name, _signs(target)):
                yield TARGET + name, of_target(target)
            if self._is_new(CHANGED + name, (len(intake.changed), intake.disk)):
                yield CHANGED + name, {"names": [] if _is_cut(target) else [*sorted(intake.changed)]}
            for slot in target.slots.values():
                if self._is_new(SLOT + slot.name, slot):
                    yield SLOT + slot.name, of_slot(slot)
                if self._is_told(slot, wall):
                    yield WAITS + slot.name, {"since": slot.since, "reason": slot.reason}
            ended = target.ended
            key = f"{ROLLOUT}{name} {ended.id % HISTORY}" if ended is not None else ""
            if ended is not None and self._is_new(key, ended):
                yield key, of_outcome(ended, wall)
        yield from self._witnessed.items()
        for number, answer in core.answers.items():
            yield f"{ANSWER}{number}", to_record(answer)
        yield OWED, {"names": [*sorted(core.reconfiguring.owed)]}
        yield HEALTH, {"degraded": core.degraded, "obstacle": core.obstacle}

    def _is_told(self, slot: Slot, wall: float) -> bool:
        """Whether what a waiting slot was answered last is worth a record: once a second, for who looks."""
        key, second = WAITS + slot.name, int(wall)
        is_waiting = slot.phase in (Phase.PROBING, Phase.DRAINING) and slot.reason
        if not is_waiting or self._seen.get(key) == second:
            return False
        self._seen[key] = second
        return True

    def _is_new(self, key: str, state: object) -> bool:
        """Whether it is worth a record: this runs each turn, and there may be many of them."""
        was, self._seen[key] = self._seen.get(key), state
        return was is not state and was != state


WORDS = ("reason", "why", "refusal", "degraded", "obstacle", "output", "last_words")
"""Fields with words of others: a probe's answer, a check's."""


def of_slot(slot: Slot) -> Record:
    """What must be known of a slot."""
    record = to_record(slot, LEFT_OUT)
    if slot.phase is Phase.FAILED:
        record["reason"] = slot.reason
    return record


def _signs(target: Target) -> object:
    """Changes with everything that a target's record is made of; much cheaper than the record."""
    intake, restraint, preparation = target.intake, target.restraint, target.intake.preparation
    return (
        (
            target.settings,
            target.rollout,
            target.next_id,
            target.is_trimmed,
            target.is_paused,
            target.is_abort_asked,
            target.unserved,
        ),
        (*target.slots.values(),),
        (intake.disk, intake.disk_before, intake.mark, intake.accepted, intake.rejected, intake.refusal),
        (intake.adoption.is_doubtful, intake.adoption.is_unchecked, intake.disk_since),
        (intake.goal, intake.checking, preparation.running, frozenset(preparation.owed)),
        (restraint.seen, restraint.failures, restraint.retry_at, restraint.is_held, restraint.is_left_alone),
        (restraint.reason, restraint.obstacle, restraint.begun[-1:], _is_cut(target)),
    )


def of_target(target: Target) -> Record:
    """What must be known of a target besides its slots."""
    state, reason = condition(target)
    intake, rollout = target.intake, target.rollout
    owed = intake.preparation.owed | ({intake.preparation.running} - {None})
    record: Record = {
        "condition": state.value,
        "why": reason,
        "slots": [*target.slots],
        "eyes": eyes_of(target.settings),
        "shape": shape_of(target.settings),
        "limits": limits_of(target.settings),
        "next_id": target.next_id,
        "is_trimmed": target.is_trimmed,
        "is_paused": target.is_paused,
        "is_abort_asked": target.is_abort_asked,
        "unserved": target.unserved,
        "disk": intake.disk or intake.disk_before,
        "disk_since": intake.disk_since,
        "mark": intake.mark,
        "is_cut": _is_cut(target),
        "accepted": intake.accepted,
        "rejected": intake.rejected,
        "refusal": intake.refusal,
        "is_doubtful": intake.adoption.is_doubtful,
        "is_unchecked": intake.adoption.is_unchecked,
        "rules": [*sorted(number for number in owed if number is not None)],
        "restraint": to_record(target.restraint, ("settings", "obstacle", "changed", "echoes")),
    }
    if rollout is not None:
        record["rollout"] = {**to_record(rollout, ("changed",)), "changed": _named(rollout.changed)}
    return record


def limits_of(settings: TargetSettings) -> Record:
    """What ends each wait of its slots, in seconds, by key of the configuration: for whoever looks."""
    return {
        "lame_duck": settings.lame_duck,
        "drain_timeout": settings.drain_timeout,
        "stopwaitsecs": settings.stop_timeout,
        "ready_timeout": max((slot.ready.timeout for slot in settings.slots), default=0.0),
    }


def _is_cut(target: Target) -> bool:
    return len(target.intake.changed) > MOST_CHANGED


def of_outcome(ended: Outcome, wall: float) -> Record:
    """One rollout of the history."""
    record = to_record(ended, ("changed",))
    return {**record, "changed": _named(ended.changed), "files": len(ended.changed), "ended": wall}


def _named(changed: Iterable[str]) -> list[Value]:
    return list[Value](changed)[:MOST_NAMED]
