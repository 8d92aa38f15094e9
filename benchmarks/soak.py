"""Thousands of rollouts by one listener: do its memory, its descriptors and its threads stay as they were?

    python -m benchmarks.soak --rollouts 10000
    python -m benchmarks.soak --rollouts 1000 --shape swap --trace

A real supervisord with a tiny server, whose code is saved again as soon as its rollout is complete: plain,
swap and rolling in turns. It looks after 100 rollouts, 1,000, 2,000 and so on, and prints the first look
beside the last, with a verdict by the rule in ``benchmarks.soaking.sampling``. ``--trace`` tells who asked
for the memory that came on top.
Exit status 1 where something grows, or a rollout did not complete.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import sys
import time
import tracemalloc
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tests.integration.supervisord import wait_for

from .lossless_table import markdown
from .soaking.sampling import SETTLING, Sample, settled, size, verdicts
from .soaking.site import SHAPES, Site
from .soaking.traced import snapshot_of
from .table import quantile

TOP = 15
"""Places that asked for most, with --trace."""


def marks(rollouts: int, every: int) -> list[int]:
    """After how many rollouts it is looked: early, after a tenth of ``every``; its multiples."""
    found = {max(1, min(every, rollouts) // 10), rollouts, *range(every, rollouts, every)}
    return sorted(mark for mark in found if mark <= rollouts)


def soaked(
    site: Site, rollouts: int, every: int, settling: float = SETTLING
) -> tuple[list[Sample], list[float]]:
    """What was held at each mark, and the seconds of each rollout."""
    samples: list[Sample] = []
    seconds: list[float] = []
    wanted = marks(rollouts, every)
    began = time.monotonic()
    for number in range(1, rollouts + 1):
        seconds.append(site.roll(number))
        if number in wanted:
            sample = Sample(
                rollouts=number,
                listener=settled(site.listener, settling),
                supervisord=settled(site.supervisord.pid, settling),
                state_dir=size(site.state_dir),
            )
            samples.append(sample)
            ours = sample.listener
            print(
                f"{number:,} rollouts, {time.monotonic() - began:.0f} s: the listener has {ours.own:,.0f} kB "
                f"of its own, {ours.pss:,.0f} kB PSS, {ours.descriptors} descriptors, {ours.threads} threads",
                flush=True,
            )
    return samples, seconds


def report(samples: Sequence[Sample], seconds: Sequence[float]) -> str:
    """The table, and how long the rollouts took."""
    first, last = samples[0].rollouts, samples[-1].rollouts
    lines = [["", f"after {first:,}", f"after {last:,}", "ratio", "in 1,000 rollouts", "verdict"]]
    for row in verdicts(samples):
        ratio = f"{row.last / row.first:.3f}" if row.first else "-"
        lines.append(
            [row.name, f"{row.first:,.0f}", f"{row.last:,.0f}", ratio, f"{row.slope:+,.1f}", row.word or "-"]
        )
    early, late = (statistics.median(part) * 1000 for part in (seconds[:first], seconds[-first:]))
    longest = quantile(sorted(seconds), 1.0) * 1000
    return (
        f"{markdown(lines)}\n\nA rollout took {early:.0f} ms at the beginning and {late:.0f} ms at the end "
        f"(medians of {first:,}), the longest {longest:,.0f} ms."
    )


def grown(before: Path, after: Path) -> str:
    """Who asked for what is there now and was not before."""
    old, new = (tracemalloc.Snapshot.load(str(path)) for path in (before, after))
    lines = []
    for difference in new.compare_to(old, "traceback")[:TOP]:
        lines.append(f"{difference.size_diff:+,} bytes in {difference.count_diff:+,} blocks")
        lines += difference.traceback.format(limit=6, most_recent_first=True)
    return "\n".join(lines)


def traced(site: Site, rollouts: int, every: int) -> str:
    """The memory that came on top between the first tenth and the end."""
    taken = []
    for number, count in enumerate((every, rollouts - every), 1):
        for each in range(count):
            site.roll(number * 1_000_000 + each)
        os.kill(site.listener, signal.SIGUSR2)
        path = snapshot_of(site.listener, number)
        wait_for(path.exists, 60, "a snapshot")
        taken.append(path)
    try:
        return grown(*taken)
    finally:
        for path in taken:
            path.unlink()


def main() -> int:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__.split("\n\n")[0])
    parser.add_argument("--rollouts", type=int, default=1000)
    parser.add_argument("--every", type=int, default=1000, help="rollouts between two looks")
    parser.add_argument("--shape", choices=["all", *SHAPES], default="all")
    parser.add_argument("--trace", action="store_true", help="tell who asked for memory; slower")
    parser.add_argument("--out", type=Path, help="also write the samples here, as JSON")
    args = parser.parse_args()
    if args.every < 1 or args.rollouts < 2:
        parser.error("--every must be at least 1, and --rollouts at least 2")
    shapes = tuple(SHAPES) if args.shape == "all" else (args.shape,)
    with Site(shapes, is_traced=args.trace) as site:
        if args.trace:
            print(traced(site, args.rollouts, max(1, args.rollouts // 10)))
            return 0
        samples, seconds = soaked(site, args.rollouts, args.every)
    print(f"\n{report(samples, seconds)}")
    if args.out:
        args.out.write_text(json.dumps([asdict(sample) for sample in samples], indent=1))
    return 1 if any(row.word == "grows" for row in verdicts(samples)) else 0


if __name__ == "__main__":
    sys.exit(main())
