"""A journal that stops in the middle of a rollout, and is damaged: nothing is left stopped, or old."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from supervisor_reload.core.model import UNKNOWN
from supervisor_reload.core.model import ProcessState as S
from supervisor_reload.core.phase import Phase
from supervisor_reload.edges.journal import Journal, read
from supervisor_reload.edges.journal.place import JOURNAL
from supervisor_reload.resuming import recollect
from tests.fakes.journal import Killed
from tests.fakes.rolled import SHAPES
from tests.fakes.supervisord import Boot
from tests.fakes.world import Code, World, settled

BOOT, SUPERVISOR = "boot", "1 2"

STEP = int(os.environ.get("JOURNAL_STEP", "293"))
"""bytes between two places of damage; 1 tries every one (half an hour)"""

DOWN = 60.0
"""seconds without a listener, in which everything ends that will"""

OLD = Boot(ready_after=0.4, drains_in=0.6)
DEAF = Boot(ready_after=0.4, drains_in=None)
"""what runs r0; it must be stopped, for it does not end at TERM"""
NEW = Boot(ready_after=0.3, drains_in=0.6)
"""what runs r1"""

LEFT = [
    ("plain", "DRAINING"),
    ("plain", "STARTING"),
    ("rolling", "DRAINING"),
    ("rolling", "STARTING"),
    ("swap", "STARTING"),
    ("measured in place", "DRAINING"),
]
STOPPED = [("plain", "STOPPING"), ("rolling", "STOPPING"), ("measured swap", "STOPPING")]
"""where the listener is killed: a slot of such a target is recorded to be there"""


class Killing:
    """A world without a listener: it was killed in its rollout, and nobody else starts what has ended."""

    def __init__(self, shape: str, phase: str) -> None:
        self.phase = phase
        settings = replace(SHAPES[shape], drain_timeout=1.0)
        old = Code(revision="r0", boot=DEAF if phase == "STOPPING" else OLD)
        self.world = world = World(settings, code=old, autorestart="false")
        self.ends = [0]
        """of each turn of the engine, in the lines of the journal"""
        world.journal.after = self.hear
        settled(world)
        world.down_for = 1e9
        if phase == "STARTING":  # nothing was started yet
            world.journal.after = self.hear_and_die
        else:
            world.after_order = self.die
        world.save("r1", boot=NEW)
        world.advance(DOWN)
        assert world.down_until is not None, "it was not killed"

    def hear(self) -> None:
        self.ends.append(len(self.world.journal.lines))

    def die(self) -> None:
        found = self.world.journal.found()
        if any(key.startswith("slot ") and each.get("phase") == self.phase for key, each in found.items()):
            raise Killed

    def hear_and_die(self) -> None:
        self.hear()
        self.die()

    def recorded(self, directory: Path, fresh: int = 0) -> bytes:
        """Its journal in the real file, a line for each turn; ``fresh``: of the last so many only.

        What was before them is in the file then as it is in one that was made anew: a line for each record.
        """
        turns = [*zip(self.ends, self.ends[1:], strict=False)]
        for some in (turns[:-fresh], turns[-fresh:]) if fresh else (turns,):
            journal = Journal(str(directory), lambda fact: None, boot=BOOT, supervisor=SUPERVISOR)
            journal.open()
            for start, end in some:
                journal.write({key: json.loads(text) for key, text in self.world.journal.lines[start:end]})
            journal.close()
        return (directory / JOURNAL).read_bytes()

    def recover(self, directory: Path, content: bytes) -> World:
        """The world some time after the next listener came, with such a file."""
        (directory / JOURNAL).write_bytes(content)
        self.world.down_until = None
        self.world.start_listener(recollect(read(str(directory)), BOOT, SUPERVISOR))
        self.world.advance(120)
        return self.world


def is_well(world: World) -> bool:
    """Enough serve, and all of them run the new code, and are known to."""
    return (
        world.target.rollout is None
        and len(world.ready()) == world.settings.replicas
        and {("r1", NEW)} == set(told_and_run(world))
    )


def is_honest(world: World) -> bool:
    """What is stopped is left so, and nothing hangs; no process is called what it is not."""
    down = [name for name, program in world.supervisor.programs.items() if program.state is S.STOPPED]
    true = {("r1", NEW), ("r0", DEAF), (UNKNOWN, NEW), (UNKNOWN, DEAF)}
    return (
        world.target.rollout is None
        and {Phase.SPARE} >= {world.target.slots[name].phase for name in down}
        and set(told_and_run(world)) <= true
    )


def told_and_run(world: World) -> Iterator[tuple[str | None, Boot]]:
    """Of each process: the revision that it is told to run, and what it is like."""
    for name, program in world.supervisor.programs.items():
        if program.state.is_up:
            yield world.target.slots[name].revision, program.behaviour


@pytest.mark.parametrize(("shape", "phase"), LEFT)
def test_cut_anywhere(shape: str, phase: str, tmp_path: Path) -> None:
    """What we had not stopped through supervisord has ended, and is started, whatever is known of it."""
    content = Killing(shape, phase).recorded(tmp_path)
    for size in range(0, len(content), STEP):
        assert is_well(Killing(shape, phase).recover(tmp_path, content[:size])), size


@pytest.mark.parametrize(("shape", "phase"), STOPPED)
def test_cut_before_our_stop_was_recorded(shape: str, phase: str, tmp_path: Path) -> None:
    """Without a trace of it, our stop looks like an operator's: it is obeyed, and no more is made of it."""
    content = Killing(shape, phase).recorded(tmp_path)
    assert is_well(Killing(shape, phase).recover(tmp_path, content))
    for size in range(0, len(content), STEP):
        assert is_honest(Killing(shape, phase).recover(tmp_path, content[:size])), size


@pytest.mark.parametrize(("shape", "phase"), [*LEFT, *STOPPED])
def test_a_wrong_byte_anywhere(shape: str, phase: str, tmp_path: Path) -> None:
    """What is not told for sure is looked at, and started or replaced."""
    content = Killing(shape, phase).recorded(tmp_path)
    for place in range(0, len(content), STEP):
        wrong = bytes([content[place] ^ 0x15])
        damaged = content[:place] + wrong + content[place + 1 :]
        assert is_well(Killing(shape, phase).recover(tmp_path, damaged)), place
