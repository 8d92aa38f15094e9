"""The table of ways is real: it finds what is right, and what is wrong does not pass for right."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path

import pytest

from benchmarks.ways import __main__ as command
from benchmarks.ways import catalogue, stage, storm, table, trial
from benchmarks.ways.controls import TWICE, UNWATCHED
from benchmarks.ways.way import Way

pytestmark = pytest.mark.integration

SOME = (
    "`ln -sfn releases/N current`",
    "`directory=` through `current`",
    "git checkout, 20 files",
    "PyCharm, safe write",
    "the same bytes again",
)


def _result(**more):
    made = trial.Result("group", "a way", "native", expected=1, wanted=2, rollouts=[1, 1], served=2)
    return dataclasses.replace(made, **more)


def test_some_ways_and_a_tree_that_nobody_watches():
    """
    Each way is one rollout of the final content; of a tree that is not watched nothing is rolled out.
    """
    ways = [*(catalogue.chosen([name])[0] for name in SOME), UNWATCHED]
    results = {result.way: result for result in command.run(ways, ["native"], tries=1, jobs=6, limit=4.0)}
    assert [way for way, result in results.items() if not result.is_right] == [UNWATCHED.name]
    unseen = results[UNWATCHED.name]
    assert (unseen.rollouts, unseen.served, unseen.seconds) == ([0], 0, [])
    assert results["the same bytes again"].rollouts == [0]
    seen = results["PyCharm, safe write"]
    assert (seen.rollouts, seen.served, len(seen.seconds)) == ([1], 1, 1)


def test_two_rollouts_are_told_and_the_command_fails(tmp_path, monkeypatch, capsys):
    """
    Two saves apart are two rollouts: where one must be, the row is wrong, and so is the exit code.
    """
    kept, logs = tmp_path / "kept.json", tmp_path / "logs"
    line = ["ways", "--only", TWICE.name, "--tries", "1", "--observer", "native"]
    monkeypatch.setattr(sys, "argv", [*line, "--out", str(kept), "--keep", str(logs)])
    assert command.main() == 1
    _, (result,) = table.read(kept)
    assert (result.rollouts, result.served, result.is_right) == ([2], 1, False)
    assert "2 rollouts (main.py; a.py)" in capsys.readouterr().out
    (log,) = logs.iterdir()
    assert log.read_text().count('"rollout began"') == 2


def test_a_way_that_proves_nothing_does_not_pass():
    """
    Where the content must change and does not, the harness itself is wrong, and says so.
    """
    idle = Way(group="files", name="nothing at all", act=lambda site, number: None)
    result = trial.run(idle, "native", tries=1)
    assert not result.is_right
    assert "the harness is wrong" in result.problems[0]


def test_a_missing_tool_is_a_row_that_says_so():
    """
    It is not tried, not counted as wrong, and not counted as right either: the row has the tool's name.
    """
    way = Way(group="files", name="a way", act=lambda site, number: None, needs=["no-such-tool"])
    result = trial.run(way, "native", tries=1)
    assert result.is_right
    assert "no-such-tool is not installed" in table.line(result)
    assert table.cell(result) == "no-such-tool is not installed"


@pytest.mark.parametrize(
    "wrong",
    [{"rollouts": [1, 2]}, {"rollouts": [1]}, {"served": 1}, {"problems": ["it ran elsewhere"]}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_every_kind_of_wrong_is_wrong(wrong):
    """
    Too many rollouts, too few tries, content that does not serve, anything else that must not be.
    """
    assert _result().is_right
    result = _result(**wrong)
    assert not result.is_right
    assert table.line(result).startswith("WRONG")
    assert table.cell(result).startswith("**")


def test_several_runs_are_one_table(tmp_path):
    """
    A column for each watchdog and observer, a row for each way, and what each run depended on.
    """
    paths = []
    for number, result in (("6.0.0", _result(seconds=[0.1, 0.3])), ("7.1.0", _result(rollouts=[1, 2]))):
        around = {
            "when": "today",
            "python": "3",
            "kernel": "6",
            "versions": {"watchdog": number},
            "tools": {},
        }
        paths.append(tmp_path / f"{number}.json")
        table.write(paths[-1], around, [result])
        assert json.loads(paths[-1].read_text())["results"][0]["way"] == "a way"
    lost = storm.Storm(files=9, overflowed=True, rewriting=1.0, served_after=9.0, rollouts=1, later=None)
    assert len(lost.problems) == 2
    paths.append(tmp_path / "storm.json")
    paths[-1].write_text(json.dumps({"surroundings": around, "storm": dataclasses.asdict(lost)}))
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- ways -->\nold\n<!-- /ways -->\n<!-- storm -->\n<!-- /storm -->\nafter\n")
    command.merge(paths, page)
    text = page.read_text()
    assert "| | way | must be | watchdog 6.0.0, native | watchdog 7.1.0, native |" in text
    assert "| group | a way | 1 | 1; 2 of 2; 200 ms | **1..2; 2 of 2; -** |" in text
    assert "| watchdog 7.1.0 | **9** | **yes** | **9.00 s** | **1** | **never** |" in text
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text


def test_a_word_of_no_way_is_refused():
    """
    A misspelt name must not be a table without rows.
    """
    with pytest.raises(ValueError, match="'rsink'"):
        catalogue.chosen(["rsink"])
    names = [way.name for way in catalogue.WAYS]
    assert len(names) == len(set(names)) >= 40


def test_the_witness_of_the_storm_sees_a_loss_and_no_loss(tmp_path):
    """
    It tells an overflow of the kernel's queue from events that are merely many.
    """
    (tmp_path / "d").mkdir()
    names = [str(tmp_path / "d" / name) for name in "ab"]
    Path(names[0]).touch()
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    for times, is_lost in ((10, False), (most // 2 + 2, True)):  # a rename is two events
        with storm.witness(tmp_path) as descriptor:
            for _ in range(times):
                os.rename(*names)
                names.reverse()
            assert storm.has_overflowed(descriptor) is is_lost


def test_lines_that_are_half_written_are_read_later(tmp_path):
    """
    The log is read while it is written.
    """
    path = tmp_path / "log"
    lines = stage.Lines(path)
    path.write_text('{"event": "a"}\n{"eve')
    assert lines.look() == 1
    path.write_text('{"event": "a"}\n{"event": "b"}\nnoise\n')
    assert lines.look() == 2
    assert (lines.read[1]["event"], lines.other) == ("b", ["noise"])
