"""The benchmark of what remembering costs runs, and its rows are what they say."""

from __future__ import annotations

import re

import pytest

from benchmarks import remembered_files

pytestmark = pytest.mark.integration


def test_a_small_tree(capsys):
    """
    Each life finds as many changed files as were changed before it, and remembers them.
    """
    assert remembered_files.main(["--directories", "6", "--files", "60", "--saves", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = {line[:30].strip(): line[30:].split() for line in lines[1:7]}
    changed = {name: int(row[5].replace(",", "")) for name, row in rows.items()}
    assert changed["back: nothing changed"] == changed["without remembering"] == 0
    assert changed["back: 1 file changed"] == 1
    assert 1 < changed["back: many files changed"] < changed["back: 1 changed, all is lost"] == 60
    assert rows["without remembering"][8] == "0"
    assert all(row[8] != "0" for name, row in rows.items() if name != "without remembering")
    assert re.search(r"60 files in 6 directories", lines[7])
