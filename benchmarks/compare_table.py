"""The blocks of ``benchmarks.compare`` added up, one row for each way to reload, as Markdown.

It adds and takes quantiles of what was measured; it leaves no block out and weighs none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from .lossless_table import kinds, markdown
from .table import milliseconds, quantile

Block = dict[str, Any]

HEADS = (
    "",
    "server",
    "reloads",
    "ms save to serving: p10 / median / p90",
    "median less bare boot (boot)",
    "lost, fresh connections",
    "lost, keep-alive",
    "ms steady: p50 / p99 / max",
    "ms reloading: p50 / p99 / max",
    "5 s requests cut",
)


def render(document: dict[str, Any]) -> str:
    """The whole table, and below it what could not be measured."""
    every: list[Block] = document["blocks"]
    names = list(dict.fromkeys(block["contender"] for block in every))
    table = [list(HEADS), *(_row(name, [b for b in every if b["contender"] == name]) for name in names)]
    notes = [f"* left out: {name}: {why}" for name, why in document["missing"].items()]
    notes += [
        f"* {b['contender']} could not run: {b['error'].splitlines()[0]}" for b in every if "error" in b
    ]
    notes += [
        f"* {b['contender']}, {b['load']}: {b['never_served']} of {b['reloads']} saves were never served"
        for b in every
        if b.get("never_served")
    ]
    return "\n".join([markdown(table), "", *notes]).rstrip()


def _row(name: str, own: Sequence[Block]) -> list[str]:
    loads = {load: [b for b in own if b.get("load") == load] for load in ("fresh", "keep-alive", "in-flight")}
    server = own[0]["server"] if own else ""
    return [
        name,
        server,
        " + ".join(str(sum(block["reloads"] for block in some)) for some in loads.values()),
        *_latency(loads["fresh"]),
        _lost(loads["fresh"]),
        _lost(loads["keep-alive"]),
        _trio(loads["fresh"], "steady"),
        _trio(loads["fresh"], "reloading"),
        _cut(loads["in-flight"]),
    ]


def _latency(own: Sequence[Block]) -> tuple[str, str]:
    delays = sorted(delay for block in own for delay in block["delays"])
    boots = sorted(boot for block in own for boot in block["boots"])
    if not delays or not boots:
        return "-", "-"
    boot = quantile(boots, 0.5)
    parts = (f"{quantile(delays, share) * 1000:,.0f}" for share in (0.1, 0.5, 0.9))
    over = f"{(quantile(delays, 0.5) - boot) * 1000:,.0f} ({boot * 1000:,.0f})"
    return " / ".join(parts), over


def _lost(own: Sequence[Block]) -> str:
    reloads, asked = (sum(block[key] for block in own) for key in ("reloads", "requests"))
    if not reloads:
        return "-"
    lost = sum((Counter(block["failures"]) for block in own), Counter[str]())
    if not lost:
        return f"0 of {asked:,}"
    told = ", ".join(f"{count:,} {kind}" for kind, count in lost.most_common())
    return f"{told} of {asked:,}; {lost.total() / reloads:.1f} a reload"


def _trio(own: Sequence[Block], when: str) -> str:
    """The medians of the blocks' p50 and p99, and the largest of all."""
    parts = []
    for name, share in (("p50", 0.5), ("p99", 0.5), ("max", 1.0)):
        numbers = sorted(block[when][name] for block in own if block[when][name] is not None)
        parts.append(milliseconds(quantile(numbers, share)).removesuffix(" ms"))
    return " / ".join(parts)


def _cut(own: Sequence[Block]) -> str:
    if not own:
        return "-"
    flying = sum(block["slow"]["in_flight_at_saves"] for block in own)
    lost = sum((Counter(block["slow"]["cut"]) for block in own), Counter[str]())
    return f"{kinds(lost)} of {flying}"
