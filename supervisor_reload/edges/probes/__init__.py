"""Readiness probes: the registry by scheme, and the threads that repeat a probe until it is told to stop.

A probe is one function in a module of its own; adding one is one file and one line in PROBES. Probes only
answer; whether a slot is ready is decided in the core.
"""

from __future__ import annotations

import threading
import time
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

CLOSE_LIMIT = 1.0
"""Seconds for which close() waits for all probes together."""

Probe = Callable[[ReadySettings, int, float, threading.Event], "str | None"]
"""(settings, pid, limit in seconds, ended) -> None when ready, else why not yet. Never raises OSError.

It returns soon once ``ended`` is set, where it can; what it says then is told to nobody.
"""

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
        self._threads: list[threading.Thread] = []
        """those that may still be at work, also after their end was asked for"""

    def begin(self, name: SlotName, pid: int) -> None:
        """Probe until ``end``; ProbePassed or ProbeFailed follows after every attempt."""
        self.end(name)
        end = self._ends[name] = threading.Event()
        thread = threading.Thread(
            target=self._repeat, args=(name, pid, end), name=f"probe {name}", daemon=True
        )
        self._threads = [*(each for each in self._threads if each.is_alive()), thread]
        thread.start()

    def end(self, name: SlotName) -> None:
        """No more facts, but for one that is just being put. A command under way is killed.

        Any other attempt under way ends within ATTEMPT_LIMIT, and tells nothing.
        """
        end = self._ends.pop(name, None)
        if end is not None:
            end.set()

    def close(self) -> None:
        """End them all; waits up to CLOSE_LIMIT, since a thread must kill its command before we leave."""
        for name in tuple(self._ends):
            self.end(name)
        deadline = time.monotonic() + CLOSE_LIMIT
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _repeat(self, name: SlotName, pid: int, end: threading.Event) -> None:
        ready = self._ready[name]
        probe = PROBES[ready.scheme]
        pause = ready.interval
        while not end.is_set():
            refusal = probe(ready, pid, min(ATTEMPT_LIMIT, ready.timeout), end)
            if end.is_set():
                return
            if refusal is None:
                self._put(ProbePassed(name=name, pid=pid))
                pause = ready.interval * CALM
            else:
                self._put(ProbeFailed(name=name, pid=pid, detail=refusal))
                pause = ready.interval
            end.wait(pause)
