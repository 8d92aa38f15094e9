"""The edge's face: hears everything that is measured, and publishes the numbers where that is wanted.

It only counts. Whatever fails here is logged, and never reaches whoever tells it something.
"""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable, Iterable, Mapping
from importlib import metadata

from ...core.model import Record
from ...core.orders import Story
from ...core.ports import Checks, Clock, Commands, Hooks, Journal, Put
from ...core.publication import Publication
from ...core.standing import Standing, last_ended
from .definitions import BUILD, DECISIVE, STARTED
from .gauging import Gauging
from .hearing import HeardChecks, HeardCommands, HeardHooks, Hearing, heard
from .processes import Processes
from .publishing import Publishing
from .rollouts import Rollouts
from .saves import Saves
from .tally import Tally

log = logging.getLogger(__name__)


class Metering:
    """All numbers, from the start of a listener to its end.

    Args:
        clock: monotonic seconds.
        wall: the time of day, seconds since 1970: for what is shown.
        of: the versions of what runs, as ``versions`` tells them.
    """

    def __init__(self, clock: Clock, wall: Clock, of: tuple[str, str, str]) -> None:
        self.tally = Tally()
        self._saves = Saves(clock)
        self._hearing = Hearing(self.tally, self._saves, clock)
        self._rollouts = Rollouts(self.tally, self._saves, clock, wall)
        self._processes = Processes(self.tally, clock)
        self._gauging = Gauging(self.tally, wall)
        self._publishing = Publishing(self.tally)
        self._targets: set[str] = set()
        self.tally.set(STARTED, wall())
        self.tally.set(BUILD, 1, *of)

    def recall(self, records: Mapping[str, Record]) -> None:
        """Say how the last rollouts ended of which the journal knows."""
        for target, ended in last_ended(records, DECISIVE).items():
            self._rollouts.say_last(target, ended.outcome, ended.seconds, ended.ended)

    def publish(self, places: Iterable[Publication]) -> None:
        """Publish at these places from now on, and at no other; what fails is said in the log."""
        self._publishing.publish(places)

    def tell(self, story: Story) -> None:
        """The observer."""
        self._rollouts.tell(story)
        self._processes.tell(story)

    def look(self, standing: Standing) -> None:
        """Take how everything stands now."""
        targets = self._gauging.say(standing)
        if targets != self._targets:
            self._targets = targets
            for each in (self._saves, self._rollouts, self._processes, self.tally):
                each.keep(targets)
        self._publishing.touch()

    def heard(self, put: Put) -> Put:
        """A ``put`` of which the facts are counted, and given on as they are."""
        return heard(put, self._hearing)

    def heard_checks(self, checks: Checks) -> Checks:
        """The same checks, timed."""
        return HeardChecks(checks, self._hearing)

    def heard_commands(self, commands: Commands) -> Commands:
        """The same commands, timed."""
        return HeardCommands(commands, self._hearing)

    def heard_hooks(self, hooks: Hooks) -> Hooks:
        """The same hooks, timed."""
        return HeardHooks(hooks, self._hearing)

    def following(self, journal: Journal, look: Callable[[], Standing]) -> Journal:
        """The same journal; whenever something is written, we look how everything stands."""
        return _Followed(journal, lambda: self.look(look()))

    def close(self) -> None:
        """Publish nothing any more."""
        self._publishing.close()


def versions(ours: str) -> tuple[str, str, str]:
    """Ours, Supervisor's and Python's."""
    return ours, metadata.version("supervisor"), platform.python_version()


class _Followed:
    """The port Journal. What is worth a record is worth a look, and every tick is."""

    def __init__(self, journal: Journal, look: Callable[[], None]) -> None:
        self._journal, self._look = journal, look
        self._is_failing = False

    def write(self, records: Mapping[str, Record | None]) -> None:
        """Keep these from now on."""
        self._journal.write(records)
        self._follow()

    def tick(self) -> None:
        """Try again what failed."""
        self._journal.tick()
        self._follow()

    def _follow(self) -> None:
        try:
            self._look()
        except Exception:  # a number must never end a rollout
            if not self._is_failing:
                log.exception("the numbers could not be brought up to date")
            self._is_failing = True
