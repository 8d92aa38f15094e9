"""Kill the listener (SIGKILL) right before and right after each record of its journal, and see what follows.

And right after the first order that follows on a record, where there is one.

For each shape of a target a rollout without a death counts the records. Then each of them is a death, in a
rollout of its own, with a real supervisord, under load; supervisord starts the next listener. A cell passes
when everything runs the new code (or the old, and the rollout is halted with a reason), nothing is left
stopped, no process got a graceful signal twice, and, where all processes share a socket, no request was lost.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from .demo import exit_code_of
from .killing.cells import Cell, Result, play
from .killing.listener import PLACES
from .killing.shapes import SHAPES

PASSED, HALTED, FAILED, NOT_REACHED = ".", "h", "F", "-"


def mark(result: Result) -> str:
    """A cell in one letter."""
    if result.wrong:
        return FAILED
    if not result.is_reached:
        return NOT_REACHED
    return HALTED if result.is_halted else PASSED


def matrix(results: Sequence[Result]) -> str:
    """A row for each shape and place, a column for each record."""
    killed = {(r.cell.shape, r.cell.place, r.cell.number): mark(r) for r in results if r.cell.place}
    most = max((number for *_, number in killed), default=0)
    lines = ["".join([f"{'record':<22}", *(f"{number:>3}" for number in range(1, most + 1))])]
    for shape, place in dict.fromkeys((shape, place) for shape, place, _ in killed):
        row = [killed.get((shape, place, number), "") for number in range(1, most + 1)]
        lines.append("".join([f"{shape + ', ' + place:<22}", *(f"{cell:>3}" for cell in row)]).rstrip())
    return "\n".join(
        [
            *lines,
            f"{PASSED} passed   {HALTED} passed: halted   {FAILED} failed   "
            f"{NOT_REACHED} fewer records this time, or no order",
        ]
    )


def sums(results: Sequence[Result]) -> str:
    """A row for each shape, and one for all."""
    lines = [
        f"{'shape':<14}{'cells':>6}{'passed':>8}{'halted':>8}{'not reached':>13}{'retried':>9}"
        f"{'requests':>10}  lost"
    ]
    for shape in (*dict.fromkeys(r.cell.shape for r in results), "all"):
        of = [r for r in results if r.cell.place and shape in (r.cell.shape, "all")]
        marks = Counter(map(mark, of))
        lost = sum((r.seen.lost for r in of if r.seen), Counter[str]())
        requests = sum(r.seen.requests for r in of if r.seen)
        retried = sum(len(r.seen.outcomes) > 1 for r in of if r.seen)
        kinds = ", ".join(f"{count} {kind}" for kind, count in lost.most_common())
        passed, halted, missed = marks[PASSED] + marks[HALTED], marks[HALTED], marks[NOT_REACHED]
        counts = f"{len(of) - missed:>6}{passed:>8}{halted:>8}{missed:>13}{retried:>9}{requests:>10}"
        lines.append(f"{shape:<14}{counts}  {lost.total()}" + (f" ({kinds})" if kinds else ""))
    return "\n".join(lines)


def legend(counted: Sequence[Result]) -> str:
    """What the records of each shape were, where nobody was killed."""
    return "\n".join(
        f"{result.cell.shape} {number}: {told(records)}"
        for result in counted
        for number, records in enumerate(result.writes, 1)
    )


def told(records: Mapping[str, Any]) -> str:
    """A write in few words."""
    words = []
    for key, record in records.items():
        kind, _, name = key.partition(" ")
        what = {"slot": "phase", "target": "condition", "rollout": "outcome"}.get(kind)
        words.append(f"{name.removeprefix('web:')} {(record or {}).get(what, 'as it was')}" if what else key)
    return ", ".join(words)


def failures(results: Sequence[Result]) -> str:
    """What went wrong, and where the logs are."""
    lines = []
    for result in results:
        for what in result.wrong:
            lines.append(f"failed: {result.cell}: {what}")
        if result.wrong:
            at = (
                f"it died writing: {told(result.writes[-1])}; " if result.writes and result.cell.place else ""
            )
            lines.append(f"    {at}the logs are in {result.logs}")
    return "\n".join(lines)


def as_json(result: Result) -> dict[str, Any]:
    """A line of JSON."""
    line: dict[str, Any] = {
        "shape": result.cell.shape,
        "place": result.cell.place,
        "record": result.cell.number,
        "mark": mark(result),
        "wrong": [*result.wrong],
        "seconds": round(result.seconds, 2),
        "writes": [told(records) for records in result.writes],
    }
    if result.seen:
        line["outcomes"] = result.seen.outcomes
        line["requests"], line["lost"] = result.seen.requests, result.seen.lost
        line["signals"], line["runs"] = result.seen.signals, result.seen.runs
    return line


def played(cell: Cell, logs: Path) -> Result:
    """Play a cell; whatever happens in it, the others are still to be played."""
    try:
        result = play(cell, logs)
    except Exception as error:  # noqa: BLE001 - such as a supervisord that ended
        result = Result(cell=cell, wrong=[f"it could not be played: {error}"], logs="the lines above")
    print(f"{mark(result)} {cell} ({result.seconds:.1f} s)", flush=True)
    return result


def run(
    shapes: Sequence[str], numbers: Sequence[int], again: int, jobs: int, logs: Path, out: Path | None
) -> int:
    """Count, play, print; 1 where a cell failed."""
    with ThreadPoolExecutor(jobs) as pool:
        each = partial(played, logs=logs)
        counted = [*pool.map(each, [Cell(shape=shape) for shape in shapes])]
        cells = [
            replace(result.cell, place=place, number=number, again=again)
            for result in counted
            for place in PLACES
            for number in numbers or range(1, len(result.writes) + 1)
        ]
        results = [*counted, *pool.map(each, cells)]
    if out is not None:
        out.write_text("".join(json.dumps(as_json(result)) + "\n" for result in results), encoding="utf-8")
    print(f"\n{legend(counted)}\n\n{matrix(results)}\n\n{sums(results)}\n\n{failures(results)}".rstrip())
    return 1 if any(result.wrong for result in results) else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kill_matrix", description=__doc__)
    parser.add_argument("--shape", choices=SHAPES, action="append", help="only this shape; may be repeated")
    parser.add_argument("--cells", type=_numbers, default=(), metavar="3,4", help="only these records")
    parser.add_argument("--again", type=int, default=0, help="kill the next listener, too, at this record")
    parser.add_argument("--jobs", type=int, default=2, help="cells at a time")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write a line of JSON for each cell")
    parser.add_argument("--logs", type=Path, help="where the logs of cells that failed are kept")
    args = parser.parse_args(argv)
    if args.jobs < 1:
        parser.error("--jobs must be at least 1")
    logs = args.logs or Path(tempfile.gettempdir()) / "kill-matrix"
    return exit_code_of(
        lambda: run(args.shape or [*SHAPES], args.cells, args.again, args.jobs, logs, args.json)
    )


def _numbers(text: str) -> tuple[int, ...]:
    numbers = tuple(map(int, text.split(",")))
    if min(numbers) < 1:
        raise ValueError
    return numbers


if __name__ == "__main__":
    sys.exit(main())
