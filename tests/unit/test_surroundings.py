"""Which ports a target has while settings change: none that is needed is closed, none is left open."""

from __future__ import annotations

from dataclasses import replace

import pytest

from supervisor_reload.core.model import Settings, SlotName
from supervisor_reload.core.orders import AskGit, EndProbing, PrepareEyes, TakeOver
from supervisor_reload.surroundings import Surroundings
from tests.fakes.configured import Building, ConfiguredWorld, other
from tests.fakes.world import web

JOB = other("job", "job:job")
SITE = other("site", "site:site")


@pytest.fixture
def world() -> ConfiguredWorld:
    return ConfiguredWorld(web())


def made(world: ConfiguredWorld) -> Surroundings:
    def target_of(name: SlotName) -> str:
        return name.partition(":")[0]

    return Surroundings(world.engine._outside, ("web",), target_of, Building(world))


def taken(*targets: object) -> TakeOver:
    settings = Settings(targets=(web(), *targets))  # type: ignore[arg-type]
    return TakeOver(settings=settings, targets=tuple(target.name for target in targets))  # type: ignore[attr-defined]


def test_what_is_built_together_is_closed_with_the_last_of_it(world: ConfiguredWorld) -> None:
    """Two targets came at once; one goes, then the other."""
    surroundings = made(world)
    surroundings.change(taken(JOB, SITE))
    world.built.clear()
    surroundings.change(TakeOver(settings=Settings(targets=(web(), SITE))))
    assert ["log info"] == world.built
    surroundings.change(TakeOver(settings=Settings(targets=(web(),))))
    assert "closed eyes job+site" == world.built[-1]


def test_the_end_closes_what_was_built(world: ConfiguredWorld) -> None:
    """Also what was only prepared; not what was there before."""
    surroundings = made(world)
    surroundings.change(taken(JOB))
    surroundings.change(PrepareEyes(settings=JOB))
    surroundings.tick()
    surroundings.close()
    assert 2 == world.built.count("closed eyes job")


class Ticking:
    """A port that is told the time."""

    def __init__(self) -> None:
        self.ticks = 0

    def tick(self) -> None:
        self.ticks += 1


def test_what_runs_for_targets_is_looked_after(world: ConfiguredWorld) -> None:
    """Checks, commands and hooks, each once, however many targets have them."""
    ports = {name: Ticking() for name in ("checks", "commands", "hooks")}
    outside = replace(world.engine._outside, **ports)  # type: ignore[arg-type]
    Surroundings(outside, ("web", "job"), lambda name: name).tick()
    assert [1, 1, 1] == [port.ticks for port in ports.values()]


def test_orders_for_nobody_go_nowhere(world: ConfiguredWorld) -> None:
    """A target that has gone may still have some under way."""
    surroundings = made(world)
    surroundings.carry_out(AskGit(target="gone"))
    surroundings.carry_out(EndProbing(name=SlotName("gone:gone")))
    surroundings.discard_stale_bytecode("gone")
    assert [] == world.built
    asked = len(world._due)
    surroundings.carry_out(AskGit(target="web"))
    assert asked + 1 == len(world._due)
