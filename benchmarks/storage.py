"""Where the journal is kept, by evidence: lines that are appended, against sqlite3 of the standard library.

Everything is measured on the file system of ``--directory``, the contenders in turns, so that what else the
disk does meets all of them. It prints tables; it asserts nothing.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from .storage_harm import full_disk, harm
from .storages import CONTENDERS, Ours, Sqlite, Storage, turn
from .table import quantile

ROUND = 50
"""turns of one contender before it is the next one's"""

COST = """
import json, sys, tempfile, time
from pathlib import Path
import logging, queue, threading, supervisor_reload.core.ports, supervisor_reload.core.errors
def pss():
    return int(Path("/proc/self/smaps_rollup").read_text().split("Pss:")[1].split()[0])
turns = json.load(sys.stdin)
with tempfile.TemporaryDirectory() as directory:
    before, began = pss(), time.process_time()
    if sys.argv[1] == "journal":
        from supervisor_reload.edges.journal import Journal
        took = time.process_time() - began
        kept = Journal(directory, print, boot="b", supervisor="s")
        kept.open()
        write = kept.write
    else:
        import sqlite3
        took = time.process_time() - began
        kept = sqlite3.connect(directory + "/db", isolation_level=None)
        kept.execute("PRAGMA journal_mode=WAL")
        kept.execute("PRAGMA synchronous=OFF")
        kept.execute("CREATE TABLE kept (key TEXT PRIMARY KEY, record TEXT)")
        def write(turn):
            rows = [(key, json.dumps(record)) for key, record in turn.items()]
            kept.execute("BEGIN")
            kept.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?)", rows)
            kept.execute("COMMIT")
    for turn in turns:
        write(turn)
    print(json.dumps([took, pss() - before]))
    kept.close()
"""


def write_times(directory: Path, turns: int) -> dict[str, list[float]]:
    """Seconds of each turn, sorted."""
    storages: dict[str, Storage] = {}
    for name, make in CONTENDERS.items():
        place = directory / name.replace(" ", "_")
        place.mkdir(0o700)
        storages[name] = make(place)
    times: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    for start in range(0, turns, ROUND):
        for name, storage in storages.items():
            for number in range(start, min(start + ROUND, turns)):
                records = turn(number)
                began = time.perf_counter()
                storage.write(records)
                times[name].append(time.perf_counter() - began)
    for storage in storages.values():
        storage.close()
    return {name: sorted(found) for name, found in times.items()}


def cost(name: str, times: int) -> tuple[float, float]:
    """Medians of the CPU seconds of an import, and of the kB (PSS) of all until 1,000 turns were kept."""
    turns = json.dumps([turn(number) for number in range(1_000)])
    found = []
    for _ in range(times):
        command = (sys.executable, "-c", COST, name)
        out = subprocess.run(command, input=turns, text=True, stdout=subprocess.PIPE, check=True, timeout=60)
        found.append(json.loads(out.stdout))
    took, size = zip(*found, strict=True)
    return statistics.median(took), statistics.median(size)


def growth(storage: Storage, directory: Path, turns: int, pace: float) -> tuple[int, int]:
    """Bytes of all files: the most there ever were, and at the end."""
    most = size = 0
    for number in range(turns):
        storage.write(turn(number))
        time.sleep(pace)
        if number % ROUND == ROUND - 1 or number == turns - 1:
            size = sum(path.stat().st_size for path in directory.iterdir())
            most = max(most, size)
    storage.close()
    return most, size


def table(lines: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they must be."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _write_table(directory: Path, turns: int) -> str:
    lines = [("a turn of 2 records", "n", "median", "p99", "longest")]
    for name, times in write_times(directory, turns).items():
        row = [f"{quantile(times, share) * 1e6:,.0f} µs" for share in (0.5, 0.99, 1.0)]
        lines.append((name, f"{len(times):,}", row[0], row[1], row[2]))
    return table(lines)


def _cost_table(times: int) -> str:
    lines = [("cost", "n", "import (CPU)", "memory (PSS)")]
    for name in ("journal", "sqlite"):
        took, size = cost(name, times)
        lines.append((name, str(times), f"{took * 1000:.1f} ms", f"{size:,.0f} kB"))
    return table(lines)


def _growth_table(directory: Path, turns: int, pace: float) -> str:
    lines = [("all files", "turns", "most", "at the end")]
    makers = {"journal": Ours, "sqlite WAL NORMAL": lambda place: Sqlite(place, "NORMAL")}
    for name, make in makers.items():
        place = directory / f"growth {name}"
        place.mkdir(0o700)
        most, size = growth(make(place), place, turns, pace)
        lines.append((name, f"{turns:,}", f"{most / 1024:,.0f} kB", f"{size / 1024:,.0f} kB"))
    return table(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storage", description=__doc__)
    parser.add_argument("--turns", type=int, default=5_000, help="turns of each contender that are timed")
    parser.add_argument(
        "--places", type=int, default=1_000, help="bytes at which each file is cut or flipped"
    )
    parser.add_argument("--long", type=int, default=10_000, help="turns after which the size is looked at")
    parser.add_argument("--pace", type=float, default=0.002, help="seconds between those")
    parser.add_argument("--times", type=int, default=9, help="processes for each cost")
    parser.add_argument("--directory", help="on which disk (a temporary directory)")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(dir=args.directory) as name:
        directory = Path(name)
        print(_write_table(directory, args.turns), end="\n\n")
        print(_cost_table(args.times), end="\n\n")
        print(_growth_table(directory, args.long, args.pace), end="\n\n")
        print(table(harm(directory, args.places)), end="\n\n")
        print(table(full_disk(directory)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
