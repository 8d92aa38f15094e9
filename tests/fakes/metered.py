"""A world whose story is counted, and what the numbers say of it."""

from __future__ import annotations

from collections.abc import Iterable

from supervisor_reload.core.facts import Fact, ListenerClosed
from supervisor_reload.core.orders import Story
from supervisor_reload.core.recall import Recollection
from supervisor_reload.core.standing import standing
from supervisor_reload.edges.metrics import Metering
from supervisor_reload.edges.metrics.definitions import DEFINITIONS, PREFIX
from tests.fakes.world import World, web

WALL = 1_700_000_000.0


class Stories(list[Story]):
    """What was told, and counted."""

    def __init__(self, metering: Metering) -> None:
        super().__init__()
        self._metering = metering

    def append(self, story: Story) -> None:
        super().append(story)
        self._metering.tell(story)


class MeteredWorld(World):
    """Everything that can be told is told to the metering, as the composition root does it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.metering = Metering(self.clock, lambda: WALL + self.clock(), ("1", "4", "3"))
        self.stories = Stories(self.metering)
        self.start_listener()

    def start_listener(self, past: Recollection | None = None) -> None:
        super().start_listener(past)
        if not hasattr(self, "metering"):
            return
        hear, turn = self.metering.heard(lambda _: None), self.engine.turn

        def heard_turn(facts: Iterable[Fact]) -> ListenerClosed | None:
            found = [*facts]
            for fact in found:
                hear(fact)
            return turn(found)

        self.engine.turn = heard_turn  # type: ignore[method-assign]
        for outside in self.engine._surroundings._all.values():
            object.__setattr__(outside, "checks", self.metering.heard_checks(outside.checks))

    def look(self) -> None:
        self.metering.look(standing(self.core))

    def value(self, name: str, *labels: str) -> float | None:
        """One number of the target, by its name without prefix; None where there is none."""
        (found,) = [each for each in DEFINITIONS if each.name == PREFIX + name]
        key = ("web", *labels) if found.is_of_target else labels
        return self.metering.tally.read().values[found].get(key)

    def spread(self, name: str, *labels: str) -> tuple[int, float]:
        """How many were measured, and their sum."""
        (found,) = [each for each in DEFINITIONS if each.name == PREFIX + name]
        spread = self.metering.tally.read().spreads[found].get(("web", *labels))
        return (0, 0.0) if spread is None else (sum(spread.counts), spread.total)


def metered(*arguments: object, **settings: object) -> MeteredWorld:
    """One that serves r0 already, and has counted nothing yet."""
    world = MeteredWorld(web(*arguments, **settings))  # type: ignore[arg-type]
    world.supervisor.boot_all()
    world.advance(8)
    world.metering.tally.keep(())
    world.stories.clear()
    return world
