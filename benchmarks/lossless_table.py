"""The runs of ``benchmarks.lossless`` as a Markdown table and a sentence with the sum of them.

It adds and rounds; whether a number is good it says only where the answer is yes or no: was anything lost?
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from .table import milliseconds

Run = dict[str, Any]


def _ms(seconds: float | None) -> str:
    return "-" if seconds is None else milliseconds(seconds).removesuffix(" ms")


def _trio(numbers: Run) -> str:
    return " / ".join(_ms(numbers[name]) for name in ("p50", "p99", "max"))


def failures(run: Run) -> Counter[str]:
    """Requests that were lost, by kind, those of 5 s too."""
    lost: Counter[str] = Counter(run["failures"])
    lost.update(run.get("slow", {}).get("failures", {}))
    return lost


def requests(run: Run) -> int:
    """All requests, those of 5 s too."""
    return int(run["requests"]) + int(run.get("slow", {}).get("requests", 0))


def kinds(counts: Counter[str]) -> str:
    """``0``, or ``3 (2 reset, 1 cut)``."""
    if not counts:
        return "0"
    return f"{counts.total():,} ({', '.join(f'{n:,} {kind}' for kind, n in counts.most_common())})"


def _load(run: Run) -> str:
    if "slow" not in run:
        return str(run["load"])
    least, longest = run["slow"]["in_flight_at_saves_least"], run["slow"]["longest"]
    longest = "-" if longest is None else f"{longest:.1f} s"
    slow = f"{run['slow']['requests']:,} of 5 s (at least {least} at each save, longest {longest})"
    return f"{slow}, and {run['load']}"


def _reloads(run: Run) -> str:
    text = f"{run['reloads']}"
    text += f", {run['never_served']} never served" if run["never_served"] else ""
    return text + (f", {run['rollouts']} rollouts" if run["rollouts"] != run["reloads"] else "")


COLUMNS: dict[str, Callable[[Run], str]] = {
    "strategy": lambda r: str(r["strategy"]),
    "server": lambda r: str(r["server"]),
    "load": _load,
    "reloads": _reloads,
    "requests": lambda r: f"{requests(r):,}",
    "per s": lambda r: f"{r['requests'] / r['seconds']:.0f}",
    "failures": lambda r: kinds(failures(r)),
    "steady ms: p50 / p99 / max": lambda r: _trio(r["steady"]),
    "reloading ms: p50 / p99 / max": lambda r: _trio(r["reloading"]),
    "save to serving ms: median / p90": lambda r: (
        f"{_ms(r['save_to_serving']['median'])} / {_ms(r['save_to_serving']['p90'])}"
    ),
    "bare boot ms": lambda r: _ms(r["bare_boot"]["median"]),
    "load's core": lambda r: f"{r['load_busy']:.0%}",
    "min": lambda r: f"{r['seconds'] / 60:.1f}",
}


def render(runs: Sequence[Run]) -> str:
    """A row for each run, as Markdown that is aligned for people who read it as text."""
    return markdown([list(COLUMNS), *([value(run) for value in COLUMNS.values()] for run in runs)])


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """Lines of cells as a Markdown table; the first is its head."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    texts = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in lines
    ]
    texts.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(texts)


def sentence(runs: Sequence[Run]) -> tuple[str, bool]:
    """The sum in words, and whether nothing at all was lost."""
    lost: Counter[str] = sum((failures(run) for run in runs), Counter())
    asked, reloads = sum(map(requests, runs)), sum(run["reloads"] for run in runs)
    never = sum(run["never_served"] for run in runs)
    odd = sum(run["unsettled"] + abs(run["rollouts"] - run["reloads"]) for run in runs)
    text = f"{reloads:,} reloads, {asked:,} requests: {kinds(lost)} lost, {never} versions never served."
    if odd:
        text += f" Not every save was one rollout that ended in time ({odd} odd ones)."
    return text, not (lost or never or odd)
