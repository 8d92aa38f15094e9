"""Feeds one reader for so long, or so many inputs, and keeps what may not have come out.

The inputs are made by chance, from a seed that is told; each finding is kept once. It needs nothing but
Python. With coverage as a guide, the same is done by ``guided``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from .mutating import next_input
from .reader import Finding, Reader, bounded_memory, tried

MOST_FINDINGS = 50
"""Different findings after which a reader is given up: somebody broke it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one reader was given, and what came out."""

    reader: str
    inputs: int
    seconds: float
    slowest: float
    """seconds"""
    findings: tuple[Finding, ...]
    guide: str = "chance"


def driven(make: Callable[[], Reader], *, inputs: int, seconds: float, seed: int) -> Outcome:
    """Until so many inputs, or so many seconds, are over; 0 is no limit. One of them must be set."""
    assert inputs or seconds, "that would never end"
    reader, chance = make(), Random(f"{seed}")
    found: dict[str, Finding] = {}
    began = last = time.monotonic()
    count, slowest = 0, 0.0
    corpus = list(reader.seeds)
    try:
        with bounded_memory():
            while len(found) < MOST_FINDINGS:
                data = corpus[count] if count < len(corpus) else next_input(chance, reader, corpus)
                finding = tried(reader, data)
                if finding is not None:
                    found.setdefault(finding.what, finding)
                count += 1
                now = time.monotonic()
                slowest, last = max(slowest, now - last), now
                if (inputs and count >= inputs) or (seconds and now - began >= seconds):
                    break
    finally:
        reader.close()
    return Outcome(reader.name, count, last - began, slowest, tuple(found.values()))
