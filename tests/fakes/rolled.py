"""Worlds in which a rollout is done, and the fuse that kills the listener in its middle."""

from __future__ import annotations

from supervisor_reload.core.model import SlotName, TargetSettings
from supervisor_reload.core.phase import Phase

from .journal import Killed
from .supervisord import Boot
from .world import SIGNAL, Code, World, settled, web

SHAPES = {
    "plain": web(1, max_surge=0, check=True),
    "rolling": web(3, replicas=3, max_surge=0),
    "swap": web(2),
    "measured swap": web(2, drain="http", quiesce_signal="USR1", lame_duck=0.3, drain_timeout=5.0),
    "measured in place": web(2, replicas=2, max_surge=0, drain="http", drain_timeout=5.0),
    "signal": web(2, replicas=2, max_surge=0, strategy=SIGNAL),
}
SLOW = Boot(ready_after=0.4, drains_in=0.6, exit_code=0)
A, B = SlotName("web:web_00"), SlotName("web:web_01")


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


def rolled(settings: TargetSettings) -> World:
    world = world_of(settings)
    world.save("r1", boot=SLOW)
    world.advance(30)
    return world


def revisions(world: World) -> set[str | None]:
    return {slot.revision for slot in world.target.slots.values() if slot.phase is Phase.READY}
