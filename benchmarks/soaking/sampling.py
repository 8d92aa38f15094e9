"""What a process holds at one moment, and whether that grows with the rollouts.

The verdict is of what the process itself wrote (Anonymous in /proc/PID/smaps_rollup): PSS and RSS, which are
told too, go up and down with what others share. The slope is the median of those between any two samples
(Theil and Sen), so that one high or low sample makes no growth and hides none. The first half does not count:
caches fill, and the allocators take their room in steps of half a megabyte. What is lost with each rollout is
lost in the second half as well.

50 kB in 1,000 rollouts are 51 bytes a rollout. A number kept in a list takes 36, the smallest object of ours
about 100, a rollout's own story some thousand; so what is kept for each rollout can't hide below it.
"""

from __future__ import annotations

import os
import re
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

SLOPE = 50.0
"""kB in 1,000 rollouts, the most that counts as flat"""

FEWEST = 4
"""samples from which a slope says anything"""

LOOKS = 3
"""the last ones, of which the least count of descriptors and of threads counts"""

SETTLING = 1.0
"""seconds for which a process is looked at for one sample; the least counts: nothing is under way then"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What one process holds. Memory in kB."""

    own: float
    pss: float
    rss: float
    descriptors: int
    threads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Everything, after so many rollouts."""

    rollouts: int
    listener: Held
    supervisord: Held
    state_dir: int
    """bytes"""


def held(pid: int) -> Held:
    """What a process holds now (proc(5))."""
    process = Path(f"/proc/{pid}")
    sizes = dict(re.findall(r"^(\w+): +(\d+) kB", (process / "smaps_rollup").read_text(), re.MULTILINE))
    return Held(
        own=float(sizes["Anonymous"]),
        pss=float(sizes["Pss"]),
        rss=float(sizes["Rss"]),
        descriptors=len(os.listdir(process / "fd")),
        threads=len(os.listdir(process / "task")),
    )


def settled(pid: int, seconds: float = SETTLING) -> Held:
    """The least of each that is held within so many seconds."""
    looks = [held(pid)]
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(seconds / 20)
        looks.append(held(pid))
    return Held(
        own=min(look.own for look in looks),
        pss=min(look.pss for look in looks),
        rss=min(look.rss for look in looks),
        descriptors=min(look.descriptors for look in looks),
        threads=min(look.threads for look in looks),
    )


def size(directory: Path) -> int:
    """Bytes of all files below a directory; one that goes away meanwhile is none."""
    total = 0
    for path in directory.rglob("*"):
        try:
            total += path.lstat().st_size if path.is_file() else 0
        except FileNotFoundError:
            pass
    return total


def slope(points: Sequence[tuple[int, float]]) -> float:
    """By how much the second number grows with 1,000 of the first; 0 where there are too few points."""
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) * 1000 for a, b in combinations(points, 2) if a[0] != b[0]]
    return statistics.median(slopes) if len(points) >= FEWEST else 0.0


def counted(samples: Sequence[Sample]) -> Sequence[Sample]:
    """Those of the second half of the run."""
    return [sample for sample in samples if sample.rollouts >= samples[-1].rollouts // 2]


Value = Callable[[Sample], float]
ROWS: tuple[tuple[str, Value, float], ...] = (
    ("listener: own memory, kB", lambda s: s.listener.own, SLOPE),
    ("listener: PSS, kB", lambda s: s.listener.pss, -1),
    ("listener: RSS, kB", lambda s: s.listener.rss, -1),
    ("listener: descriptors", lambda s: s.listener.descriptors, 0),
    ("listener: threads", lambda s: s.listener.threads, 0),
    ("supervisord: own memory, kB", lambda s: s.supervisord.own, -1),
    ("supervisord: PSS, kB", lambda s: s.supervisord.pss, -1),
    ("supervisord: RSS, kB", lambda s: s.supervisord.rss, -1),
    ("supervisord: descriptors", lambda s: s.supervisord.descriptors, 0),
    ("supervisord: threads", lambda s: s.supervisord.threads, 0),
    ("state_dir, bytes", lambda s: float(s.state_dir), 1_000_000),
)
"""What is told; what it may grow by in 1,000 rollouts, and -1 for what is only told: supervisord's memory is
its own, and what a directory may have is bounded by its journal, which is made anew when it is full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One row of the table."""

    name: str
    first: float
    last: float
    slope: float
    """in 1,000 rollouts"""
    word: str
    """``flat``, ``grows``, ``too short`` (to say), or '' where nothing is promised"""


def verdicts(samples: Sequence[Sample]) -> list[Verdict]:
    """Each row, from the first sample to the last."""
    found = []
    for name, value, most in ROWS:
        first, last = value(samples[0]), value(samples[-1])
        points = [(sample.rollouts, value(sample)) for sample in counted(samples)]
        grown = slope(points)
        # a descriptor that is kept is there in every look that follows; one that is just in use is not
        least = min(value(sample) for sample in samples[-LOOKS:])
        is_flat = least <= first if most == 0 else grown <= most
        word = "" if most < 0 else "flat" if is_flat else "grows"
        if most > 0 and len(points) < FEWEST:
            word = "too short"
        found.append(Verdict(name=name, first=first, last=last, slope=grown, word=word))
    return found
