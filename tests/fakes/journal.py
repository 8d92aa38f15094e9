"""A journal in memory, through the same JSON as the real one; it can fail, and it can be where we die."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from supervisor_reload.core.facts import Fact, JournalFailed, JournalMended
from supervisor_reload.core.model import Record

RESERVE = 200
"""records for which there is room on a full disk"""


class Killed(BaseException):
    """The listener was killed here; nothing of ours may catch it."""


@dataclass
class FakeJournal:
    """The port ``Journal``; it outlives the listeners that write to it."""

    put: Callable[[Fact], None] = lambda fact: None
    lines: list[tuple[str, str]] = field(default_factory=list)
    """every record ever written: its key, and its JSON"""
    before: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None
    """called around each write; may raise Killed"""
    full: bool = False
    """the disk has no room; what was reserved is used up first"""
    room: int = RESERVE
    is_failing: bool = False
    is_dire: bool = False
    """that was told to the listener of now"""
    lost: dict[str, Record | None] = field(default_factory=dict)
    """what could not be written yet"""

    def write(self, records: Mapping[str, Record | None]) -> None:
        self.before()
        if self.full:
            self.room -= len(records)
            is_dire = self.room < RESERVE / 2
            if not self.is_failing or (is_dire and not self.is_dire):
                self.put(JournalFailed(reason="no space left on device", is_dire=is_dire))
            self.is_failing, self.is_dire = True, is_dire
            if self.room < 0:
                self.lost.update(records)
                return
        self._append(records)
        self.after()

    def tick(self) -> None:
        if self.is_failing and not self.full:
            lost, self.lost = self.lost, {}
            self._append(lost)
            self.room, self.is_failing, self.is_dire = RESERVE, False, False
            self.put(JournalMended())

    def _append(self, records: Mapping[str, Record | None]) -> None:
        self.lines += [(key, json.dumps(record, allow_nan=False)) for key, record in records.items()]

    def found(self, lines: int | None = None) -> dict[str, Record]:
        """The newest of each key, of the first so many lines."""
        newest = {key: json.loads(text) for key, text in self.lines[:lines]}
        return {key: record for key, record in newest.items() if record is not None}
