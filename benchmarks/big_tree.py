"""What a big tree costs: time until it is watched, CPU when idle, and time from a save to the new process.

A real supervisord and listener on a tree that is made for it and removed again. It prints; whether the
numbers are good is the reader's to say.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import sys
import time
from importlib.metadata import version
from pathlib import Path

from tests.integration.scene import LISTENER
from tests.integration.supervisord import Supervisord, short_directory

CONF = (
    LISTENER
    + """
[program:web]
command=sleep 3600
startsecs=0
[reload:web]
watch=%(here)s/tree
"""
)
LIMIT = 120.0


def grow(tree: Path, directories: int, files: int) -> None:
    """Make so many directories, a hundred to a parent, with the files spread over them."""
    each, rest = divmod(files, directories)
    for number in range(directories):
        directory = tree / f"d{number // 100}" / f"d{number % 100}"
        directory.mkdir(parents=True)
        for index in range(each + (number < rest)):
            (directory / f"m{index}.py").write_text("X = 1\n")


def cpu_seconds(pid: int) -> float:
    """The CPU time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle_share(pid: int, seconds: float) -> float:
    """The share of one core that a process uses while nothing happens, in percent."""
    before, began = cpu_seconds(pid), time.monotonic()
    time.sleep(seconds)  # the measurement is of nothing happening for so long
    return 100 * (cpu_seconds(pid) - before) / (time.monotonic() - began)


def save_to_start(supervisord: Supervisord, tree: Path, number: int) -> float:
    """Seconds from a save to the new process."""
    before = supervisord.process_pid("web:web")
    began = time.monotonic()
    (tree / "d0" / "d0" / "m0.py").write_text(f"X = {number}\n")
    supervisord.wait_for(
        lambda: supervisord.process_pid("web:web") not in (0, before), LIMIT, "a new process"
    )
    return time.monotonic() - began


def measure(directory: Path, arguments: argparse.Namespace) -> str:
    """Run it; the result as text."""
    grow(directory / "tree", arguments.directories, arguments.files)
    with Supervisord(directory, CONF) as supervisord:
        log = directory / "reload.log"
        pattern = re.compile(r"armed in (\d+) ms")
        armed = supervisord.wait_for(lambda: pattern.findall(log.read_text()), LIMIT, "armed")
        first = save_to_start(supervisord, directory / "tree", 1)  # waits for the first reading, too
        listener = supervisord.process_pid("reload:reload")
        idle = idle_share(listener, arguments.idle)
        delays = [save_to_start(supervisord, directory / "tree", n + 2) for n in range(arguments.saves)]
        rollouts = len(re.findall("rolling out", log.read_text()))
    return "\n".join(
        (
            f"directories, files, watchdog             {arguments.directories:,}, {arguments.files:,}, "
            + version("watchdog"),
            f"armed in                                 {armed[0]} ms",
            f"CPU of one core while idle for {arguments.idle:g} s       {idle:.1f} %",
            f"first save to new process                {first * 1000:.0f} ms",
            f"later saves to new process, median       {statistics.median(delays) * 1000:.0f} ms  "
            f"(n = {len(delays)}; quiet_period is 50 ms)",
            f"saves, rollouts                          {len(delays) + 1}, {rollouts}",
        )
    )


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.big_tree", description=__doc__)
    parser.add_argument("--directories", type=int, default=10_000)
    parser.add_argument("--files", type=int, default=30_000)
    parser.add_argument("--saves", type=int, default=10)
    parser.add_argument("--idle", type=float, default=10.0, help="seconds")
    directory = short_directory()
    try:
        print(measure(directory, parser.parse_args()))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
