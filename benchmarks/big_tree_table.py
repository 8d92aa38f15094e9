"""The table of ``benchmarks.big_tree``: a row for each tool, and the first as a multiple of the best other.

It only writes down what was measured.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Row:
    """What one tool needs. Times in seconds; None where it never reacted, or could not be measured."""

    name: str
    armed: float | None = None
    megabytes: float | None = None
    cpu: float | None = None
    """percent of one core, when nothing happens"""
    delays: list[float] = field(default_factory=list)
    missed: int = 0
    remark: str = ""

    @property
    def delay(self) -> float | None:
        """From a save to the new process, in the middle."""
        return statistics.median(self.delays) if self.delays else None


def judge(rows: list[Row], value: Callable[[Row], float | None]) -> str:
    """The first row's number as a multiple of the best of the others."""
    first, others = value(rows[0]), [number for row in rows[1:] if (number := value(row)) is not None]
    if first is None or not others or min(others) < 0.001:
        return "-"
    return f"{first / min(others):.2f}"


def table(rows: list[Row]) -> str:
    """The rows, and below them the first one's as a multiple of the best of the others."""
    columns: list[tuple[str, Callable[[Row], float | None], str]] = [
        ("first reaction s", lambda row: row.armed, "{:.2f}"),
        ("PSS MB", lambda row: row.megabytes, "{:.1f}"),
        ("idle CPU %", lambda row: row.cpu, "{:.2f}"),
        ("save to new process ms", lambda row: None if row.delay is None else row.delay * 1000, "{:.0f}"),
    ]
    lines = [["", *(title for title, _, _ in columns), "saves", "missed", "remark"]]
    for row in rows:
        cells = [form.format(number) if (number := of(row)) is not None else "-" for _, of, form in columns]
        lines.append([row.name, *cells, str(len(row.delays) + row.missed), str(row.missed), row.remark])
    lines.append(["ratio to the best other", *(judge(rows, of) for _, of, _ in columns), "", "", ""])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:-1], widths[1:-1], strict=True))]
        )
        + ("  " + line[-1]).rstrip()
        for line in lines
    )
