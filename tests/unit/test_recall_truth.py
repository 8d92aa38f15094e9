"""What is on record is what was done: which code runs, which files wait, which rollout may not begin."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from supervisor_reload.core.facts import Fact, RevisionComputed
from supervisor_reload.core.memory import MOST_CHANGED, Memory
from supervisor_reload.core.model import CheckSettings
from supervisor_reload.core.phase import Phase
from supervisor_reload.core.recall import TOO_MANY, marks
from supervisor_reload.core.records import several, text
from supervisor_reload.edges.journal import Journal
from supervisor_reload.edges.journal.place import JOURNAL
from supervisor_reload.resuming import resume
from tests.fakes.journal import Killed
from tests.fakes.rolled import SHAPES, SLOW, A, B, revisions, world_of
from tests.fakes.supervisord import Boot
from tests.fakes.world import Code, World, settled

OTHER = Boot(ready_after=0.3, drains_in=0.6)
"""what only the process of a refused revision is like"""


class Slow(World):
    """A world in which a reading may take its time."""

    reading_seconds = 0.004

    def put(self, fact: Fact, delay: float = 0.001) -> None:
        super().put(fact, self.reading_seconds if isinstance(fact, RevisionComputed) else delay)


def runs_what_is_told(world: World) -> bool:
    """Whether the process in a slot of r1 is one of r1."""
    told, runs = world.target.slots[A].revision, world.supervisor.programs[A].behaviour
    return (told, runs) == ("r1", SLOW)


def test_refused_code_that_was_booted_before_it_was_read() -> None:
    """Files changed while nobody looked: what we had to start is never called what was wanted."""
    world = Slow(SHAPES["plain"], code=Code(revision="r0", boot=SLOW), autorestart="false")
    settled(world)
    world.down_for = 1e9

    def die() -> None:
        if world.journal.found()[f"slot {A}"].get("phase") == "STARTING":
            raise Killed

    world.journal.after = die
    world.save("r1", boot=SLOW)
    world.advance(30)
    world.code = Code(revision="r2", passes=False, boot=OTHER)
    world.reading_seconds, world.down_until = 5.0, world.clock.now
    world.advance(20)
    assert OTHER == world.supervisor.programs[A].behaviour
    assert "r1" != world.target.slots[A].revision
    world.reading_seconds = 0.004
    world.save("r1", boot=SLOW)
    world.advance(60)
    assert runs_what_is_told(world)


def test_refused_code_that_was_booted_while_git_was_at_work() -> None:
    """Nothing stays down for long: what is started while the files change is unknown, and replaced."""
    world = settled(World(SHAPES["plain"], code=Code(revision="r0", boot=SLOW), autorestart="false"))
    world.save("r1", boot=SLOW)
    while world.target.slots[A].phase is not Phase.DRAINING:
        world.advance(0.05)
    world.git_held = True
    world.save("r2", passes=False, boot=OTHER)
    world.advance(10)
    assert OTHER == world.supervisor.programs[A].behaviour
    world.git_held = False
    world.advance(40)
    world.save("r1", boot=SLOW)
    world.advance(60)
    assert runs_what_is_told(world)


@pytest.mark.parametrize("shape", [*SHAPES])
def test_a_rollout_that_nothing_can_be_written_of_is_put_off(shape: str) -> None:
    """That it began is the first that the disk refuses: no process is touched."""
    world = world_of(replace(SHAPES[shape], check=CheckSettings()))
    world.journal.full, world.journal.room = True, 0
    orders = len(world.orders)
    world.save("r1", boot=SLOW)
    world.advance(30)
    assert [] == world.orders[orders:]
    put_off = world.story("rollout put off")
    assert ("r1", "no space left on device") == (put_off.values["revision"], put_off.values["reason"])
    assert world.target.rollout is None
    world.journal.full = False
    world.advance(30)
    assert {"r1"} == revisions(world)


def test_more_changed_files_than_are_named() -> None:
    """They waited for their check when we died: the next listener takes every file for changed."""
    world = world_of(SHAPES["plain"])
    world.check_seconds = 1e9
    world.save("r1", boot=SLOW)
    world.advance(5)
    for count, names in ((MOST_CHANGED, MOST_CHANGED), (MOST_CHANGED + 1, 0)):
        world.target.intake.changed = {f"/app/{number}.py" for number in range(count)}
        world.advance(1)
        assert names == len(several(text)(world.journal.found()["changed web"]["names"]))
        mark = world.target.intake.mark if names else TOO_MANY
        assert {"web": mark} == marks(world.past(), [world.settings])


def test_a_doubted_record_of_what_is_no_slot_any_more(tmp_path: Path) -> None:
    """It is forgotten, and not kept for ever because nobody was sure of it."""
    journal = Journal(str(tmp_path), lambda fact: None, boot="boot", supervisor="1 2")
    journal.open()
    journal.write(world_of(SHAPES["rolling"]).journal.found())
    journal.close()
    with (tmp_path / JOURNAL).open("ab") as file:
        file.write(b"no line of ours\n")
    legacy = resume(str(tmp_path), "1 2", lambda fact: None)
    legacy.journal.close()
    world = world_of(SHAPES["plain"])
    assert f"slot {B}" in legacy.past.doubted
    news = Memory(dict(legacy.kept)).news(world.core, 0.0)
    assert news[f"slot {B}"] is None
    assert news[f"slot {A}"] == world.journal.found()[f"slot {A}"]
