"""One way, tried so many times: what was seen, and whether it is what must be.

A try that can't prove anything (the way changed no content where a rollout is expected, or changed some where
none is) is a mistake of this harness and raises; it never counts as a success.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .stage import BEGUN, COMPLETE, Stage, staged
from .way import Way, nothing

SERVE_LIMIT = 15.0
"""seconds within which the final content must run; rescan_interval is longer and can't hide a lost event"""
PREPARE_LIMIT = 45.0
"""the same for what only prepares a try: here even the rescan is welcome"""
_TOLD = 300
"""characters of an error that are told"""
GIVEN_UP = 2
"""tries that never served, after which a way is not tried again"""


@dataclass(slots=True)
class Result:
    """All tries of one way with one observer."""

    group: str
    way: str
    observer: str
    expected: int
    wanted: int
    """tries that were asked for"""
    rollouts: list[int] = field(default_factory=list)
    """seen in each try"""
    served: int = 0
    """tries after which the final content ran"""
    seconds: list[float] = field(default_factory=list)
    """from the end of the writing to the start of the process that runs the final content"""
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """what the listener complained of"""
    missing: str = ""
    """why it was not tried"""

    @property
    def is_right(self) -> bool:
        """Whether every try was as it must be, or the way could not be tried here."""
        if self.missing:
            return True
        tried = len(self.rollouts) == self.wanted == self.served
        return tried and set(self.rollouts) == {self.expected} and not self.problems

    @property
    def median(self) -> float | None:
        """Of the seconds."""
        return statistics.median(self.seconds) if self.seconds else None

    def document(self) -> dict[str, Any]:
        """For a file of results."""
        return asdict(self)


def run(way: Way, observer: str, tries: int, limit: float = SERVE_LIMIT, keep: Path | None = None) -> Result:
    """Try one way; the log of a wrong one goes to ``keep``. Never raises for what the listener does."""
    result = Result(way.group, way.name, observer, way.expected, tries)
    missing = [tool for tool in way.needs if shutil.which(tool) is None]
    if missing:
        result.missing = f"{', '.join(missing)} is not installed"
        return result
    try:
        with staged(way, observer) as stage:
            _all_tries(way, stage, result, limit)
            result.notes = list(dict.fromkeys(stage.troubles()))
            if keep is not None and not result.is_right:
                _keep(stage, keep / f"{observer} {way.name.replace('/', '_')}.log")
    except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
        result.problems.append(f"{type(error).__name__}: {str(error)[:_TOLD]}")
    return result


def _keep(stage: Stage, file: Path) -> None:
    """What the listener and the programs said, for whoever wants to know why."""
    file.parent.mkdir(parents=True, exist_ok=True)
    texts = (lines.path.read_text(errors="backslashreplace") for lines in (stage.log, stage.boots))
    file.write_text(f"on disk: {stage.content()}\n{''.join(texts)}", encoding="utf-8")


def _all_tries(way: Way, stage: Stage, result: Result, limit: float) -> None:
    for number in range(1, result.wanted + 1):
        way.prepare(stage.site, number)
        is_calm = way.prepare is nothing and number > 1  # the try before ended so
        if not is_calm and not stage.becomes_calm(PREPARE_LIMIT):
            result.problems.append(f"try {number}: what was prepared never served")
            return
        before = stage.content()
        stage.mark()
        way.act(stage.site, number)
        ended = time.monotonic()
        has_changed = stage.content() != before
        assert has_changed == (way.expected > 0), f"{way.name}: the harness is wrong: content {has_changed=}"
        is_served = stage.becomes_calm(limit, must_serve=has_changed)
        _judge(way, stage, result, number, ended=ended, is_served=is_served)
        if len(result.rollouts) - result.served >= GIVEN_UP:
            return


def _judge(way: Way, stage: Stage, result: Result, number: int, *, ended: float, is_served: bool) -> None:
    begun, booted = stage.events(BEGUN), stage.booted()
    result.rollouts.append(len(begun))
    result.served += is_served and stage.serves()
    problems = []
    if not is_served:
        problems.append("the final content does not run")
    if len(begun) != way.expected:
        causes = "; ".join(", ".join(map(os.path.basename, line["changed"][:3])) for line in begun)
        problems.append(f"{len(begun)} rollouts ({causes})")
    if not len(stage.events(COMPLETE)) == len(booted) == len(begun):
        complete = len(stage.events(COMPLETE))
        problems.append(f"{len(begun)} rollouts, {complete} complete, {len(booted)} processes")
    if booted and is_served:
        result.seconds.append(booted[-1]["at"] - ended)
        if way.runs_in is not None and booted[-1]["directory"] != str(way.runs_in(stage.site)):
            problems.append(f"runs in {booted[-1]['directory']}")
    result.problems += [f"try {number}: {problem}" for problem in problems]


def right(results: Sequence[Result]) -> bool:
    """Whether no cell of the table is wrong."""
    return all(result.is_right for result in results)
