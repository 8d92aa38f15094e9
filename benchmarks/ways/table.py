"""The table: as text on the terminal while it runs, as Markdown of one or several files of results."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.table import milliseconds

from . import catalogue
from .trial import Result

MORE_PROBLEMS = 3
"""of one row, that are told"""


def seen(result: Result) -> str:
    """``1``, or ``0..2`` where the tries differ."""
    few, many = min(result.rollouts, default=0), max(result.rollouts, default=0)
    return f"{few}" if few == many else f"{few}..{many}"


def cell(result: Result) -> str:
    """One way with one observer, for Markdown; bold where it is wrong."""
    if result.missing:
        return result.missing
    median = result.median
    time = "-" if median is None else milliseconds(median)
    text = f"{seen(result)}; {result.served} of {result.wanted}; {time}"
    return text if result.is_right else f"**{text}**"


def line(result: Result) -> str:
    """One way with one observer, for the terminal."""
    head = f"{'ok   ' if result.is_right else 'WRONG'} {result.observer:7} {result.way:48}"
    if result.missing:
        return f"{head} not tried: {result.missing}"
    median, longest = result.median, max(result.seconds, default=None)
    times = (
        ""
        if median is None or longest is None
        else f"{milliseconds(median)}, at most {milliseconds(longest)}"
    )
    counts = f"tries {len(result.rollouts)}, rollouts {seen(result)} (must be {result.expected}),"
    text = f"{head} {counts} serves {result.served} of {result.wanted}, {times}"
    told = [f"        {problem}" for problem in result.problems[:MORE_PROBLEMS]]
    return "\n".join([text.rstrip(" ,"), *told])


def head(around: dict[str, Any]) -> str:
    """What the results of one run depend on, in a sentence."""
    versions = ", ".join(f"{name} {number}" for name, number in around["versions"].items())
    tools = ", ".join(f"{name} {number}" for name, number in around["tools"].items())
    return f"{around['when']}: Python {around['python']}, {versions}; Linux {around['kernel']}; {tools}"


def write(path: Path, around: dict[str, Any], results: Sequence[Result]) -> None:
    """Keep results."""
    document = {"surroundings": around, "results": [result.document() for result in results]}
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> tuple[dict[str, Any], list[Result]]:
    """What ``write`` kept."""
    return parsed(json.loads(path.read_text(encoding="utf-8")))


def parsed(document: dict[str, Any]) -> tuple[dict[str, Any], list[Result]]:
    """The same, of what the file holds."""
    return document["surroundings"], [Result(**result) for result in document["results"]]


def markdown(documents: Sequence[dict[str, Any]]) -> str:
    """One table of several kept results: a row for each way, a column for each watchdog and observer."""
    runs = [parsed(document) for document in documents]
    cells: dict[tuple[str, str], dict[str, str]] = {}
    expected: dict[tuple[str, str], int] = {}
    for around, results in runs:
        for result in results:
            column = f"watchdog {around['versions']['watchdog']}, {result.observer}"
            cells.setdefault((result.group, result.way), {})[column] = cell(result)
            expected[result.group, result.way] = result.expected
    columns = list(dict.fromkeys(column for row in cells.values() for column in row))
    lines = [f"| | way | must be | {' | '.join(columns)} |", f"|---|---|---|{'---|' * len(columns)}"]
    group = ""
    order = [way.name for way in catalogue.WAYS]
    for of, way in sorted(cells, key=lambda key: order.index(key[1]) if key[1] in order else len(order)):
        row = cells[of, way]
        told = "" if of == group else of
        group = of
        texts = " | ".join(row.get(column, "") for column in columns)
        lines.append(f"| {told} | {way} | {expected[of, way]} | {texts} |")
    return "\n".join([*lines, "", *dict.fromkeys(f"* {head(around)}" for around, _ in runs)])


def put_into(document: Path, new: str, name: str) -> None:
    """Exchange what is between the document's markers. ValueError where it has none."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    text = document.read_text(encoding="utf-8")
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"{document} has no place {begin} ... {end}")
    document.write_text(f"{before}{begin}\n{new}\n{end}{after}", encoding="utf-8")
