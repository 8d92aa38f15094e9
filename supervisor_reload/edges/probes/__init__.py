"""Readiness probes: the registry by scheme, and the port that repeats a probe until it is told to stop.

A probe is one function in a module of its own; adding one is one file and one line in PROBES. Probes only
answer; whether a slot is ready is decided in the core.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping

from ...core.facts import Fact, ProbeFailed, ProbePassed
from ...core.model import ReadySettings, SlotName, SlotSettings
from ...core.ports import Put
from ..repeating import Repeating
from .accepting import accepting
from .answering import accepted, http
from .command import command

ATTEMPT_LIMIT = 5.0
"""Seconds for one attempt, at most."""

CALM = 10
"""Once a probe passed it is repeated this many times less often."""

Probe = Callable[[ReadySettings, int, float, threading.Event], "str | None"]
"""(settings, pid, limit in seconds, ended) -> None when ready, else why not yet. Never raises OSError.

It returns soon once ``ended`` is set, where it can; what it says then is told to nobody.
"""

PROBES: dict[str, Probe] = {
    "accepting": accepting,
    "tcp": accepted,
    "unix": accepted,
    "http": http,
    "https": http,
    "command": command,
}


class Probes:
    """The port ``Probing``: one thread for each slot that is being probed.

    A scheme that is not in PROBES needs an edge of its own; ``more`` brings its probe.
    """

    def __init__(
        self, slots: Iterable[SlotSettings], put: Put, more: Mapping[str, Probe] | None = None
    ) -> None:
        self._ready = {slot.name: slot.ready for slot in slots}
        self._more = more or {}
        self._repeating = Repeating("probe", self._attempt, put)

    def begin(self, name: SlotName, pid: int) -> None:
        """Probe until ``end``; ProbePassed or ProbeFailed follows after every attempt."""
        self._repeating.begin(name, pid)

    def end(self, name: SlotName) -> None:
        """No more facts, but for one that is just being put. A command under way is killed.

        Any other attempt under way ends within ATTEMPT_LIMIT, and tells nothing.
        """
        self._repeating.end(name)

    def close(self) -> None:
        """End them all; waits up to repeating.CLOSE_LIMIT seconds."""
        self._repeating.close()

    def _attempt(self, name: SlotName, pid: int, end: threading.Event) -> tuple[Fact, float]:
        ready = self._ready[name]
        probe = self._more.get(ready.scheme) or PROBES[ready.scheme]
        refusal = probe(ready, pid, min(ATTEMPT_LIMIT, ready.timeout), end)
        if refusal is None:
            return ProbePassed(name=name, pid=pid), ready.interval * CALM
        return ProbeFailed(name=name, pid=pid, detail=refusal), ready.interval
