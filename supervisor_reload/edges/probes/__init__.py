"""Readiness probes: the registry by scheme, and the threads that repeat a probe until it is told to stop.

A probe is one function in a module of its own; adding one is one file and one line in PROBES. Probes only
answer; whether a slot is ready is decided in the core.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from ...core.facts import ProbeFailed, ProbePassed
from ...core.model import ReadySettings, SlotName, SlotSettings
from ...core.ports import Put
from .accepting import accepting
from .answering import http, tcp
from .command import command

ATTEMPT_LIMIT = 5.0
"""Seconds for one attempt, at most."""

CALM = 10
"""Once a probe passed it is repeated this many times less often."""

Probe = Callable[[ReadySettings, int, float], "str | None"]
"""(settings, pid, limit in seconds) -> None when ready, else why not yet. Never raises OSError."""

PROBES: dict[str, Probe] = {
    "accepting": accepting,
    "tcp": tcp,
    "http": http,
    "https": http,
    "command": command,
}


class Probes:
    """The port ``Probing``: one thread for each slot that is being probed."""

    def __init__(self, slots: Iterable[SlotSettings], put: Put) -> None:
        self._ready = {slot.name: slot.ready for slot in slots}
        self._put = put
        self._ends: dict[SlotName, threading.Event] = {}

    def begin(self, name: SlotName, pid: int) -> None:
        """Probe until ``end``; ProbePassed or ProbeFailed follows after every attempt."""
        self.end(name)
        end = self._ends[name] = threading.Event()
        threading.Thread(
            target=self._repeat, args=(name, pid, end), name=f"probe {name}", daemon=True
        ).start()

    def end(self, name: SlotName) -> None:
        """Stop; an attempt under way ends within ATTEMPT_LIMIT, and tells nothing."""
        end = self._ends.pop(name, None)
        if end is not None:
            end.set()

    def close(self) -> None:
        """Stop them all."""
        for name in tuple(self._ends):
            self.end(name)

    def _repeat(self, name: SlotName, pid: int, end: threading.Event) -> None:
        ready = self._ready[name]
        probe = PROBES[ready.scheme]
        pause = ready.interval
        while not end.is_set():
            refusal = probe(ready, pid, min(ATTEMPT_LIMIT, ready.timeout))
            if end.is_set():
                return
            if refusal is None:
                self._put(ProbePassed(name=name, pid=pid))
                pause = ready.interval * CALM
            else:
                self._put(ProbeFailed(name=name, pid=pid, detail=refusal))
                pause = ready.interval
            end.wait(pause)
