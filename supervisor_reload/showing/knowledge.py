"""What the records of a journal say of targets and their processes, as far as they can be believed.

It computes and reads no file. A record of another version, or a damaged one, makes what it is about UNKNOWN;
nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from ..core.condition import Condition
from ..core.evidence import Evidence
from ..core.memory import HEALTH, ROLLOUT, SLOT, TARGET, WHY
from ..core.model import Record, SlotName, SlotSettings
from ..core.phase import Phase
from ..core.records import from_record, number, optional, several, text, whole
from ..core.rollout import Outcome, Rollout
from ..core.slot import Slot
from .standing import Ended, Process, Rolling, Standing
from .waits import waits_of
from .words import UNKNOWN, word_of

Born = Callable[[int], str]
"""When the kernel started a process; '' where there is none."""

InFlight = Callable[[int], int | None]
"""How many connections of a process are in use; None where nobody can tell."""

WAITS = "waits "
"""begins the key of what a slot was answered last, while it waits"""

RESUME = "resume"
"""what a paused target waits for"""

Hide = Callable[[str], str]
"""Takes secrets out of a text."""

Told = TypeVar("Told")

LATEST = 2.0**36
"""Seconds since 1970, in the year 4147: what is later can't be shown in every time zone."""


class Knowledge:
    """The records of one journal, asked."""

    def __init__(
        self,
        records: Mapping[str, Record],
        *,
        at: float | None = None,
        born: Born | None,
        hide: Hide = str,
        in_flight: InFlight | None = None,
    ) -> None:
        """``at``: the moment of which they tell, None where their times are of another boot.

        ``born`` tells which processes are gone by now; None where the records are of now. ``in_flight``
        counts for those of this machine.
        """
        self._records, self._at, self._born, self._hide = records, at, born, hide
        self._in_flight = in_flight

    @property
    def degraded(self) -> str:
        """Why the listener can't do all that it should; '' where it can."""
        return self._words(self._records.get(HEALTH, {}), "degraded")

    @property
    def targets(self) -> list[str]:
        """The names of what is configured, sorted."""
        return sorted(key.removeprefix(TARGET) for key in self._records if key.startswith(TARGET))

    def evidence(self, target: str) -> Evidence | None:
        """Why its newest code does not serve; None where nothing failed."""
        record = self._records.get(WHY + target)
        found = _or(None, lambda known: from_record(Evidence, known), record) if record else None
        if found is None:
            return None
        return replace(
            found,
            changed=tuple(map(self._hide, found.changed)),
            reason=self._hide(found.reason),
            output=self._hide(found.output),
            last_words=self._hide(found.last_words),
        )

    def processes(self, target: str) -> tuple[SlotName, ...]:
        """What runs a target, in the order in which it is replaced."""
        names = _or(None, several(text), self._records.get(TARGET + target, {}).get("slots"))
        return tuple(SlotName(name) for name in names or ())

    def standing(self, target: str) -> Standing:
        """How a target stands."""
        record = self._records[TARGET + target]
        slots = {name: self._slot(name) for name in self.processes(target)}
        rollout = self._rollout(record)
        disk = _or(None, optional(text), record.get("disk"))
        newest = rollout.revision if rollout else disk
        return Standing(
            name=target,
            condition=_condition(record),
            why=self._why(target, self._words(record, "why")),
            revision=newest,
            retry_in=self._retry(record),
            waits_for=_waits_for(record, rollout),
            rollout=self._rolling(rollout, list(slots.values())) if rollout else None,
            processes=tuple(
                self._waiting(self._process(name, slot, newest), slot, record) for name, slot in slots.items()
            ),
        )

    def history(self) -> list[Ended]:
        """The rollouts that ended, the newest last; those of one target in the order of their numbers."""
        found = sorted(self._outcomes(), key=lambda one: (one.target, one.outcome.id))
        latest: dict[str, float] = {}
        times: dict[tuple[str, int], float] = {}
        for one in found:  # a clock that was set back does not turn their order round
            latest[one.target] = max(one.ended, latest.get(one.target, 0.0))
            times[one.target, one.outcome.id] = latest[one.target]
        return sorted(found, key=lambda one: times[one.target, one.outcome.id])

    def _outcomes(self) -> list[Ended]:
        found: list[Ended] = []
        for key, record in self._records.items():
            if not key.startswith(ROLLOUT):
                continue
            target = key.removeprefix(ROLLOUT).rpartition(" ")[0]
            outcome = _or(None, lambda value: from_record(Outcome, value), record)
            ended = _or(0.0, number, record.get("ended"))
            if outcome is not None and 0 <= ended < LATEST:
                hidden = tuple(map(self._hide, outcome.changed))
                outcome = replace(outcome, reason=self._hide(outcome.reason), changed=hidden)
                files = _or(0, whole, record.get("files"))
                found.append(Ended(target=target, outcome=outcome, files=files, ended=ended))
        return found

    def _why(self, target: str, why: str) -> str:
        """With the name of the process, where the rollout that failed tells it."""
        ended = [one.outcome for one in self._outcomes() if one.target == target]
        newest = max(ended, key=lambda outcome: outcome.id, default=None)
        if newest is not None and why and newest.outcome == "halted" and newest.reason.endswith(f": {why}"):
            return newest.reason
        return why

    def _slot(self, name: SlotName) -> Slot | None:
        record = self._records.get(SLOT + name)
        return _or(None, lambda known: from_record(Slot, known, settings=SlotSettings(name=name)), record)

    def _process(self, name: str, slot: Slot | None, newest: str | None) -> Process:
        if slot is None:
            return Process(name=name)
        word, note = word_of(slot)
        pid = slot.pid if slot.state.has_process else 0
        revision = slot.revision if pid else None
        return Process(
            name=name,
            state=word,
            note=self._hide(note),
            phase=slot.phase.value,
            pid=pid,
            is_gone=self._is_gone(pid, slot.born),
            seconds=self._since(slot.since),
            uptime=self._since(slot.began) if pid else None,
            revision=revision,
            is_newest=revision == newest if revision and newest else None,
            is_by_hand=slot.is_by_hand,
        )

    def _waiting(self, process: Process, slot: Slot | None, target: Record) -> Process:
        """The same with what it waits for; nothing where its process is gone, or is none of now."""
        if slot is None or process.is_gone:
            return process
        waits = waits_of(slot)
        limits = target.get("limits")
        whole = limits.get(waits.limit) if isinstance(limits, dict) else None
        return replace(
            process,
            waits_for=waits.what,
            answer=self._hide(self._answer(slot)),
            limit=waits.limit,
            limit_seconds=_or(None, number, whole),
            deadline_in=self._until(waits.until),
            in_flight=self._busy(slot),
        )

    def _busy(self, slot: Slot) -> int | None:
        if self._in_flight is None or not slot.phase.is_leaving or not slot.pid:
            return None
        return self._in_flight(slot.pid)

    def _answer(self, slot: Slot) -> str:
        """What its probe, or the look at its work, said last in this phase; '' where that is not known."""
        record = self._records.get(WAITS + slot.name, {})
        if slot.phase not in (Phase.PROBING, Phase.DRAINING):
            return ""
        return _or("", text, record.get("reason")) if record.get("since") == slot.since else ""

    def _is_gone(self, pid: int, born: str) -> bool:
        if not pid or self._born is None:
            return False
        return self._at is None or (bool(born) and self._born(pid) != born)

    def _rollout(self, record: Record) -> Rollout | None:
        return _or(None, lambda known: from_record(Rollout, known), record.get("rollout"))

    def _rolling(self, rollout: Rollout, slots: list[Slot | None]) -> Rolling:
        is_new = [
            slot is not None and slot.phase is Phase.READY and slot.revision == rollout.revision
            for slot in slots
        ]
        return Rolling(
            id=rollout.id,
            revision=rollout.revision,
            ready=sum(is_new),
            wanted=rollout.wanted,
            trigger=rollout.trigger.value,
            seconds=self._since(rollout.began),
            changed=tuple(map(self._hide, rollout.changed)),
        )

    def _retry(self, record: Record) -> float | None:
        restraint = record.get("restraint")
        return self._until(
            _or(None, optional(number), restraint.get("retry_at") if isinstance(restraint, dict) else None)
        )

    def _until(self, moment: float | None) -> float | None:
        return None if moment is None or self._at is None else max(0.0, moment - self._at)

    def _since(self, moment: float) -> float | None:
        """Seconds; 0.0 stands in the records where nothing is known."""
        return None if self._at is None or not moment else max(0.0, self._at - moment)

    def _words(self, record: Record, key: str) -> str:
        return self._hide(_or("", text, record.get(key)))


def _condition(record: Record) -> str:
    known = _or(None, lambda value: Condition(text(value)), record.get("condition"))
    return known.value if known else UNKNOWN


def _waits_for(record: Record, rollout: Rollout | None) -> str:
    if _condition(record) == Condition.CHECKING.value:
        return "the commands of run_on, then the check" if record.get("rules") else "the check"
    if _condition(record) == Condition.PAUSED.value:
        return RESUME
    if rollout is None or rollout.is_prepared:
        return ""
    return "before_rollout"


def _or(default: Told, reader: Callable[[Any], Told], value: object) -> Told:
    """What a record tells; the default where it tells nothing, or what can't be."""
    if value is None:
        return default
    try:
        return reader(value)
    except (ValueError, OverflowError, KeyError, TypeError, AttributeError):
        return default
