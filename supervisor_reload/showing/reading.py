"""One look at a state directory: what its journal holds, how old that is, and whether its listener works.

It reads files and asks the kernel; what the records mean is ``knowledge``'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..core.model import Record
from ..edges.clock import monotonic, wall
from ..edges.journal import Found, read
from ..edges.lockfile import owner
from ..edges.machine import boot_id
from .place import Place, Unknown, see


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was found, and when."""

    directory: str
    records: Mapping[str, Record]
    listener: int | None
    """its pid; 0 where that can't be told; None: none works"""
    is_current: bool
    """whether the listener that works wrote this: then it is how things stand now"""
    written: float
    """seconds since 1970: the newest word"""
    age: float
    """seconds since then"""
    at: float | None
    """the moment of which it tells, in the records' own clock; None where that was of another boot"""
    damage: str = ""
    """'' or what is wrong with the journal, as a sentence"""
    is_here: bool = True
    """whether its processes are of this machine"""


def look(place: Place) -> Reading:
    """Read it. Raises Unknown where there is nothing to read."""
    return Here(place).look()


class Here:
    """The state directory of a listener on this machine, for one look or many."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._seen: object = None
        self._found = Found()

    def look(self) -> Reading:
        """What is there now; a file that did not change is not read again.

        Raises Unknown where there is nothing to read.
        """
        place = self._place
        entry = see(place)
        signature = (entry.st_dev, entry.st_ino, entry.st_size, entry.st_mtime_ns)
        if signature != self._seen:  # what is written while it is read has another signature next time
            self._found, self._seen = read(place.directory), signature
        found = self._found
        if not found.records:
            raise Unknown(found.damage or f"{place.journal} holds nothing yet")
        try:
            listener = owner(place.directory)
        except OSError as error:
            raise Unknown(f"the lock in {place.directory} can't be read: {error.strerror}") from error
        age = max(0.0, wall() - entry.st_mtime)
        is_current = listener is not None and is_by(found, listener)
        return Reading(
            directory=place.directory,
            records=found.records,
            listener=listener,
            is_current=is_current,
            written=entry.st_mtime,
            age=age,
            at=_moment(found, 0.0 if is_current else age),
            damage=found.damage,
        )


def is_by(found: Found, listener: int) -> bool:
    """Whether this listener wrote it: a new one leaves the file of the last as it is until its first turn."""
    return found.header is None or listener in (0, found.header.pid)


def _moment(found: Found, age: float) -> float | None:
    if found.header is not None and found.header.boot != boot_id():
        return None
    return monotonic() - age
