"""A record of a slot is lost, and there is no older one: what it told is found out, and never guessed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from supervisor_reload.core.model import ProcessState as S
from tests.fakes.rolled import SHAPES, A, B, revisions
from tests.unit.test_recall_damage_midway import LEFT, STOPPED, Killing, is_well
from tests.unit.test_recall_repair import (
    DEAF,
    IN_PLACE,
    come_back,
    is_empty,
    is_stopping,
    killed_when,
    serves,
    slots_of,
    unrestarted,
)


@IN_PLACE
def test_the_only_record_of_a_slot_is_lost(shape: str) -> None:
    """Its target's tells that there was one, and it may be we who stopped it: it is started."""
    world = unrestarted(replace(SHAPES[shape], drain_timeout=1.0), DEAF)
    records = killed_when(world, is_stopping, ordered=True)
    (name,) = slots_of(world, is_stopping)
    del records[f"slot {name}"]
    come_back(world, records)
    world.advance(200)
    assert serves(world)
    assert {"r1"} == revisions(world)


@pytest.mark.parametrize("lost", [(), ("target web",)])
def test_the_only_record_of_a_slot_that_runs_old_code_is_lost(lost: tuple[str, ...]) -> None:
    """It is not called what is on disk: it is replaced like the others."""
    world = unrestarted(SHAPES["rolling"])
    records = killed_when(world, is_empty)
    (empty,) = slots_of(world, is_empty)
    old = next(name for name in (A, B) if name != empty)
    for key in (f"slot {old}", *lost):
        del records[key]
    come_back(world, records, frozenset({"owed"} if lost else ()))
    world.advance(120)
    assert serves(world)
    assert {"r1"} == revisions(world)
    assert 2 == world.supervisor.programs[old].boots


def test_a_slot_that_is_new_in_its_section_is_left_as_it_is() -> None:
    """There never was a record of it: that it is stopped is nobody's fault."""
    world = unrestarted(SHAPES["measured in place"])
    world.supervisor.stop(B)
    world.advance(3)
    slots = world.settings.slots
    world.settings = replace(world.settings, replicas=1, slots=slots[:1])
    world.restart_listener()
    world.advance(10)
    world.settings = replace(world.settings, replicas=2, slots=slots)
    come_back(world, world.journal.found())
    world.advance(60)
    assert S.STOPPED is world.supervisor.programs[B].state


@pytest.mark.parametrize(("shape", "phase"), [*LEFT, *STOPPED])
def test_a_bad_line_in_a_fresh_file(shape: str, phase: str, tmp_path: Path) -> None:
    """There is one record of each key then, and nothing older to doubt."""
    for turns in (1, 2):  # since the file was replaced
        content = Killing(shape, phase).recorded(tmp_path, turns)
        for place in [0] + [place + 1 for place, byte in enumerate(content[:-1]) if byte == ord("\n")]:
            damaged = content[:place] + b"?" + content[place + 1 :]
            assert is_well(Killing(shape, phase).recover(tmp_path, damaged)), content[place:].split(b":")[0]
