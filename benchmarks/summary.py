"""A run in numbers that fit on a line: what benchmarks keep of half a million requests, as JSON.

It counts and takes quantiles; it never judges, and leaves no failure out.
"""

from __future__ import annotations

import os
import platform
import time
from collections import Counter
from collections.abc import Collection, Sequence
from importlib.metadata import version
from typing import Any

from .experiment import Outcome
from .load import Request
from .record import since_last
from .table import quantile

EXAMPLES = 20
"""failures that are told one by one"""


def summary(outcome: Outcome) -> dict[str, Any]:
    """What is kept of a run; seconds everywhere."""
    delays = sorted(outcome.delays)
    every = outcome.latencies()
    return {
        "reloads": outcome.saves,
        "never_served": outcome.missed,
        "unsettled": outcome.unsettled,
        "started": outcome.restarts,
        "requests": len(outcome.requests),
        "seconds": round(outcome.seconds, 1),
        "failures": dict(outcome.errors),
        "examples": examples(outcome),
        "steady": spread(outcome.latencies(in_windows=False)),
        "reloading": spread(outcome.latencies(in_windows=True)),
        "longest": rounded(quantile(every, 1.0)),
        "save_to_serving": {
            "median": rounded(quantile(delays, 0.5)),
            "p90": rounded(quantile(delays, 0.9)),
            "max": rounded(quantile(delays, 1.0)),
        },
        "load_busy": outcome.busy,
    }


def slow_summary(outcome: Outcome, requests: Collection[Request]) -> dict[str, Any]:
    """The 5 s requests: what they met, how many were in flight at the saves, and what those met."""
    saves = [begin for begin, _ in outcome.windows]
    met = [(r, [save for save in saves if r.began <= save <= r.began + r.seconds]) for r in requests]
    flying = Counter(save for _, during in met for save in during)
    return {
        "requests": len(requests),
        "failures": dict(Counter(r.error for r in requests if r.error)),
        "in_flight_at_saves": sum(1 for _, during in met if during),
        "in_flight_at_saves_least": min((flying[save] for save in saves), default=0),
        "cut": dict(Counter(r.error for r, during in met if during and r.error)),
        "longest": rounded(max((r.seconds for r in requests if not r.error), default=float("nan"))),
    }


def examples(outcome: Outcome) -> list[dict[str, Any]]:
    """The first failures: how long after the last save each began, and how long it took."""
    saves = [begin for begin, _ in outcome.windows]
    failed = [request for request in outcome.requests if request.error][:EXAMPLES]
    return [
        {"kind": r.error, "after_save": rounded(since_last(saves, r.began)), "seconds": rounded(r.seconds)}
        for r in failed
    ]


def spread(ordered: Sequence[float]) -> dict[str, Any]:
    """Quantiles of sorted seconds."""
    shares = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    return {"n": len(ordered)} | {name: rounded(quantile(ordered, share)) for name, share in shares.items()}


def rounded(seconds: float) -> float | None:
    """To 0.1 ms; None where there is no number, since JSON has no nan."""
    return None if seconds != seconds else round(seconds, 4)


def surroundings(server: str) -> dict[str, Any]:
    """What the numbers depend on."""
    names = ("supervisor", "watchdog", "supervisor-reload", server)
    return {
        "when": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in names},
        "cpus": os.cpu_count(),
        "load_average": round(os.getloadavg()[2], 2),
    }
