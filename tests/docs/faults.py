"""Writes the last column of docs/faults.md from the marks of the tests: ``python -m tests.docs.faults``.

It reads the tests and imports none of them; what it does not see as a mark is an error of its own test.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from .blocks import ROOT

FILE = ROOT / "docs" / "faults.md"
TESTS = ROOT / "tests"
MARK = "pytest.mark.fault"
ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+?) \| (.*?) \|$", re.MULTILINE)
"""number, what goes wrong, what happens, and the tests"""


def modules() -> list[Path]:
    """Every module with tests."""
    return sorted(TESTS.rglob("test_*.py"))


def marks_in(module: Path) -> Iterator[tuple[int, str]]:
    """The number of a fault and the name of a test that proves it, for each mark."""
    for node in ast.parse(module.read_bytes()).body:
        if isinstance(node, ast.FunctionDef):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == MARK:
                    yield from ((int(ast.literal_eval(number)), node.name) for number in mark.args)


@cache
def marked() -> dict[int, list[str]]:
    """By fault, the tests that prove it, as ``file::name`` below tests/."""
    found: dict[int, list[str]] = {}
    for module in modules():
        for number, name in marks_in(module):
            found.setdefault(number, []).append(f"{module.relative_to(TESTS)}::{name}")
    return found


def filled(text: str) -> str:
    """The document with every test where it belongs; a row that has none keeps its reason."""
    tests = marked()

    def row(found: re.Match[str]) -> str:
        number, wrong, happens, last = found.groups()
        named = tests.get(int(number))
        last = "<br>".join(f"`{name}`" for name in named) if named else last
        return f"| {number} | {wrong} | {happens} | {last} |"

    return ROW.sub(row, text)


def main() -> None:
    """Write the document anew."""
    FILE.write_text(filled(FILE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
