"""``check=python`` and links that lead out of the watched paths: their lines would be in the log."""

from __future__ import annotations

import queue
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from supervisor_reload.core.facts import CheckFailed, CheckPassed, Fact
from supervisor_reload.core.model import CheckSettings, Revision
from supervisor_reload.edges.commands import Checking, check
from tests.fakes.world import web

R1 = Revision("r1")
LIMIT = 20.0
PYTHON = CheckSettings(python=sys.executable)


def test_a_link_out_of_the_watched_paths_is_not_compiled(tmp_path: Path) -> None:
    """What is inside is, by whatever way it is named."""
    (tmp_path / "app").mkdir()
    (tmp_path / "alias").symlink_to("app")
    (tmp_path / "secret").write_text("root:$6$secret:\n")
    (tmp_path / "app" / "out.py").symlink_to(tmp_path / "secret")
    (tmp_path / "app" / "bad").write_text("also bad:\n")
    (tmp_path / "app" / "in.py").symlink_to("bad")
    out, inside = (str(tmp_path / "alias" / name) for name in ("out.py", "in.py"))
    below = (str(tmp_path / "alias"),)
    assert "secret" in check(PYTHON, "web", R1, (out,)).output
    alone = check(PYTHON, "web", R1, (out,), None, below)
    assert (0, "") == (alone.code, alone.output)
    both = check(PYTHON, "web", R1, (out, inside), None, below).output
    assert "also bad" in both
    assert "secret" not in both


@pytest.mark.parametrize("follows", [False, True])
def test_which_links_are_compiled_is_the_targets(tmp_path: Path, follows: bool) -> None:
    """By its follow_symlinks."""
    (tmp_path / "app").mkdir()
    (tmp_path / "bad").write_text("def (\n")
    link = tmp_path / "app" / "out.py"
    link.symlink_to(tmp_path / "bad")
    settings = replace(web(), check=PYTHON)
    watch = replace(settings.watch, paths=(str(tmp_path / "app"),), follow_symlinks=follows)
    facts: queue.SimpleQueue[Fact] = queue.SimpleQueue()
    checks = Checking([replace(settings, watch=watch)], facts.put)
    try:
        checks.run("web", R1, (str(link),))
        assert isinstance(facts.get(timeout=LIMIT), CheckFailed if follows else CheckPassed)
    finally:
        checks.close()
