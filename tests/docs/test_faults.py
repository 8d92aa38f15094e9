"""docs/faults.md: every fault is there once, with the tests that are marked with its number, or a reason."""

from __future__ import annotations

import re

from .faults import FILE, MARK, ROW, filled, marked, marks_in, modules

WRITTEN = re.compile(rf"^\s*@{re.escape(MARK)}\(|pytestmark\b.*{re.escape(MARK)}")
NUMBERS = list(range(1, 57))
REASON = "not there yet: "


def rows() -> list[tuple[str, ...]]:
    return [found.groups() for found in ROW.finditer(FILE.read_text(encoding="utf-8"))]


def test_every_fault_is_there_once():
    """With a sentence of what goes wrong and one of what happens then."""
    assert sorted(int(number) for number, *_ in rows()) == NUMBERS
    assert not [number for number, wrong, happens, _ in rows() if not (wrong.strip() and happens.strip())]
    lines = FILE.read_text(encoding="utf-8").splitlines()
    assert sum(re.match(r"\| *\d", line) is not None for line in lines) == len(NUMBERS), "a row is not read"


def test_each_names_the_tests_that_are_marked_with_it():
    """And no other; ``python -m tests.docs.faults`` writes them."""
    text = FILE.read_text(encoding="utf-8")
    assert filled(text) == text


def test_one_without_a_test_has_a_reason():
    """A name of a test that was left behind is none."""
    without = [row for row in rows() if int(row[0]) not in marked()]
    assert without, "this test sees nothing"
    assert not [row for row in without if not re.fullmatch(REASON + r"[^`]+", row[3])]


def test_every_mark_is_one_of_a_fault():
    assert not set(marked()) - set(NUMBERS)


def test_no_mark_is_overlooked():
    """One that stands elsewhere than on a function of the module would count for pytest, and not here."""
    for module in modules():
        written = [line for line in module.read_text(encoding="utf-8").splitlines() if WRITTEN.search(line)]
        assert len(written) == len({name for _, name in marks_in(module)}), module
