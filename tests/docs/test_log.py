"""Every log line that a document shows is one that the program can write."""

from __future__ import annotations

import re

import pytest

from supervisor_reload.edges.observers.logs import TEXT

from .blocks import all_blocks
from .shape import WORDINGS

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (INFO|WARNING|ERROR) (\w+): (?:rollout \d+: )?(.*)")
QUOTED = "    | "

STORIES = {
    event: re.compile(re.sub(r"\\{(\w+)\\}", lambda field: f"(?:{WORDINGS[field[1]]})", re.escape(text)))
    for event, text in TEXT.items()
}


@pytest.mark.parametrize("block", all_blocks("log"), ids=str)
def test_log_lines_are_the_programs(block):
    """Each line has one of the log's own templates; what a process said is quoted below one."""
    lines = block.text.splitlines()
    assert LINE.fullmatch(lines[0])
    for line in lines:
        if line.startswith(QUOTED):
            continue
        matched = LINE.fullmatch(line)
        assert matched, line
        assert any(story.fullmatch(matched[3]) for story in STORIES.values()), line


@pytest.mark.parametrize(
    "line",
    ["web started (pid x)", "web is ready after 3 s (pid 7)", "complete: 63c4435ac4d0 serves", "halted: why"],
)
def test_other_lines_are_not(line):
    """A line that is nearly one of ours is refused."""
    assert not any(story.fullmatch(line) for story in STORIES.values())
