"""Stands between us and supervisord: what fails here is told in one line of its log, and never goes further.

An exception in a factory stops supervisord from starting, and one in its main loop ends it with all its
programs orphaned. So every way from supervisord into our code leads through ``Guard.attempt``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
D = TypeVar("D")

PREFIX = "supervisor_reload: "


class Guard:
    """Runs what may fail, and speaks in supervisord's log. The same text is told once until ``renew``."""

    def __init__(self) -> None:
        self._logger: Any = None
        self._told: set[str] = set()

    def renew(self, logger: Any) -> None:
        """Speak through this logger from now on; supervisord makes a new one at each of its restarts."""
        self._logger = logger
        self._told.clear()

    def attempt(self, lost: str, default: D, function: Callable[..., T], *args: Any) -> T | D:
        """What ``function`` returns; ``default`` and a line that says what is lost where it raises."""
        try:
            return function(*args)
        except Exception as why:  # noqa: BLE001 -- whatever it is, supervisord must not end of it
            self.warn(lost, f": {type(why).__name__}: {why}")
            return default

    def warn(self, text: str, detail: str = "") -> None:
        """One warning; a text that was told before is not told again, whatever its detail."""
        if text not in self._told:
            self._told.add(text)
            self._log("warn", text + detail)

    def info(self, text: str) -> None:
        """Tell what was done, each time."""
        self._log("info", text)

    def _log(self, level: str, text: str) -> None:
        try:
            getattr(self._logger, level)(PREFIX + text)
        except Exception:  # noqa: BLE001 -- a log on a full disk, or none yet: there is nobody left to tell
            return
