"""The listener is killed at every record of its journal and at every order; the next one goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from supervisor_reload.core.model import ProcessState as S
from supervisor_reload.core.phase import Phase
from tests.fakes.rolled import SHAPES, SLOW, At, world_of
from tests.fakes.world import World

WHERE = ("before", "after", "order")


def arm(world: World, where: str, fuse: Callable[[], None]) -> None:
    if where == "order":
        world.after_order = fuse
    else:
        setattr(world.journal, where, fuse)


def cells() -> Iterator[tuple[str, str, int]]:
    """Every place where the listener of a rollout can be killed."""
    for shape, settings in SHAPES.items():
        for where in WHERE:
            world, count = world_of(settings), At()
            arm(world, where, count)
            world.save("r1", boot=SLOW)
            world.advance(30)
            assert "rollout complete" in world.events()
            yield from ((shape, where, number) for number in range(count.calls))


@pytest.mark.fault(1, 2, 3)
@pytest.mark.parametrize("down", [0.01, 40.0])
@pytest.mark.parametrize(("shape", "where", "number"), [*cells()])
def test_killed_anywhere(shape: str, where: str, number: int, down: float) -> None:
    world = world_of(SHAPES[shape])
    world.down_for = down
    signals = {name: len(program.signals) for name, program in world.supervisor.programs.items()}
    arm(world, where, At(number))
    world.save("r1", boot=SLOW)
    world.advance(down + 60)
    assert world.down_until is None, "it was not started again"
    ran_well(world, signals)


def ran_well(world: World, signals: dict[str, int]) -> None:
    """Everything that should runs the new code, nothing is left, and no process was signalled twice."""
    target = world.target
    assert target.rollout is None
    assert {Phase.READY, Phase.SPARE} >= {slot.phase for slot in target.slots.values()}
    ready = [slot for slot in target.slots.values() if slot.phase is Phase.READY]
    assert target.settings.replicas == len(ready)
    assert {"r1"} == {slot.revision for slot in ready}
    up = [program for program in world.supervisor.programs.values() if program.state is S.RUNNING]
    assert {slot.name for slot in ready} == {program.name for program in up}
    for name, program in world.supervisor.programs.items():
        sent = program.signals[signals[name] :]
        assert len(sent) == len(set(sent)), "a process got a signal twice"
