"""Jobs that wait in a line: done one after the other, in a thread that is there only while there are any.

Whoever brings a job never waits. The line has a greatest length: then the oldest is dropped. It never raises.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

log = logging.getLogger(__name__)

Job = TypeVar("Job")

MOST_WAITING = 100
"""Jobs; a target that is saved every second while its webhook is away must not fill the memory."""

CLOSING = 1.0
"""Seconds for which the ends of all threads together are awaited."""


class Line(Generic[Job]):
    """One line of jobs."""

    def __init__(
        self, name: str, do: Callable[[Job, threading.Event], object], most: int = MOST_WAITING
    ) -> None:
        """``do`` gets a job, and an event that says when to give it up. ``name`` may be shown."""
        self._name, self._do, self._most = name, do, most
        self._lock = threading.Lock()
        self._waiting: deque[Job] = deque()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._is_told = False
        """that jobs are dropped; told once until there is room again"""

    def put(self, job: Job) -> None:
        """Do this after all that wait already; returns at once."""
        with self._lock:
            if self._closing.is_set():
                return
            is_full = len(self._waiting) >= self._most
            is_news, self._is_told = is_full and not self._is_told, self._is_told or is_full
            if is_full:
                self._waiting.popleft()
            self._waiting.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()
        if is_news:
            log.warning("%s: more than %d wait: the oldest are dropped", self._name, self._most)

    def end(self) -> None:
        """Let the job in hand be given up, and begin no other."""
        with self._lock:
            self._closing.set()
            lost = len(self._waiting)
            self._waiting.clear()
        if lost:
            log.warning("%s: %d that waited are dropped", self._name, lost)

    @property
    def is_working(self) -> bool:
        """Whether a job is in hand."""
        return self._thread is not None

    def join(self, seconds: float) -> None:
        """Wait for the end of the job in hand, so long at most."""
        thread = self._thread
        if thread is not None:
            thread.join(max(0.0, seconds))

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                job = self._waiting.popleft()
                self._is_told = False
            try:
                self._do(job, self._closing)
            except Exception:  # a defect of ours must not keep the others from their turn
                log.exception("%s failed", self._name)


def close_all(lines: Iterable[Line[Any]]) -> None:
    """End all of them; returns within CLOSING."""
    every = list(lines)
    deadline = time.monotonic() + CLOSING
    for line in every:
        line.end()
    for line in every:
        line.join(deadline - time.monotonic())
