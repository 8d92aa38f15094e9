"""docs/servers.md: its configurations and programs are the measured ones, its table is what came out."""

from __future__ import annotations

import re

import pytest

from benchmarks.served.catalogue import SERVERS
from benchmarks.served.results import KEPT, read, table
from benchmarks.servers import LOADS, SOURCES

from .blocks import ROOT, all_blocks

DOCUMENT = "docs/servers.md"
LANGUAGES = {"python": "py", "js": "mjs", "go": "go", "text": "conf"}
"""Each kind of block, and how the names of its files end; ``text`` is nginx's."""


def of(language: str) -> list[object]:
    return [block for block in all_blocks(language) if block.document == DOCUMENT]


def test_the_table_is_what_was_measured():
    """`python -m benchmarks.servers --report benchmarks/served/results.jsonl` prints it."""
    text = (ROOT / DOCUMENT).read_text(encoding="utf-8")
    shown = re.search(r"<!-- measured -->\n\n(.*?)\n<!-- end -->", text, flags=re.DOTALL)
    assert shown
    assert shown[1] == table(read(KEPT), list(LOADS))


def test_every_server_was_measured_under_every_load():
    """No cell of the table is empty, and none is of a server that is no longer there."""
    measured = {(cell.server, cell.load) for cell in read(KEPT)}
    assert measured == {(server.name, load) for server in SERVERS for load in LOADS}


@pytest.mark.parametrize("block", of("ini"), ids=str)
def test_configurations_are_the_measured_ones(block):
    """Each block is, letter by letter, the configuration of a server of the table."""
    assert block.text in {server.section for server in SERVERS}


@pytest.mark.parametrize("block", [block for name in LANGUAGES for block in of(name)], ids=str)
def test_programs_are_the_measured_ones(block):
    """Each block is part of a program that the benchmark runs, but for indentation."""
    programs = SOURCES.rglob(f"*.{LANGUAGES[block.language]}")
    wanted = [line.strip() for line in block.text.strip().splitlines()]

    def has(text: str) -> bool:
        lines = [line.strip() for line in text.splitlines()]
        return any(lines[at : at + len(wanted)] == wanted for at in range(len(lines)))

    assert any(has(program.read_text(encoding="utf-8")) for program in programs)
