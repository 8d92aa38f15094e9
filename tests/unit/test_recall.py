"""The listener is killed at every record of its journal and at every order: the next one finishes what it began."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from supervisor_reload.core.model import ProcessState as S
from supervisor_reload.core.model import TargetSettings
from supervisor_reload.core.phase import Phase
from tests.fakes.journal import Killed
from tests.fakes.supervisord import Boot
from tests.fakes.world import SIGNAL, Code, World, settled, web

SHAPES = {
    "plain": web(1, max_surge=0, check=True),
    "rolling": web(3, replicas=3, max_surge=0),
    "swap": web(2),
    "measured swap": web(2, drain="http", quiesce_signal="USR1", lame_duck=0.3, drain_timeout=5.0),
    "measured in place": web(2, replicas=2, max_surge=0, drain="http", drain_timeout=5.0),
    "signal": web(2, replicas=2, max_surge=0, strategy=SIGNAL),
}
SLOW = Boot(ready_after=0.4, drains_in=0.6, exit_code=0)
WHERE = ("before", "after", "order")


class At:
    """Kills at the call of this number, the first being 0; counts the calls without one."""

    def __init__(self, number: int | None = None) -> None:
        self.number = number
        self.calls = 0

    def __call__(self) -> None:
        self.calls += 1
        if self.number is not None and self.calls == self.number + 1:
            raise Killed


def world_of(settings: TargetSettings) -> World:
    return settled(World(settings, code=Code(revision="r0", boot=SLOW)))


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
