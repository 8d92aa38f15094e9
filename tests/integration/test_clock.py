"""The wall clock jumps a day in the middle of a rollout: nothing that we decide asks it.

Limits are counted by the monotonic clock. Who may read the wall clock at all is listed here, with the reason.
"""

from __future__ import annotations

import ast
import os
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

import supervisor_reload
from tests.integration.operated import Event, Operated
from tests.integration.shapes import PLAIN, SWAP

PACKAGE = Path(supervisor_reload.__file__).parent
DAY = 24 * 3600

SHIFT = """
import os, time
_time, _time_ns = time.time, time.time_ns

def shift():
    try:
        with open(os.environ["WALL_CLOCK"]) as file:
            return int(file.read() or 0)
    except OSError:
        return 0

time.time = lambda: _time() + shift()
time.time_ns = lambda: _time_ns() + shift() * 10**9
"""

MAY_ASK = {
    "edges/sources/reading.py": "a file so young may be written again within its time stamp's grain",
    "edges/sources/comparing.py": "a file's age, at a listener's first reading: is a process older?",
    "edges/sources/target.py": "bytecode is keyed by a file's time: is that of this second?",
    "edges/clock.py": "when a rollout began, for people",
    "edges/journal/writing.py": "when a journal was begun, for people",
    "inside/sockets.py": "supervisord's own field, in supervisord's own clock",
    "inside/waking.py": "how old a process is by supervisord's own field",
    "edges/observers/logs.py": "when a line was logged, for people",
    "edges/telling/documents.py": "when a rollout ended, for people",
    "showing/screens.py": "when a view was written, for people",
    "inside/journal.py": "how old the journal is, for people elsewhere",
    "setting_up/writing.py": "the name of a backup",
    "doctor/memory.py": "a journal of the future: the clock was set back",
    "doctor/versions.py": "was the program installed anew since the listener began?",
}
"""Who may read the wall clock, and what for: nothing that would wait, or be cut, for a day."""

WALL = {"time", "time_ns", "ctime", "localtime", "gmtime", "asctime", "strftime", "now", "utcnow", "today"}


class Clock:
    """A wall clock of supervisord and the listener that is set by hand: ``time.time`` itself lies."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "clock"
        (directory / "sitecustomize.py").write_text(SHIFT)
        path = os.pathsep.join(filter(None, [str(directory), os.environ.get("PYTHONPATH")]))
        self.environment = {"PYTHONPATH": path, "WALL_CLOCK": str(self._file)}
        self.jump(0)

    def jump(self, seconds: int) -> None:
        """The wall clock is so much off the machine's, from now on."""
        beside = self._file.with_name("clock.new")
        beside.write_text(str(seconds))
        beside.rename(self._file)


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path)


@pytest.mark.fault(35)
@pytest.mark.integration
def test_a_limit_comes_when_it_is_due(clock: Clock) -> None:
    """In a drain the clock jumps a day forth, then two days back: its limit comes neither early nor late."""
    shape = PLAIN.of(program={"stopwaitsecs": "3"}, drain_timeout="2")
    with Operated(shape, environment=clock.environment) as stage:
        stage.hold("leave")
        stage.save()
        stage.wait(lambda: stage.told("slot draining"), "a drain")
        began = time.monotonic()
        clock.jump(DAY)
        while time.monotonic() < began + 1:  # the proof that nothing comes early needs some time
            assert not stage.told("drain timed out")
        clock.jump(-DAY)
        (told,) = stage.wait(lambda: stage.told("drain timed out"), "the limit")
        assert 1.5 < time.monotonic() - began < 5
        assert _is_off_by(-DAY, told)
        stage.release()
        stage.wait_for_rollout(0)
        _works_on(stage, clock)


@pytest.mark.fault(35)
@pytest.mark.integration
def test_a_swap_goes_on(clock: Clock) -> None:
    """While new code boots the clock jumps back and forth; nobody calls it late until it is."""
    with Operated(SWAP.of(ready_timeout="2", failure_limit="1"), environment=clock.environment) as stage:
        stage.hold("ready")
        stage.save()
        (started,) = stage.wait(lambda: stage.told("slot started"), "a boot")
        clock.jump(-DAY)
        assert "pid" in stage.ordered("status", started["slot"])  # supervisord has met that clock
        clock.jump(DAY)
        stage.release()
        stage.wait_for_rollout(0)
        (ready,) = stage.told("slot ready", slot=started["slot"], pid=started["pid"])
        assert _is_off_by(DAY, ready)
        stage.hold("ready")
        began = time.monotonic()
        stage.save()
        clock.jump(0)
        stage.wait(lambda: stage.told("rollout halted"), "the limit")
        assert 1.9 < time.monotonic() - began < 7
        stage.release()
        _works_on(stage, clock)


def _is_off_by(seconds: int, line: Event) -> bool:
    """Whether the listener's clock was so far off when it logged a line: the jump came through to it."""
    said = datetime.fromisoformat(line["time"].replace("Z", "+00:00"))
    return abs((said - datetime.now(timezone.utc)).total_seconds() - seconds) < 60


def _works_on(stage: Operated, clock: Clock) -> None:
    """The next save is rolled out by a listener that never ended, in a clock that is right again."""
    since = len(stage.lines())
    clock.jump(0)
    stage.save()
    stage.wait_for_rollout(since)
    assert sum("watches web" in line["message"] for line in stage.lines()) == 1, "the listener began anew"
    assert not [line for line in stage.lines() if line["level"] == "unreadable"]


@pytest.mark.fault(35)
def test_nobody_else_asks_the_wall_clock() -> None:
    """Every reading of it in the package is in a module that is named above."""
    asking = {str(path.relative_to(PACKAGE)): sorted(_readings(path)) for path in PACKAGE.rglob("*.py")}
    asking = {name: found for name, found in asking.items() if found}
    assert asking, "this test sees nothing"
    assert set(asking) == set(MAY_ASK), asking


def _readings(path: Path) -> Iterator[str]:
    """``time.time()`` and its like, also where a module imports the function itself."""
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = f"{node.value.id}.{node.attr}"
            if node.attr in WALL and node.value.id in ("time", "datetime", "date"):
                yield f"{name} in line {node.lineno}"
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (f"from time import {one.name}" for one in node.names if one.name in WALL)
