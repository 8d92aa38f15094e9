"""The listener is killed (SIGKILL) at telling records of its journal: the next one finishes what it began.

All records: ``python -m benchmarks.kill_matrix``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import kill_matrix
from benchmarks.killing.cells import Cell, Result, Seen, play, wrongs
from benchmarks.killing.listener import Plan
from benchmarks.killing.shapes import PLAIN, SIGNAL, SWAP

EXITED_AND_NOT_STARTED = {"phase": "STARTING", "state": "EXITED"}
TOLD = {"told_pid": True, "is_unanswered": True}

TELLING = {
    "TERM was not sent": Cell(shape="plain", place="after", fields={"phase": "DRAINING"}),
    "it got TERM, and is leaving": Cell(shape="plain slow", place="order", fields={"phase": "DRAINING"}),
    "it has ended, and is to be started": Cell(shape="plain", place="after", fields=EXITED_AND_NOT_STARTED),
    "the new one is probed": Cell(shape="swap", place="after", fields={"phase": "PROBING"}),
    "the old one is to be stopped": Cell(shape="swap", place="after", fields={"phase": "STOPPING"}),
    "HUP was not sent": Cell(shape="signal", place="after", fields=TOLD),
    "HUP was sent": Cell(shape="signal", place="before", fields={"told_pid": True, "is_unanswered": None}),
}
FORGOTTEN = replace(TELLING["it has ended, and is to be started"], forget=True)


@pytest.fixture(scope="module")
def results() -> Mapping[str, Result]:
    """All of them, side by side: most of the time they wait for supervisord's seconds."""
    cells = [*TELLING.values(), FORGOTTEN]
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(map(str, cells), pool.map(_played, cells), strict=True))


def _played(cell: Cell) -> Result:
    return play(cell, limit=3 if cell.forget else 40)


@pytest.mark.fault(1, 2, 3)
@pytest.mark.integration
@pytest.mark.parametrize("cell", TELLING.values(), ids=TELLING)
def test_the_next_listener_finishes_it(cell: Cell, results: Mapping[str, Result]) -> None:
    """All of it on the new code, nothing stopped, no signal twice, and nothing lost on a shared socket."""
    result = results[str(cell)]
    assert not result.wrong, result
    assert result.is_reached
    assert result.seen is not None
    assert result.seen.deaths == 1
    assert result.seen.outcomes == [("complete", "")]
    assert result.seen.requests > 0


@pytest.mark.fault(3)
@pytest.mark.integration
def test_without_the_journal_nobody_starts_it(results: Mapping[str, Result]) -> None:
    """The proof that a cell can fail: the same death, but what was written is gone."""
    result = results[str(FORGOTTEN)]
    assert result.is_reached
    assert "the processes are {'EXITED': 1}" in result.wrong


