"""What it costs to remember which files there were: at the start, in memory, and with each save.

A tree is made and removed again. Each row is a process of its own that reads it as the listener does: without
remembering, for the first time, and coming back to nothing new, to changed files, and to a file that is lost.
It prints; whether the numbers are good is the reader's to say.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import queue
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.big_tree import grow
from supervisor_reload.core.facts import GitHeld, RevisionComputed
from supervisor_reload.core.model import TargetSettings, WatchSettings
from supervisor_reload.edges.sources import Sources
from tests.integration.supervisord import short_directory

LIMIT = 600.0


def megabytes(file: str, key: str) -> float:
    """A number of this process's memory, as /proc tells it."""
    found = re.search(rf"^{key}:\s+(\d+) kB", Path("/proc/self", file).read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


class Life:
    """One listener's Sources."""

    def __init__(self, tree: Path, state: str, known: str) -> None:
        self.facts: queue.SimpleQueue = queue.SimpleQueue()
        target = TargetSettings(name="web", slots=(), watch=WatchSettings(paths=(str(tree),)))
        marks = {"web": known} if known else {}
        self.sources = Sources([target], self.facts.put, directory=state, known=marks)

    def look(self, *hints: Path) -> RevisionComputed:
        """One reading."""
        self.sources.compute("web", tuple(map(str, hints)), full=not hints, final=True)
        fact = self.facts.get(timeout=LIMIT)
        assert isinstance(fact, RevisionComputed), fact
        return fact

    def settle(self) -> None:
        """Until all is written."""
        self.sources.ask_git("web")
        assert isinstance(self.facts.get(timeout=LIMIT), GitHeld)


def live(tree: Path, state: str, known: str, saves: int) -> dict[str, object]:
    """One life: its first reading, some saves, its end."""
    began, used = time.monotonic(), time.process_time()
    life = Life(tree, state, known)
    first = life.look()
    told = time.monotonic() - began
    life.settle()
    row: dict[str, object] = {
        "told": told,
        "settled": time.monotonic() - began,
        "cpu": time.process_time() - used,
        "changed": len(first.changed),
    }
    mark, count = first.mark, len(first.changed)
    del first
    row["peak"], row["pss"] = megabytes("status", "VmHWM"), megabytes("smaps_rollup", "Pss")
    delays = []
    file = next(tree.glob("area_*/*/*/models.py"))
    used = time.process_time()
    for number in range(saves):
        file.write_text(f"SAVED = {time.time()} {number}\n")
        began = time.monotonic()
        mark = life.look(file).mark
        delays.append(time.monotonic() - began)
    life.settle()
    row["save"] = statistics.median(delays) if delays else 0.0
    row["save_cpu"] = (time.process_time() - used) / max(1, saves)
    life.sources.close()
    row["mark"], row["changed"] = mark, count
    row["bytes"] = sum(one.stat().st_size for one in Path(state).iterdir()) if state else 0
    return row


def in_own_process(tree: Path, state: str, known: str, saves: int) -> dict[str, object]:
    """A life of which nothing is left."""
    code = (
        "import json, sys; from pathlib import Path; from benchmarks.remembered_files import live;"
        "tree, state, known, saves = sys.argv[1:];"
        "print(json.dumps(live(Path(tree), state, known, int(saves))))"
    )
    argv = [sys.executable, "-c", code, str(tree), state, known, str(saves)]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=2 * LIMIT)
    row: dict[str, object] = json.loads(done.stdout)
    return row


def measure(directory: Path, saves: int) -> list[tuple[str, dict[str, object]]]:
    """All rows."""
    tree, state = directory / "tree", str(directory / "state")
    sources = sorted(tree.rglob("*.py"))
    rows = []

    def take(name: str, state: str, known: str) -> str:
        row = in_own_process(tree, state, known, saves)
        rows.append((name, row))
        return str(row["mark"])

    take("(the disk's cache is warmed)", "", "")
    take("without remembering", "", "")
    mark = take("for the first time", state, "")
    mark = take("back: nothing changed", state, mark)
    sources[0].write_text("CHANGED = 1\n")
    mark = take("back: 1 file changed", state, mark)
    for path in sources[:: max(1, len(sources) // 10_000)]:
        path.write_text(f"CHANGED = {path.name!r}\n")
    mark = take("back: many files changed", state, mark)
    shutil.rmtree(state)
    sources[0].write_text("CHANGED = 3\n")
    take("back: 1 changed, all is lost", state, mark)
    return rows[1:]


HEADER = ("told s", "settled s", "cpu s", "peak MB", "PSS MB", "changed", "a save ms", "its cpu ms", "bytes")


def table(rows: list[tuple[str, dict[str, object]]]) -> str:
    """The rows, in columns."""
    lines = [f"{'':30}" + "".join(f"{name:>12}" for name in HEADER)]
    for name, row in rows:
        seconds = [float(str(row[key])) for key in ("told", "settled", "cpu")]
        memory = [float(str(row[key])) for key in ("peak", "pss")]
        per_save = [float(str(row[key])) * 1000 for key in ("save", "save_cpu")]
        numbers = [f"{number:12.2f}" for number in seconds] + [f"{number:12.1f}" for number in memory]
        numbers += [
            f"{row['changed']:12,}",
            *(f"{number:12.2f}" for number in per_save),
            f"{row['bytes']:12,}",
        ]
        lines.append(f"{name:30}" + "".join(numbers))
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.remembered_files", description=__doc__)
    parser.add_argument("--directories", type=int, default=10_000)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--saves", type=int, default=100)
    arguments = parser.parse_args(argv)
    directory = short_directory()
    try:
        grow(directory / "tree", arguments.directories, arguments.files)
        print(table(measure(directory, arguments.saves)))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    load = f"load average {os.getloadavg()[0]:.1f} at the end"
    print(
        f"{arguments.files:,} files in {arguments.directories:,} directories; of {arguments.saves} saves each"
    )
    print(f"Python {platform.python_version()}, {platform.release()}, {os.cpu_count()} CPUs, {load}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
