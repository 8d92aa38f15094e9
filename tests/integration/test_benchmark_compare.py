"""``benchmarks.compare`` measures what it says, its table adds up; picture and document follow from it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import document, plot
from benchmarks.compare import blocks
from benchmarks.compare_table import render
from benchmarks.contenders import CONTENDERS, Contender
from benchmarks.loading import ROOT
from benchmarks.service import ARTICLE_CONF

pytestmark = pytest.mark.integration

ARTICLE = next(contender for contender in CONTENDERS if contender.name == "the article's shell loop")


def block(contender: str, load: str, **changes: Any) -> dict[str, Any]:
    """A block in which nothing was lost, with changes."""
    numbers = {"n": 10, "p50": 0.01, "p99": 0.02, "max": 0.03}
    made: dict[str, Any] = {"contender": contender, "server": "uvicorn", "round": 0, "load": load}
    made |= {"reloads": 2, "never_served": 0, "requests": 1000, "failures": {}}
    made |= {"steady": numbers, "reloading": numbers, "delays": [0.3, 0.5], "boots": [0.1, 0.2]}
    if load == "in-flight":
        made["slow"] = {"in_flight_at_saves": 4, "cut": {}}
    else:
        requests = [[0.0, 0.01, ""], [1.0, 0.4, ""], [1.5, 0.001, "refused"]]
        made["points"] = {"requests": requests, "windows": [[0.9, 1.6]]}
    return made | changes


def whole(*some: dict[str, Any]) -> dict[str, Any]:
    """A document with these blocks."""
    around = {"when": "2026-01-01", "python": "3.12", "versions": {"x": "1"}, "cpus": 2, "load_average": 0.1}
    return {"blocks": list(some), "missing": {}, "surroundings": around, "command": "compare"}


def cells(text: str, contender: str) -> list[str]:
    """The cells of a contender's row."""
    (row,) = [line for line in text.splitlines() if line.startswith(f"| {contender}")]
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_a_real_block_tells_what_the_clients_met() -> None:
    """The article's loop, one save: it is served, and in the gap requests are refused and drawn."""
    (result,) = blocks([ARTICLE], ["fresh"], rounds=1, saves=1)
    assert "error" not in result, result
    assert result["never_served"] == 0
    assert result["failures"]["refused"] > 0
    requests = result["points"]["requests"]
    assert len(requests) == result["requests"]
    assert sum(error == "refused" for _, _, error in requests) == result["failures"]["refused"]
    assert result["delays"][0] > 0
    assert len(result["boots"]) == 1


def test_a_contender_that_can_not_run_is_told() -> None:
    """It is a block with its error, the others go on, and the table names it."""
    conf = ARTICLE_CONF.replace("autorestart=true", "autorestart=perhaps")  # which supervisord refuses
    broken = Contender(name="broken", server="uvicorn", conf=lambda: conf)
    (result,) = blocks([broken], ["fresh"], rounds=1, saves=1)
    assert result["error"]
    assert "* broken could not run: " in render(whole(result, block("good", "fresh")))


def test_rounds_add_up() -> None:
    """Counts are summed over all blocks of a contender, and delays are put together before the median."""
    text = render(
        whole(
            block("a", "fresh", failures={"refused": 6}, delays=[0.3, 0.3]),
            block("b", "fresh"),
            block("a", "fresh", failures={"reset": 2}, delays=[0.9, 0.9, 0.9], never_served=1),
            block("a", "keep-alive", failures={"cut": 1}),
            block("a", "in-flight", slow={"in_flight_at_saves": 4, "cut": {"reset": 3}}),
        )
    )
    row = cells(text, "a")
    assert "4 + 2 + 2" in row
    assert "6 refused, 2 reset of 2,000; 2.0 a reload" in row
    assert "1 cut of 1,000; 0.5 a reload" in row
    assert "800 (100)" in row
    assert "3 (3 reset) of 4" in row
    assert "0 of 1,000" in cells(text, "b")
    assert "* a, fresh: 1 of 2 saves were never served" in text


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    """From the file, by the command that the documentation names."""
    pytest.importorskip("matplotlib")
    file, out = tmp_path / "compare.json", tmp_path / "images" / "reloads.png"
    file.write_text(json.dumps(whole(block("a", "fresh"), block("b", "fresh"))))
    command = [sys.executable, "-m", "benchmarks.plot", str(file), str(out)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)
    assert out.read_bytes().startswith(b"\x89PNG")


def test_without_blocks_there_is_no_picture(tmp_path: Path) -> None:
    """And a sentence that says which are missing."""
    pytest.importorskip("matplotlib")
    with pytest.raises(ValueError, match="no blocks of load 'fresh' in round 2"):
        plot.draw(whole(block("a", "fresh")), "fresh", 1, tmp_path / "none.png")


def test_results_go_between_their_markers() -> None:
    """Twice is once, and a backslash is one."""
    text = "before\n<!-- x -->\nold\n<!-- /x -->\nafter\n"
    new = document.replace(document.replace(text, "x", "1 \\1"), "x", "2 \\1")
    assert new == "before\n<!-- x -->\n2 \\1\n<!-- /x -->\nafter\n"
    with pytest.raises(ValueError, match="no place <!-- y -->"):
        document.replace(text, "y", "")


def test_the_document_has_both_places() -> None:
    """``benchmarks.document`` finds them."""
    text = document.DOCUMENT.read_text(encoding="utf-8")
    for name in ("lossless", "compare"):
        assert document.replace(text, name, "new") != text
