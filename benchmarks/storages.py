"""The contenders of ``storage``: our journal, lines that wait for the disk, and sqlite3 three times.

Each keeps the newest record of each key, and reads what is left of its files; none is tuned beyond its
manual.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Protocol

from supervisor_reload.core.model import Record
from supervisor_reload.edges.journal import Journal, read
from supervisor_reload.edges.journal.line import piece, sealed

Kept = dict[str, Record]

SLOTS = 4


def turn(number: int) -> Kept:
    """What one turn of the engine keeps: a slot and its target, about 300 bytes each."""
    digest = f"{number:040x}"
    slot: Record = {
        "phase": "PROBING",
        "pid": 10_000 + number,
        "born": str(88_000_000 + number),
        "revision": digest,
        "since": 1234.5 + number,
        "deadline": 1294.5 + number,
        "signal": "TERM",
        "signalled": True,
        "stopped": False,
        "detail": "app/main.py: rolling out",
    }
    target: Record = {
        "wanted": digest,
        "accepted": digest,
        "rollout": number,
        "trigger": "app/main.py and 3 more",
        "failures": [[digest, 1]],
        "began": 1230.25 + number,
        "held": None,
        "paused": False,
    }
    return {f"slot web:web_{number % SLOTS:02d}": slot, "target web": target}


class Damaged(Exception):
    """The storage says that something is wrong with its files; what it vouches for all the same."""

    def __init__(self, why: str, kept: Kept) -> None:
        self.kept = kept
        super().__init__(why)


class Refused(Exception):
    """The storage says that it is in trouble."""


class Storage(Protocol):
    """One way to keep records."""

    def write(self, records: Mapping[str, Record]) -> None:
        """One turn. Raises Refused."""

    def close(self) -> None:
        """Write no more."""


class Ours:
    """The journal as it is: written at once, synced by a thread beside."""

    def __init__(self, directory: Path) -> None:
        self._facts: list[object] = []
        self._journal = Journal(str(directory), self._facts.append, boot="b", supervisor="s")
        self._journal.open()

    def write(self, records: Mapping[str, Record]) -> None:
        """One turn."""
        self._journal.write(records)
        if self._facts:
            raise Refused(str(self._facts.pop(0)))

    def tick(self) -> None:
        """Try again what failed."""
        self._journal.tick()

    def close(self) -> None:
        """Write no more."""
        self._journal.close()


class Synced:
    """The same lines, and each turn waits for the disk."""

    def __init__(self, directory: Path) -> None:
        self._file = (directory / "lines").open("ab", buffering=0)

    def write(self, records: Mapping[str, Record]) -> None:
        """One turn."""
        self._file.write(sealed(piece(key, record) for key, record in records.items()))
        os.fdatasync(self._file.fileno())

    def close(self) -> None:
        """Write no more."""
        self._file.close()


class Sqlite:
    """A table in WAL mode (sqlite.org/pragma.html#pragma_synchronous)."""

    def __init__(self, directory: Path, synchronous: str) -> None:
        self._database = sqlite3.connect(directory / "db", isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute(f"PRAGMA synchronous={synchronous}")
        self._database.execute("CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, record TEXT)")

    def write(self, records: Mapping[str, Record]) -> None:
        """One turn."""
        rows = [(key, json.dumps(record)) for key, record in records.items()]
        try:
            self._database.execute("BEGIN")
            self._database.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?)", rows)
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise Refused(str(error)) from error

    def close(self) -> None:
        """Write no more."""
        self._database.close()


CONTENDERS: dict[str, Callable[[Path], Storage]] = {
    "journal": Ours,
    "lines, fdatasync each": Synced,
    "sqlite WAL OFF": lambda directory: Sqlite(directory, "OFF"),
    "sqlite WAL NORMAL": lambda directory: Sqlite(directory, "NORMAL"),
    "sqlite WAL FULL": lambda directory: Sqlite(directory, "FULL"),
}


def left_of_ours(directory: Path) -> Kept:
    """What the next listener reads. Raises Damaged."""
    found = read(str(directory))
    if found.damage:
        sure = {key: record for key, record in found.records.items() if key not in found.doubted}
        raise Damaged(found.damage, sure)
    return found.records


def left_of_sqlite(directory: Path) -> Kept:
    """What the next listener reads. Raises Damaged, with the rows up to the first error."""
    kept: Kept = {}
    try:
        with closing(sqlite3.connect(directory / "db", isolation_level=None)) as database:
            for key, record in database.execute("SELECT key, record FROM kept"):
                kept[key] = json.loads(record)
    except (sqlite3.Error, ValueError, TypeError) as error:
        raise Damaged(f"{type(error).__name__}: {error}", kept) from error
    return kept


LEFT: dict[str, Callable[[Path], Kept]] = {"journal": left_of_ours, "sqlite WAL FULL": left_of_sqlite}
"""of two contenders: how they are kept, and how what is left is read"""
