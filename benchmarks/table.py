"""The article's table, from what the clients met. It rounds and counts; it leaves nothing out.

Latencies are those of answered requests: a refused one is quick, and would make a bad reload look fast.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from .experiment import Outcome

Row = tuple[str, Callable[[Outcome], str]]


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value that ``share`` of the sorted numbers don't exceed (nearest rank); nan for none."""
    if not ordered:
        return float("nan")
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def milliseconds(seconds: float) -> str:
    """``12.3 ms``, or a dash where there is no number."""
    if seconds != seconds:  # nan
        return "-"
    return f"{seconds * 1000:,.1f} ms" if seconds < 0.1 else f"{seconds * 1000:,.0f} ms"


def _mean(numbers: Sequence[float]) -> float:
    return statistics.fmean(numbers) if numbers else float("nan")


def _median(numbers: Sequence[float]) -> float:
    return statistics.median(numbers) if numbers else float("nan")


def _errors(outcome: Outcome) -> str:
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in outcome.errors.most_common())
    return f"{outcome.errors.total():,}" + (f" ({kinds})" if kinds else "")


def _trio(ordered: Sequence[float]) -> str:
    numbers = (_mean(ordered), quantile(ordered, 0.5), quantile(ordered, 0.99))
    return " / ".join(milliseconds(number) for number in numbers)


def rows(bare_boot: Sequence[float]) -> list[Row]:
    """The table's rows; ``bare_boot`` is in seconds."""
    boot = _median(bare_boot)
    return [
        ("saves", lambda o: f"{o.saves}" + (f", {o.missed} never served" if o.missed else "")),
        ("processes started", lambda o: f"{o.restarts}"),
        ("requests", lambda o: f"{len(o.requests):,} ({len(o.requests) / o.seconds:.0f}/s)"),
        ("errors", _errors),
        ("latency: mean / p50 / p99", lambda o: _trio(o.latencies())),
        ("  steady", lambda o: _trio(o.latencies(in_windows=False))),
        ("  while reloading", lambda o: _trio(o.latencies(in_windows=True))),
        ("  longest", lambda o: milliseconds(quantile(o.latencies(), 1.0))),
        ("save to first new answer, median", lambda o: milliseconds(_median(o.delays))),
        (
            f"  less the bare boot ({milliseconds(boot)})",
            lambda o: milliseconds(_median(o.delays) - boot),
        ),
    ]


def render(outcomes: Sequence[Outcome], bare_boot: Sequence[float]) -> str:
    """The whole table as text, a column for each outcome."""
    table = [["", *(outcome.name for outcome in outcomes)]]
    table += [[label, *(value(outcome) for outcome in outcomes)] for label, value in rows(bare_boot)]
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in table]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)
