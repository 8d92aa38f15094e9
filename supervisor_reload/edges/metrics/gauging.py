"""How everything stands, in numbers. It keeps what it said last, so that it says only what is new."""

from __future__ import annotations

from ...core.ports import Clock
from ...core.standing import Standing, TargetStanding
from .definitions import (
    CONDITION,
    CONFIGURED,
    JOURNALED,
    OUTDATED,
    REACHABLE,
    READABLE,
    READY,
    REVISION,
    UPDATED,
    WANTED,
)
from .tally import Tally


class Gauging:
    """The gauges; used by the engine's thread alone."""

    def __init__(self, tally: Tally, wall: Clock) -> None:
        self._tally, self._wall = tally, wall
        self._said: dict[str, TargetStanding] = {}

    def say(self, standing: Standing) -> set[str]:
        """Say how everything stands; returns the names of all targets."""
        tally = self._tally
        tally.set(REACHABLE, standing.is_reachable)
        tally.set(JOURNALED, standing.is_journaled)
        tally.set(CONFIGURED, standing.is_configured)
        for target in standing.targets:
            if self._said.get(target.name) != target:
                self._say_target(target)
        names = {target.name for target in standing.targets}
        self._said = {target.name: target for target in standing.targets}
        tally.set(UPDATED, self._wall())
        return names

    def _say_target(self, target: TargetStanding) -> None:
        tally, name = self._tally, target.name
        tally.begin(name)
        tally.choose(CONDITION, name, target.condition.value)
        tally.set(READY, target.ready, name)
        tally.set(WANTED, target.wanted, name)
        tally.set(OUTDATED, target.outdated, name)
        tally.set(READABLE, target.is_readable, name)
        if target.revision:
            tally.choose(REVISION, name, target.revision)
