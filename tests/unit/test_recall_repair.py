"""A journal that lacks a record, or holds one that can't be: the service comes back all the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from supervisor_reload.core.model import ProcessState as S
from supervisor_reload.core.model import Record, SlotName, TargetSettings
from supervisor_reload.core.phase import Phase
from supervisor_reload.core.recall import Recollection
from supervisor_reload.core.restraint import RETRY_CAP
from tests.fakes.journal import Killed
from tests.fakes.rolled import SHAPES, SLOW, A, B, revisions, world_of
from tests.fakes.supervisord import Boot
from tests.fakes.world import Code, World, settled, web

DEAF = Boot(ready_after=0.2, drains_in=None)
"""does not end at TERM"""

EMPTY = ("VACANT", "STARTING")
IN_PLACE = pytest.mark.parametrize("shape", ["plain", "rolling"])


def come_back(world: World, records: Mapping[str, Record], doubted: frozenset[str] = frozenset()) -> None:
    """The next listener of the same life, with such a journal."""
    world.down_until = None
    world.start_listener(Recollection(records=records, is_same_life=True, doubted=doubted))


def killed_when(
    world: World, is_time: Callable[[Record], bool], *, ordered: bool = False
) -> dict[str, Record]:
    """A rollout of r1 whose listener died once a slot's record was so; what the journal held then.

    ``ordered``: not before supervisord was told.
    """
    world.down_for = 1e9

    def die() -> None:
        if slots_of(world, is_time):
            raise Killed

    if ordered:
        world.after_order = die
    else:
        world.journal.after = die
    world.save("r1", boot=SLOW)
    world.advance(30)
    assert world.down_until is not None, "it was not killed"
    return world.journal.found()


def slots_of(world: World, is_so: Callable[[Record], bool]) -> list[SlotName]:
    found = world.journal.found()
    return [SlotName(key[5:]) for key, record in found.items() if key.startswith("slot ") and is_so(record)]


def is_empty(record: Record) -> bool:
    return record.get("phase") in EMPTY


def is_stopping(record: Record) -> bool:
    """Whether supervisord was to stop it."""
    return record.get("phase") == "STOPPING" and bool(record.get("is_asked"))


def unrestarted(settings: TargetSettings, boot: Boot = SLOW) -> World:
    """A world in which nobody but us starts what has ended."""
    return settled(World(settings, code=Code(revision="r0", boot=boot), autorestart="false"))


def serves(world: World) -> bool:
    return world.target.rollout is None and len(world.ready()) == world.settings.replicas


# -- records that are missing


@IN_PLACE
def test_the_record_of_a_target_is_lost(shape: str) -> None:
    """What its slots' records tell holds without it: what we stopped is started."""
    world = unrestarted(SHAPES[shape])
    records = killed_when(world, is_empty)
    del records["target web"]
    come_back(world, records)
    world.advance(120)
    assert serves(world)
    assert {"r1"} == revisions(world)


@IN_PLACE
def test_the_newest_record_of_a_slot_is_lost(shape: str) -> None:
    """An older one calls it READY, but it may be we who stopped it since: it is started."""
    world = unrestarted(replace(SHAPES[shape], drain_timeout=1.0), DEAF)
    before = world.journal.found()
    records = killed_when(world, is_stopping, ordered=True)
    (name,) = slots_of(world, is_stopping)
    key = f"slot {name}"
    assert "READY" == before[key]["phase"]
    come_back(world, {**records, key: before[key]}, frozenset({key}))
    world.advance(200)
    assert serves(world)
    assert {"r1"} == revisions(world)


def test_a_doubted_record_of_a_spare_slot_starts_nothing() -> None:
    """Whatever came after it: a slot that was to be empty is not filled because of the doubt."""
    world = world_of(web())
    orders = len(world.orders)
    come_back(world, world.journal.found(), frozenset({f"slot {B}"}))
    world.advance(10)
    assert ("start", B) not in world.orders[orders:]


# -- records of what is no target's any more


def test_a_section_was_renamed_while_a_slot_was_empty() -> None:
    """The journal tells of another target with the same slots: what we stopped is started."""
    world = unrestarted(SHAPES["plain"])
    records = killed_when(world, is_empty)
    records["target site"] = records.pop("target web")
    come_back(world, records)
    world.advance(120)
    assert serves(world)


