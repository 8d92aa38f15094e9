"""Compares what ``--json`` writes with the table of a document: every key, each with a type of the table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from .blocks import ROOT

ROWS = re.compile(r"^\| `(\S+)` \| ([a-z ]+) \|", re.MULTILINE)

TYPES: dict[str, set[type]] = {
    "integer": {int},
    "number": {int, float},
    "string": {str},
    "boolean": {bool},
    "object": {dict},
    "null": {type(None)},
}

MAY_BE_NULL = ("rollout", "failure")
"""Objects that are keys of their own."""


def documented(verb: str, document: str = "status.md") -> dict[str, set[type]]:
    """The keys of a table, and which types each may have."""
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    table = text.partition(f"<!-- json: {verb} -->\n\n")[2].partition("\n\n")[0]
    assert table, f"{document} has no table for {verb}"
    return {
        path: set().union(*(TYPES[one] for one in kinds.split(" or "))) for path, kinds in ROWS.findall(table)
    }


def seen(told: Sequence[Any]) -> dict[str, set[type]]:
    """The keys of what was written, and which types each had."""
    found: dict[str, set[type]] = {}
    for one in told:
        for path, value in leaves("", one):
            found.setdefault(path, set()).add(type(value))
    return found


def all_keys_are_documented(types: dict[str, set[type]], told: Sequence[Any]) -> None:
    """Every key of the table was told, with a type of the table; and no other."""
    found = seen(told)
    odd = set(types) ^ set(found) or {path for path, kinds in found.items() if not kinds <= types[path]}
    assert not odd, odd


def leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every key of nested objects, and what it holds; an object that may be null is a key of its own."""
    match value:
        case dict():
            if path.endswith(MAY_BE_NULL):
                yield path, value
            for key, each in value.items():
                yield from leaves(f"{path}.{key}" if path else key, each)
        case list():
            for each in value:
                yield from leaves(f"{path}[]", each)
        case _:
            yield path, value
