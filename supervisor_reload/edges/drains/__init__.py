"""Looks at in-flight work: the registry by scheme, and the port that repeats a look until it is told to stop.

A look is one function in a module of its own; adding one is one file and one line in DRAINS. Looks only
answer; whether an old process may be stopped is decided in the core.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping

from ...core.facts import Fact, WorkDrained, WorkPending
from ...core.model import SlotName, SlotSettings
from ...core.ports import Put
from ..repeating import Repeating
from .answering import http
from .command import command
from .connections import Connections

ATTEMPT_LIMIT = 5.0
"""Seconds for one look, at most."""

Drain = Callable[[SlotSettings, int, float, threading.Event], "str | None"]
"""(slot, pid, limit in seconds, ended) -> None when the work is done, else why not yet. Never raises OSError.

It returns soon once ``ended`` is set, where it can; what it says then is told to nobody.
"""

DRAINS: dict[str, Drain] = {
    "http": http,
    "https": http,
    "command": command,
}
"""The looks that remember nothing; ``connections`` is Connections.drained."""


class Drains:
    """The port ``Draining``: one thread for each slot that is being drained.

    A scheme that is not in DRAINS needs an edge of its own; ``more`` brings its look. ``limit`` is in
    seconds, of one look.
    """

    def __init__(
        self,
        slots: Iterable[SlotSettings],
        put: Put,
        more: Mapping[str, Drain] | None = None,
        *,
        limit: float = ATTEMPT_LIMIT,
    ) -> None:
        self._slots = {slot.name: slot for slot in slots}
        self._connections = Connections()
        self._drains = {"connections": self._connections.drained, **DRAINS, **(more or {})}
        self._limit = limit
        self._repeating = Repeating("drain", self._attempt, put)

    def begin(self, name: SlotName, pid: int) -> None:
        """Look until ``end``; WorkDrained or WorkPending follows after every look."""
        self._repeating.begin(name, pid)

    def end(self, name: SlotName) -> None:
        """No more facts, but for one that is just being put. A command under way is killed."""
        self._repeating.end(name)

    def in_flight(self, name: SlotName, pid: int) -> int | None:
        """How many connections of this process are busy now, whatever its ``drain`` is; None: can't tell."""
        del name
        return self._connections.in_flight(pid)

    def close(self) -> None:
        """End them all; waits up to repeating.CLOSE_LIMIT seconds."""
        self._repeating.close()

    def _attempt(self, name: SlotName, pid: int, end: threading.Event) -> tuple[Fact, float]:
        slot = self._slots[name]
        refusal = self._drains[slot.drain.scheme](slot, pid, self._limit, end)
        if refusal is None:
            return WorkDrained(name=name, pid=pid), slot.drain.interval
        return WorkPending(name=name, pid=pid, detail=refusal), slot.drain.interval
