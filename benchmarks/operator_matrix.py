"""Who wins when somebody types ``supervisorctl`` in the middle of a rollout: every phase, every command.

It plays every cell of the matrix (shape of the target, phase of a slot, what the operator does) with a real
supervisord, and prints which passed. A cell passes when the operator was obeyed, the rollout ended, nothing
else stays stopped, no process got a second graceful signal, and the next save reaches everything.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.integration.operator_actions import ACTIONS
from tests.integration.operator_cells import PHASES, Cell, cells, play

from .demo import exit_code_of

Results = Mapping[Cell, str]
"""cell -> what went wrong; empty where nothing did"""

PASSED, FAILED, SKIPPED = "ok", "FAILED", "-"


def played(cell: Cell) -> str:
    """Play one cell; what went wrong in it, with all logs."""
    try:
        seconds = play(cell)
    except Exception:  # noqa: BLE001 - whatever it is, the other cells are still to be played
        print(f"{cell}: failed", flush=True)
        return traceback.format_exc()
    print(f"{cell}: {seconds:.1f} s", flush=True)
    return ""


def matrix(results: Results) -> str:
    """A row for each phase, a column for each action."""
    width = max(len(f"{shape} {phase}") for shape, phases in PHASES.items() for phase in phases)
    lines = [" ".join(["".ljust(width), *(action.ljust(8) for action in ACTIONS)])]
    for shape, phases in PHASES.items():
        for phase in phases:
            row = [_mark(Cell(shape, phase, action), results).ljust(8) for action in ACTIONS]
            lines.append(" ".join([f"{shape} {phase}".ljust(width), *row]))
    return "\n".join(line.rstrip() for line in lines)


def _mark(cell: Cell, results: Results) -> str:
    if cell not in results:
        return SKIPPED
    return FAILED if results[cell] else PASSED


def summary(results: Results) -> str:
    """A row for each shape, and one for all."""
    lines = [f"{'shape':<16} {'cells':>5} {'passed':>6}"]
    for shape in (*PHASES, ""):
        found = [wrong for cell, wrong in results.items() if shape in ("", cell.shape)]
        lines.append(f"{shape or 'all':<16} {len(found):>5} {found.count(''):>6}")
    return "\n".join(lines)


def reasons() -> str:
    """What is not played, and why."""
    found: dict[str, list[str]] = {}
    for cell in cells():
        if cell.skipped:
            found.setdefault(cell.skipped, []).append(str(cell))
    return "\n".join(f"not played: {', '.join(names)}: {reason}" for reason, names in found.items())


def run(chosen: Iterable[Cell], jobs: int, logs: Path | None) -> int:
    """Play these cells, so many at a time, and print; 1 where one failed."""
    todo = [cell for cell in chosen if not cell.skipped]
    with ThreadPoolExecutor(jobs) as pool:
        results = dict(zip(todo, pool.map(played, todo), strict=True))
    print(f"\n{matrix(results)}\n\n{summary(results)}\n\n{reasons()}")
    failed = {cell: wrong for cell, wrong in results.items() if wrong}
    for cell, wrong in failed.items():
        print(f"\nfailed: {cell}\n{wrong[:1500]}")
        if logs is not None:
            logs.mkdir(parents=True, exist_ok=True)
            (logs / f"{str(cell).replace(' ', '').replace('/', '-')}.log").write_text(wrong)
    return 1 if failed else 0


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.operator_matrix", description=__doc__)
    parser.add_argument("words", nargs="*", help="only cells in whose name all these words are")
    parser.add_argument(
        "--jobs", type=int, default=max(1, (os.cpu_count() or 2) // 2), help="cells at a time"
    )
    parser.add_argument("--logs", type=Path, help="a directory for the logs of cells that failed")
    args = parser.parse_args()
    if args.jobs < 1:
        parser.error("--jobs must be at least 1")
    chosen = [cell for cell in cells() if all(word in str(cell) for word in args.words)]
    if not any(not cell.skipped for cell in chosen):
        parser.error(f"no cell that can be played has all of {args.words} in its name")
    return exit_code_of(lambda: run(chosen, args.jobs, args.logs))


if __name__ == "__main__":
    sys.exit(main())
