"""The plan that docs/verbs.md shows is what ``plan`` says of that configuration."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from supervisor_reload.planning import show_plan

from .blocks import ROOT, all_blocks
from .scenarios import environment


def test_the_plan_is_what_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Line by line, but for where Python is."""
    monkeypatch.setenv("PATH", environment()["PATH"])
    conf = (ROOT / "etc" / "swap.conf").read_text(encoding="utf-8")
    file = tmp_path / "swap.conf"
    file.write_text(conf, encoding="utf-8")
    (tmp_path / "app").mkdir()
    (tmp_path / "run").mkdir()
    told, errors = io.StringIO(), io.StringIO()
    assert (0, "") == (show_plan(str(file), ["web"], told, errors), errors.getvalue())
    (block,) = [
        block
        for block in all_blocks("text")
        if block.document == "docs/verbs.md" and block.text.startswith("web: swap")
    ]
    said, shown = told.getvalue().splitlines(), block.text.splitlines()
    compiles = "changed .py files compile with "
    assert [line.partition(compiles)[0] for line in said] == [line.partition(compiles)[0] for line in shown]
