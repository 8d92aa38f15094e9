"""Brings documents to one place, in order, again and again until each is taken or too old.

It decides nothing about rollouts, and nobody waits for it. What it can't deliver is told in the log.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from ..observers.logs import escaped
from .documents import Report
from .line import Line
from .posting import Verdict

log = logging.getLogger(__name__)

Send = Callable[[Report, threading.Event], Verdict]
"""One try; never raises, and has a limit of its own."""


class Patience(NamedTuple):
    """How long a document is tried; seconds."""

    first: float = 1.0
    """between the first two tries; then twice as long each time"""
    longest: float = 60.0
    give_up: float = 600.0
    """since it was to be told"""


USUAL = Patience()


class _Job(NamedTuple):
    report: Report
    since: float
    """monotonic seconds"""


class Courier:
    """All documents for one place."""

    def __init__(self, place: str, send: Send, patience: Patience = USUAL) -> None:
        """``place`` is shown in the log: it holds no secret."""
        self._place, self._send, self._patience = place, send, patience
        self.line: Line[_Job] = Line(place, self._deliver)

    def bring(self, report: Report) -> None:
        """Deliver this after all that wait already; returns at once."""
        self.line.put(_Job(report, time.monotonic()))

    def _deliver(self, job: _Job, closing: threading.Event) -> None:
        patience, report = self._patience, job.report
        what = f"{report.target}: {report.event}" + (f" ({report.rollout})" if report.rollout else "")
        pause, tries = patience.first, 0
        while True:
            verdict = self._send(report, closing)
            tries += 1
            if not verdict.problem:
                if tries > 1:
                    log.info("%s: told to %s at try %d", what, self._place, tries)
                return
            problem = escaped(verdict.problem)
            wait = min(patience.longest, max(pause, verdict.wait))
            is_late = time.monotonic() + wait - job.since > patience.give_up
            if verdict.is_final or is_late:
                log.warning("%s: not told to %s, try %d: %s", what, self._place, tries, problem)
                return
            if tries == 1:
                told = "%s: could not be told to %s: %s; trying again for %.0f s"
                log.info(told, what, self._place, problem, patience.give_up)
            if closing.wait(wait):
                log.warning("%s: not told to %s: we end before it could be", what, self._place)
                return
            pause = min(patience.longest, pause * 2)
