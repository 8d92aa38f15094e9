"""When not to roll out: pauses that grow, limits that keep what was saved, and who lifts a hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from supervisor_reload.core.model import ProcessState as S
from supervisor_reload.core.restraint import RETRY_CAP
from tests.fakes.supervisord import Boot
from tests.fakes.world import World, settled, web

A, B = "web:web_00", "web:web_01"
BROKEN = Boot(dies_after=0.1)
UNREADY = Boot(ready_after=None)


@pytest.mark.fault(12, 45)
def test_the_pause_doubles_up_to_its_cap() -> None:
    """A revision that goes on failing is tried less and less, at last once a minute, until it is held."""
    world = settled(World(web(failure_limit=9)))
    world.save("r1", boot=UNREADY)
    world.advance(600)
    told = [story.values for story in world.stories if story.event == "rollout halted"]
    assert [1, 2, 4, 8, 16, 32, RETRY_CAP, RETRY_CAP, None] == [values["retry_in"] for values in told]
    assert [False] * 8 + [True] == [values["held"] for values in told]
    assert [S.RUNNING, S.STOPPED] == world.states()


@pytest.mark.parametrize(
    ("limit", "pause"), [({"min_interval": 30.0}, 40), ({"max_per_hour": 1}, 3700)], ids=str
)
def test_what_is_saved_too_early_is_kept_and_rolled_out_once(limit: dict[str, float], pause: float) -> None:
    """Several saves under a limit are one rollout, of the last, as soon as one may begin."""
    world = settled(World(web(1, max_surge=0, **limit)))
    for number in range(4):
        world.save(f"r{number + 1}")
        world.advance(2)
    assert ["r1"] == [s.values["revision"] for s in world.stories if s.event == "rollout began"]
    world.advance(pause, step=5.0)
    assert ["r1", "r4"] == [s.values["revision"] for s in world.stories if s.event == "rollout began"]
    assert "r4" == world.target.slots[A].revision


def test_what_was_saved_back_is_not_rolled_out_when_it_may() -> None:
    """Under a limit the files change, and change back: nothing is left to do."""
    world = settled(World(web(1, max_surge=0, min_interval=30.0)))
    for revision in ("r1", "r2", "r1"):
        world.save(revision)
        world.advance(2)
    world.advance(60)
    assert 1 == world.events().count("rollout began")


def held(world: World) -> World:
    """Its newest revision was tried as often as it may be."""
    settled(world)
    world.save("r1", boot=BROKEN)
    world.advance(60)
    assert world.target.restraint.is_held
    return world


@pytest.mark.parametrize("replicas", [1, 3])
def test_a_start_by_hand_that_serves_lifts_the_hold(replicas: int) -> None:
    """What stood in the way was not the code: it is held no longer, and the other slots follow."""
    world = held(World(web(replicas, replicas=replicas, max_surge=0)))
    (down,) = [name for name, slot in world.target.slots.items() if slot.state is S.FATAL]
    world.code = replace(world.code, boot=Boot())
    world.supervisor.start(down)
    world.advance(30)
    assert 1 == world.events().count("hold lifted")
    assert not world.target.restraint.is_held
    assert {"r1"} == {slot.revision for slot in world.target.slots.values()}
    assert [S.RUNNING] * replicas == world.states()


def test_a_spare_slot_started_by_hand_lifts_the_hold() -> None:
    """It serves the new code, so the old process is retired, as by any rollout."""
    world = held(World(web()))
    world.code = replace(world.code, boot=Boot())
    world.supervisor.start(B)
    world.advance(10)
    assert [S.STOPPED, S.RUNNING] == world.states()
    assert "rollout complete" == world.events()[-1]


def test_a_start_by_hand_that_fails_again_lifts_nothing() -> None:
    """One try more than the limit is the operator's, and changes nothing."""
    world = held(World(web(3, replicas=3, max_surge=0)))
    (down,) = [name for name, slot in world.target.slots.items() if slot.state is S.FATAL]
    orders = list(world.orders)
    world.supervisor.start(down)
    world.advance(60)
    assert "hold lifted" not in world.events()
    assert orders == world.orders
    assert 2 == len(world.ready())


def test_a_process_that_supervisord_starts_again_lifts_nothing() -> None:
    """A crash loop looks ready between two falls: nobody said that its cause is gone."""
    world = settled(World(web(3, replicas=3, max_surge=0, failure_limit=1), autorestart="true"))
    world.save("r1", boot=UNREADY)
    world.advance(30)
    assert world.target.restraint.is_held
    (down,) = [name for name, slot in world.target.slots.items() if slot.revision == "r1"]
    world.code = replace(world.code, boot=Boot())
    world.supervisor.crash(down)
    world.advance(30)
    assert 3 == len(world.ready())
    assert world.target.restraint.is_held


def test_a_hold_after_a_start_by_hand_is_not_lifted_by_it() -> None:
    """Only a start after the hold speaks against it; else each hold would lift itself."""
    world = held(World(web(3, replicas=3, max_surge=0)))
    (down,) = [name for name, slot in world.target.slots.items() if slot.state is S.FATAL]
    world.code = replace(world.code, boot=Boot())
    world.supervisor.start(down)
    world.advance(1.02, step=0.02)
    world.code = replace(world.code, boot=BROKEN)
    world.advance(120)
    assert 1 == world.events().count("hold lifted")
    assert world.target.restraint.is_held
    assert 2 == len(world.ready())
