"""docs/init.md and docs/doctor.md say what the code does."""

from __future__ import annotations

import re
from dataclasses import replace

from supervisor_reload.doctor import CHECKS, Level
from tests.unit.examined import WEB, patient, place, told

from . import recognised
from .blocks import ROOT, blocks

__all__ = ["place"]

DOCTOR = ROOT / "docs" / "doctor.md"


def test_what_init_shows_is_what_the_page_shows():
    """Both parts are the code's; `python -m tests.docs.recognised` writes them anew."""
    text = recognised.FILE.read_text(encoding="utf-8")
    assert text == recognised.filled(text)


def test_every_topic_has_a_row(place):
    """And every row is a topic; they stand in the order in which they are told."""
    (place / "s.sock").touch()
    sick = replace(patient(place, WEB), told=told())
    topics = list(dict.fromkeys(finding.topic for check in CHECKS for finding in check(sick)))
    text = DOCTOR.read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) == topics


def test_the_report_of_the_page_is_one(place):
    """Its lines have the columns, the topics and the count of a real one."""
    (report,) = (block.text for block in blocks(DOCTOR) if "warnings" in block.text)
    *lines, _, count = report.splitlines()
    found = [
        re.fullmatch(r"(\w+) +(ok|warning|error) +(.*)", line)
        for line in lines
        if not line.startswith("    ")
    ]
    assert all(found)
    assert all(line == f"{m[1]:<16}{m[2]:<10}{m[3]}" for line in lines for m in found if m and m[0] == line)
    levels = [match[2] for match in found if match]
    numbers = {level: levels.count(level.value) for level in Level}
    assert count == (
        f"{numbers[Level.OK]} ok, {numbers[Level.WARNING]} warnings, {numbers[Level.ERROR]} errors"
    )