def test_a_slot_was_taken_from_its_section_while_it_was_empty() -> None:
    """We stopped it, so we start it, though it is no business of ours any more."""
    world = unrestarted(SHAPES["rolling"])
    records = killed_when(world, is_empty)
    (empty,) = slots_of(world, is_empty)
    assert S.EXITED is world.supervisor.programs[empty].state
    others = tuple(slot for slot in world.settings.slots if slot.name != empty)
    world.settings = replace(world.settings, replicas=2, slots=others)
    come_back(world, records)
    world.core.reconfiguring.has_begun = True
    world.advance(120)
    assert 3 == len(world.ready())


# -- records that can't be


def test_a_failed_slot_with_a_deadline() -> None:
    """It waits for nothing: the time passes, and no listener ends by it."""
    world = world_of(SHAPES["plain"])
    records = world.journal.found()
    records[f"slot {A}"].update(phase="FAILED", deadline=1.0)
    come_back(world, records)
    world.advance(60)
    assert serves(world)


def test_a_drain_without_a_deadline() -> None:
    """It ends all the same, though its work does not."""
    world = world_of(SHAPES["measured in place"])
    records = world.journal.found()
    records[f"slot {A}"]["phase"] = "DRAINING"
    assert "deadline" not in records[f"slot {A}"]
    world.busy[A] = None
    come_back(world, records)
    world.advance(60)
    assert serves(world)
    assert 2 == world.supervisor.programs[A].boots


@pytest.mark.parametrize("phase", ["DRAINING", "PROBING"])
def test_a_deadline_that_is_years_away(phase: str) -> None:
    """No wait of ours is so long: it is over within a day."""
    world = world_of(SHAPES["measured in place"])
    now = world.clock.now
    records = world.journal.found()
    records[f"slot {A}"].update(phase=phase, since=now, deadline=now + 1e8)
    come_back(world, records)
    deadline = world.target.slots[A].deadline
    assert deadline is not None
    assert deadline <= now + 24 * 3600


def test_a_phase_that_begins_in_the_future() -> None:
    """Its length holds, and it began now: a drain of 5 s takes 5 s."""
    world = world_of(SHAPES["measured in place"])
    records = world.journal.found()
    records[f"slot {A}"].update(phase="DRAINING", since=1e7, deadline=1e7 + 5.0)
    world.busy[A] = None
    come_back(world, records)
    world.advance(30)
    assert serves(world)
    assert 2 == world.supervisor.programs[A].boots


def test_rollouts_that_begin_in_the_future() -> None:
    """They are no reason to wait with the next: ``min_interval`` counts from what has been."""
    world = world_of(replace(SHAPES["plain"], min_interval=5.0))
    records = world.journal.found()
    records["target web"]["restraint"] = {"begun": [1e7]}
    come_back(world, records)
    world.advance(10)
    world.save("r1", boot=SLOW)
    world.advance(60)
    assert serves(world)
    assert {"r1"} == revisions(world)


def test_a_retry_that_is_far_away() -> None:
    """No pause before the next try is longer than the longest."""
    world = world_of(SHAPES["plain"])
    world.save("r1", boot=Boot(ready_after=None))
    wait_until(world, lambda: world.target.restraint.retry_at)
    world.code = Code(revision="r1", boot=SLOW)
    records = world.journal.found()
    assert isinstance(records["target web"]["restraint"], dict)
    records["target web"]["restraint"]["retry_at"] = 1e7
    come_back(world, records)
    world.advance(RETRY_CAP + 30)
    assert serves(world)
    assert {"r1"} == revisions(world)


def test_a_surplus_that_supervisord_tries_to_start() -> None:
    """It is retired, but its slot was given up already, and the listener comes back with other numbers."""
    world = world_of(SHAPES["measured swap"])
    world.save("r1", boot=SLOW)
    wait_until(world, lambda: leaving(world))
    (old,) = leaving(world)
    world.code = Code(revision="r1", boot=Boot(dies_after=0.05))
    world.supervisor.crash(old)
    wait_until(
        world,
        lambda: (world.target.slots[old].phase, world.target.slots[old].state) == (Phase.SPARE, S.BACKOFF),
    )
    world.settings = replace(world.settings, max_surge=2)
    world.kill_listener()
    world.advance(30)
    assert serves(world)


def leaving(world: World) -> list[SlotName]:
    return [slot.name for slot in world.target.slots.values() if slot.phase.is_leaving]


def wait_until(world: World, is_so: Callable[[], object]) -> None:
    end = world.clock.now + 60
    while not is_so():
        assert world.clock.now < end, world.events()
        world.advance(0.01)
