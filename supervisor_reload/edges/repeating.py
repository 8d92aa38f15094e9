"""The threads that ask about a slot's process again and again, until they are told to stop.

Probes and drains differ in what they ask and in what they say of it; this knows neither.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from ..core.facts import Fact
from ..core.model import SlotName
from ..core.ports import Put

CLOSE_LIMIT = 1.0
"""Seconds for which close() waits for all threads together."""

Ask = Callable[[SlotName, int, threading.Event], "tuple[Fact, float]"]
"""(slot, pid, ended) -> what was found out, and the seconds until the next attempt. Never raises.

Once ``ended`` is set it returns soon, where it can; what it returns then is told to nobody.
"""


FAILED_PAUSE = 1.0
"""Seconds until an attempt that raised is made again."""

log = logging.getLogger(__name__)


class Repeating:
    """One thread for each slot that is asked about."""

    def __init__(self, kind: str, ask: Ask, put: Put) -> None:
        self._kind = kind
        """what the threads are called by, such as ``probe``"""
        self._ask = ask
        self._put = put
        self._ends: dict[SlotName, threading.Event] = {}
        self._threads: list[threading.Thread] = []
        """those that may still be at work, also after their end was asked for"""

    def begin(self, name: SlotName, pid: int) -> None:
        """Ask until ``end``; a fact follows after every attempt."""
        self.end(name)
        end = self._ends[name] = threading.Event()
        title = f"{self._kind} {name}"
        thread = threading.Thread(target=self._repeat, args=(name, pid, end), name=title, daemon=True)
        self._threads = [*(each for each in self._threads if each.is_alive()), thread]
        thread.start()

    def end(self, name: SlotName) -> None:
        """No more facts, but for one that is just being put."""
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
        while not end.is_set():
            try:
                fact, pause = self._ask(name, pid, end)
            except Exception:
                # A defect of ours must not leave a slot without an answer; the phase's own limit goes on.
                log.exception("the %s of %s failed; it is tried again", self._kind, name)
                end.wait(FAILED_PAUSE)
                continue
            if end.is_set():
                return
            self._put(fact)
            end.wait(pause)
