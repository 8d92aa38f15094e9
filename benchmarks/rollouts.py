"""When is a reload over? For supervisor_reload, its log says so; for the others, their answers do.

It exists so that every tool is asked in the way that it can answer, and a save never falls into the reload
before it. It never decides how long to wait.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

from .service import Service, body

STREAK = 12
"""answers of the newest version in a row that show that no older process answers any more"""
STREAK_SECONDS = 0.6
"""seconds that such a streak lasts at least"""


class Rollouts:
    """The rollouts of the service's listener, as its log tells them."""

    def __init__(self, service: Service, slots: int = 1) -> None:
        self._service = service
        self._slots = slots
        self._log = Path(service.supervisord.info("reload")["stderr_logfile"])
        self._before = self._told()
        self._reloads = 0

    def _told(self) -> int:
        return self._log.read_text(encoding="utf-8", errors="replace").count(": complete: ")

    @property
    def complete(self) -> int:
        """Rollouts that were completed since this began to look."""
        return self._told() - self._before

    def settled(self) -> float:
        """Since when every reload so far was a rollout of its own, and is over; 0.0 while it is not."""
        is_over = self.complete > self._reloads and self._service.is_settled(self._slots)
        return time.monotonic() if is_over else 0.0

    def next(self) -> None:
        """Expect one more; called when a reload is over, however it ended."""
        self._reloads = max(self._reloads + 1, self.complete)


class Answers:
    """The answers of a service whose tool does not tell when it is done."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._since = 0.0
        self._count = 0

    def settled(self) -> float:
        """Since when only the newest version answers, and its program is RUNNING; 0.0 while it is not so."""
        asked_at = time.monotonic()
        if body(self._service.port) != f"version {self._newest()}" or not self._service.is_settled():
            self._count = 0
            return 0.0
        if self._count == 0:
            self._since = asked_at
        self._count += 1
        is_over = self._count >= STREAK and asked_at - self._since >= STREAK_SECONDS
        return self._since if is_over else 0.0

    def next(self) -> None:
        """Forget the streak; called when a reload is over, however it ended."""
        self._count = 0

    def _newest(self) -> str:
        text = self._service.app.read_text(encoding="utf-8")
        return "".join(re.findall(r'^VERSION = "([^"]*)"', text, flags=re.MULTILINE))
