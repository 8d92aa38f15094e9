"""One glance: a reading with what it means for the targets that were asked for, and the exit status of that.

It exists so that ``status``, ``status --watch`` and ``why`` see the same. It writes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ..core.condition import Condition
from ..core.model import Value
from ..core.secrets import Redaction, secrets_of
from ..edges.drains.connections import Connections
from ..edges.processes import born
from .asked import asked
from .knowledge import Knowledge
from .page import FORMAT, plain, utc
from .place import UNKNOWN
from .reading import Reading
from .standing import Standing

OK = 0
"""Exit status where nothing needs anybody."""

NOT_WELL = 3
"""Exit status where something does; ``supervisorctl status`` has the same for what does not run."""

GOES_ON = frozenset(
    each.value
    for each in (
        Condition.READY,
        Condition.STARTING,
        Condition.ROLLING,
        Condition.CHECKING,
        Condition.WAITING,
    )
)
"""Nobody is needed: as STARTING and BACKOFF, with which ``supervisorctl status`` ends with 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What is known, of the targets that were asked for."""

    reading: Reading
    knowledge: Knowledge
    standings: tuple[Standing, ...]
    refused: tuple[str, ...]
    """a line for each name that is no target"""

    @property
    def degraded(self) -> str:
        """Why the listener can't do all that it should; '' where it can."""
        return self.knowledge.degraded

    @property
    def code(self) -> int:
        """The exit status that tells it."""
        if self.refused:
            return UNKNOWN
        is_well = self.reading.is_current and not self.degraded
        return OK if is_well and all(one.condition in GOES_ON for one in self.standings) else NOT_WELL

    def told(self) -> dict[str, Value]:
        """What ``--json`` writes; docs/status.md has every key."""
        reading = self.reading
        return {
            "format": FORMAT,
            "state_dir": reading.directory,
            "listener": {
                "is_running": reading.listener is not None,
                "pid": reading.listener or None,
                "is_current": reading.is_current,
            },
            "written": utc(reading.written),
            "age": round(reading.age, 3),
            "is_this_boot": reading.at is not None,
            "degraded": self.degraded,
            "damage": reading.damage,
            "targets": [plain(asdict(one)) for one in self.standings],
        }


class Glances:
    """Makes them: one, or one after the other."""

    def __init__(self, names: Sequence[str]) -> None:
        """``names`` are those of targets; none at all means every one."""
        self._names = names
        self._hide = Redaction(secrets_of(None, os.environ))
        self._connections = Connections()

    def at(self, reading: Reading) -> Glance:
        """What a reading means."""
        knowledge = Knowledge(
            reading.records,
            at=reading.at,
            born=born if reading.is_here and not reading.is_current else None,
            hide=self._hide,
            in_flight=self._connections.in_flight if reading.is_here and reading.is_current else None,
        )
        targets = knowledge.targets
        wanted = asked(self._names, targets, {name: knowledge.processes(name) for name in targets})
        return Glance(
            reading=reading,
            knowledge=knowledge,
            standings=tuple(knowledge.standing(name) for name in wanted.names),
            refused=wanted.refused,
        )
