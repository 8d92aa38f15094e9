"""The cells of the kill matrix: one death of the listener each, and what must be true afterwards."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.integration.supervisord import wait_for

from .listener import PLACES, Plan
from .shapes import SHAPES, Shape
from .stage import LIMIT, NEW, OLD, Stage

LATE = 1.0
"""seconds for which it is looked whether a listener dies, though all seems to be over"""

GRACEFUL = ("SIGTERM", "SIGHUP", "SIGUSR1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A death in the rollout of a shape; no death without a place."""

    shape: str
    place: str = ""
    number: int = 0
    fields: Mapping[str, Any] = field(default_factory=dict)
    again: int = 0
    forget: bool = False

    def __str__(self) -> str:
        if not self.place:
            return f"{self.shape}: not killed"
        fields = ", ".join(f"{key}={value}" for key, value in self.fields.items())
        again = f", and again at {self.again}" if self.again else ""
        lost = ", and the journal lost" if self.forget else ""
        return f"{self.shape}: killed {self.place} {fields or f'record {self.number}'}{again}{lost}"

    @property
    def deaths(self) -> int:
        """How many listeners are to die."""
        return bool(self.place) + bool(self.again)

    @property
    def plan(self) -> Plan:
        """The same for the listener."""
        return Plan(self.place or PLACES[0], self.number, self.fields, self.again, self.forget)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was found when the listener was back and nothing was under way."""

    outcomes: Sequence[tuple[str, str]]
    """of each rollout since the save: how it ended, and why"""
    states: Counter[str]
    """of the program's processes, as supervisord names them"""
    runs: Mapping[int, str]
    """pid -> code, of those that are RUNNING"""
    answered: frozenset[int]
    """pids from which a client got an answer of the code that they run"""
    signals: Mapping[int, Counter[str]]
    """what each process got, in all its life"""
    listener: str
    listeners: int
    """how many have watched"""
    deaths: int
    """how many were killed"""
    unreadable: Sequence[str]
    """lines of the log that are no line of a log"""
    requests: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    """requests that got no whole answer, by what they met"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a cell."""

    cell: Cell
    wrong: Sequence[str] = ()
    """what is not as it must be"""
    is_reached: bool = True
    """False: there were fewer records this time"""
    seen: Seen | None = None
    writes: Sequence[Mapping[str, Any]] = ()
    """the records, as far as the first listener wrote them"""
    seconds: float = 0.0
    logs: str = ""
    """where they are"""

    @property
    def is_halted(self) -> bool:
        """Whether the rollout ended so."""
        return bool(self.seen and self.seen.outcomes and self.seen.outcomes[-1][0] == "halted")


def wrongs(shape: Shape, seen: Seen) -> list[str]:
    """What is not as the promises say."""
    outcome, reason = seen.outcomes[-1] if seen.outcomes else ("none", "")
    wanted = {NEW} if outcome == "complete" else {OLD, NEW}
    up = Counter({"RUNNING": shape.running, "STOPPED": shape.slots - shape.running}) - Counter()
    found = {
        f"the rollout ended as {outcome}: {reason!r}": outcome not in ("complete", "halted"),
        "it was halted without a reason": outcome == "halted" and not reason,
        f"the processes are {dict(seen.states)}": seen.states != up,
        f"by pid, they run {dict(seen.runs)}": not {*seen.runs.values()} <= wanted,
        f"no answer came from {[*seen.runs.keys() - seen.answered]}": not seen.runs.keys() <= seen.answered,
        f"the listener is {seen.listener}": seen.listener not in ("STARTING", "RUNNING"),
        f"{seen.deaths} were killed, {seen.listeners} have watched": seen.listeners != 1 + seen.deaths,
        f"lost: {dict(seen.lost)}": shape.is_shared and seen.lost,
        f"its log: {seen.unreadable[:3]}": seen.unreadable,
    }
    found |= {
        f"pid {pid} got {number} {name}": number > 1
        for pid, got in seen.signals.items()
        for name, number in got.items()
    }
    return [what for what, is_so in found.items() if is_so]


def play(cell: Cell, logs: Path | None = None, limit: float = LIMIT) -> Result:
    """Play it, its end must come within ``limit`` seconds; where something is wrong, the logs are kept."""
    began = time.monotonic()
    with Stage(SHAPES[cell.shape]) as stage:
        stage.save(cell.plan)
        wrong: list[str] = []
        try:
            _wait(stage, cell.deaths, limit)
        except AssertionError as error:
            wrong = _unless_halted(stage, str(error).partition("\n")[0])
        seen = _look(stage)
        wrong += wrongs(stage.shape, seen)
        kept = ""
        if wrong and logs is not None:
            kept = str(logs / str(cell).replace(" ", "-").replace(":", ""))
            stage.keep(Path(kept))
        return Result(
            cell=cell,
            wrong=wrong,
            is_reached=seen.deaths == cell.deaths,
            seen=seen,
            writes=stage.writes(),
            seconds=time.monotonic() - began,
            logs=kept,
        )


def _wait(stage: Stage, deaths: int, limit: float) -> None:
    """Until the rollout has ended, and nobody dies of its last record either."""
    known = -1
    while stage.deaths > known:
        known = stage.deaths
        stage.wait(lambda: _is_over(stage), "the end of the rollout", limit)
        if known < deaths:
            with contextlib.suppress(TimeoutError):  # there are fewer records this time
                wait_for(partial(_has_died, stage, known), LATE)


def _has_died(stage: Stage, known: int) -> bool:
    return stage.deaths > known


def _is_over(stage: Stage) -> bool:
    """Whether nothing is under way, and everything runs the new code."""
    ended = stage.ended()
    if stage.listeners() != 1 + stage.deaths:
        return False
    return bool(ended) and ended[-1]["outcome"] == "complete" and _is_at_rest(stage)


def _is_at_rest(stage: Stage) -> bool:
    states = {one["statename"] for one in stage.processes()}
    condition = stage.records().get("target web", {}).get("condition")
    return states <= {"RUNNING", "STOPPED"} and condition == "READY" and {*stage.runs().values()} == {NEW}


def _unless_halted(stage: Stage, error: str) -> list[str]:
    """A rollout that is halted, and stays so, is a good end, too."""
    ended = stage.ended()
    return [] if ended and ended[-1]["outcome"] == "halted" else [error]


def _look(stage: Stage) -> Seen:
    ended = [(str(one["outcome"]), str(one.get("reason", ""))) for one in stage.ended()]
    answered = {pid for pid, code in stage.runs().items() if _answers(stage, f"{code} {pid}")}
    requests, lost = stage.stop_load()
    signals: dict[int, Counter[str]] = {}
    for pid, what in stage.did():
        if what in GRACEFUL:
            signals.setdefault(pid, Counter())[what] += 1
    return Seen(
        outcomes=ended,
        states=Counter(one["statename"] for one in stage.processes()),
        runs=stage.runs(),
        answered=frozenset(answered),
        signals=signals,
        listener=stage.listener(),
        listeners=stage.listeners(),
        deaths=stage.deaths,
        unreadable=[line["message"] for line in stage.lines() if line["level"] == "unreadable"],
        requests=requests,
        lost=lost,
    )


def _answers(stage: Stage, text: str) -> bool:
    return stage.load.first_answer(text, LIMIT / 4, lambda: None) is not None
