"""The newest record of each key, as bytes: what a fresh file is made of.

It knows what can't be written as JSON, and keeps it out of every line; it never touches a file.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...core.model import Record
from .line import piece, sealed


class Newest:
    """All that is known by now."""

    def __init__(self) -> None:
        self._pieces: dict[str, bytes] = {}
        self.size = 0
        """bytes of all records, about"""
        self.refused: dict[str, str] = {}
        """keys whose newest record can't be written, with the reason; what was before it stays"""

    def take(self, records: Mapping[str, Record | None]) -> dict[str, bytes]:
        """Keep these; the pieces of a line, for those that can be written."""
        taken: dict[str, bytes] = {}
        for key in sorted(records):
            try:
                taken[key] = piece(key, records[key])
            except (ValueError, TypeError, RecursionError) as error:
                self.refused[key] = str(error)
                continue
            self.refused.pop(key, None)
            self._keep(key, None if records[key] is None else taken[key])
        return taken

    def lines(self) -> bytes:
        """A line for each record: damage to one does not reach the others."""
        return b"".join(sealed([one]) for one in self._pieces.values())

    @property
    def count(self) -> int:
        """How many lines that are."""
        return len(self._pieces)

    def _keep(self, key: str, new: bytes | None) -> None:
        self.size -= len(self._pieces.pop(key, b""))
        if new is not None:
            self._pieces[key] = new
            self.size += len(new)