@pytest.mark.integration
def test_record_that_never_came(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """It is told as such, and counts neither as passed nor as failed."""
    out = tmp_path / "cells"
    assert kill_matrix.main(["--shape", "signal", "--cells", "99", "--jobs", "4", "--json", str(out)]) == 0
    told = capsys.readouterr().out
    assert "signal 1: web ROLLING\n" in told
    assert [json.loads(line)["mark"] for line in out.read_text().splitlines()] == [".", "-", "-", "-"]
    sums = next(line.split() for line in told.splitlines() if line.startswith("all "))
    assert sums[:5] == ["all", "0", "0", "0", "3"]


GOOD = Seen(
    outcomes=[("complete", "")],
    states=Counter(RUNNING=1, STOPPED=1),
    runs={7: "v2"},
    answered=frozenset({7}),
    signals={6: Counter(SIGTERM=1)},
    listener="RUNNING",
    listeners=2,
    deaths=1,
    unreadable=[],
    requests=80,
)
HALTED: dict[str, Any] = {"outcomes": [("halted", "not ready")], "runs": {7: "v1"}}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, ""),
        (HALTED, ""),
        (HALTED | {"outcomes": [("halted", "")]}, "without a reason"),
        ({"outcomes": []}, "ended as none"),
        ({"outcomes": [("aborted", "by hand")]}, "ended as aborted: 'by hand'"),
        ({"states": Counter(STOPPED=2)}, "{'STOPPED': 2}"),
        ({"states": Counter(RUNNING=2)}, "{'RUNNING': 2}"),
        ({"runs": {7: "v1"}}, "{7: 'v1'}"),
        (HALTED | {"runs": {7: "nothing yet"}}, "nothing yet"),
        ({"answered": frozenset()}, "came from [7]"),
        ({"signals": {6: Counter(SIGTERM=2)}}, "pid 6 got 2 SIGTERM"),
        ({"listener": "FATAL"}, "FATAL"),
        ({"listeners": 3}, "1 were killed, 3 have watched"),
        ({"unreadable": ["Traceback"]}, "Traceback"),
        ({"lost": Counter(reset=1)}, "{'reset': 1}"),
    ],
)
def test_whatever_is_wrong_is_told(changes: dict[str, Any], told: str) -> None:
    found = wrongs(SWAP, replace(GOOD, **changes))
    assert any(told in what for what in found) if told else not found


def test_own_port_loses_what_comes_between_two_processes() -> None:
    assert not wrongs(PLAIN, replace(GOOD, states=Counter(RUNNING=1), lost=Counter(refused=9)))
    assert wrongs(SIGNAL, replace(GOOD, states=Counter(RUNNING=2), lost=Counter(refused=9)))


@pytest.mark.parametrize(
    ("plan", "number", "fits"),
    [
        (Plan(), 1, False),
        (Plan(number=2), 2, True),
        (Plan(number=2), 1, False),
        (Plan(fields={"phase": "READY", "pid": True}), 1, True),
        (Plan(fields={"phase": "READY", "pid": None}), 1, False),
        (Plan(fields={"phase": "READY", "gone": None}), 1, True),
    ],
)
def test_plan_names_a_record_by_number_or_content(plan: Plan, number: int, fits: bool) -> None:
    assert plan.fits(number, {"target web": None, "slot web:web": {"phase": "READY", "pid": 5}}) is fits


SUMS = ["all", "3", "2", "1", "1", "0", "240", "2", "(2", "cut)"]


def test_the_matrix_and_its_sums() -> None:
    """A mark for each cell; a failed one names what it died writing, and its logs."""
    cell = Cell(shape="swap", place="before", number=1)
    results = [
        Result(cell=cell, seen=GOOD),
        Result(cell=replace(cell, place="after"), seen=replace(GOOD, **HALTED)),
        Result(
            cell=replace(cell, number=2),
            seen=replace(GOOD, lost=Counter(cut=2)),
            wrong=["two lost"],
            writes=[{"slot web:web_00": {"phase": "STOPPING"}, "owed": {"names": []}}],
            logs="/there",
        ),
        Result(cell=replace(cell, number=2, place="after"), is_reached=False),
    ]
    before, after = kill_matrix.matrix(results).splitlines()[1:3]
    assert (before.split(), after.split()) == (["swap,", "before", ".", "F"], ["swap,", "after", "h", "-"])
    assert kill_matrix.sums(results).splitlines()[-1].split() == [
        "all",
        "3",
        "2",
        "1",
        "1",
        "0",
        "240",
        "2",
        "(2",
        "cut)",
    ]
    assert kill_matrix.failures(results) == (
        "failed: swap: killed before record 2: two lost\n"
        "    it died writing: web_00 STOPPING, owed; the logs are in /there"
    )


@pytest.mark.parametrize("words", [["--cells", "0"], ["--cells", "x"], ["--jobs", "0"], ["--shape", "none"]])
def test_bad_arguments_get_a_sentence(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        kill_matrix.main(words)
    assert words[0] in capsys.readouterr().err
