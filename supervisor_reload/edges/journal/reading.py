"""What a journal's file holds, whatever became of it: cut, damaged, of another program, or no file at all.

It only reads, in bounded time and space, needs no lock, and never raises: what it can't use is told as
damage.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field

from ...core.model import Record
from .header import Header, NewerVersion, header
from .line import records, unsealed
from .place import JOURNAL, within

MOST = 16 * 1024 * 1024
"""bytes that a journal may have; what is beyond is not read"""

PATIENCE = 1_000
"""bad lines after which the rest is not read"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a journal held."""

    records: dict[str, Record] = field(default_factory=dict)
    """the newest of each key"""
    header: Header | None = None
    """None: there is no file, or it has no header that we can use"""
    damage: str = ""
    """'' or what is wrong with the file, as a sentence; that it ends within a line is no damage"""
    doubted: frozenset[str] = frozenset()
    """keys whose newest good record is older than the first damage: a newer one may have been lost"""
    newer: int = 0
    """the version of the file, where that is a later program's; 0 where it is not"""


def read(directory: str) -> Found:
    """The journal of a ``state_dir``."""
    path = within(directory, JOURNAL)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return Found()
    except OSError as error:
        why = "it is a symbolic link" if os.path.islink(path) else error.strerror  # noqa: PTH114 - as it is
        return Found(damage=f"{path} can't be read: {why}")
    try:
        return _read(path, descriptor)
    except OSError as error:
        return Found(damage=f"{path} can't be read: {error.strerror}")
    finally:
        os.close(descriptor)


def _read(path: str, descriptor: int) -> Found:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return Found(damage=f"{path} is no file")
    return read_content(path, _content(descriptor))


def read_content(path: str, content: bytes) -> Found:
    """What the content of a journal holds; ``path`` is for messages."""
    if not content:
        return Found(damage=f"{path} is empty")
    reading = _Reading()
    reading.take(content[:MOST])
    if len(content) > MOST:
        reading.cut_off(f"what follows {MOST // 1024 // 1024} MiB is not read")
    return reading.found(path)


def _content(descriptor: int) -> bytes:
    """All that a file holds, and at most one byte more than we look at."""
    parts: list[bytes] = []
    left = MOST + 1
    while left and (part := os.read(descriptor, left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _lines(content: bytes) -> Iterator[tuple[bytes, bool]]:
    """Each line without its newline, and whether it had one."""
    start = 0
    while start < len(content):
        end = content.find(b"\n", start)
        if end < 0:
            yield content[start:], False
            return
        yield content[start:end], True
        start = end + 1


class _Reading:
    """A file, line by line."""

    def __init__(self) -> None:
        self._header: Header | None = None
        self._newer = 0
        self._records: dict[str, Record] = {}
        self._doubted: frozenset[str] | None = None
        self._bad = 0
        self._first = ""

    def take(self, content: bytes) -> None:
        """Read on; stops where it makes no sense to."""
        for number, (line, is_whole) in enumerate(_lines(content), 1):
            if is_whole:
                self._take_line(number, line)
            else:
                self._take_end(number, line)
            if self._newer:
                return
            if self._bad >= PATIENCE:
                self.cut_off("the rest is not read")
                return
        if self._header and content.count(b"\n") <= self._header.held:
            self.cut_off("it is shorter than it was when it was made")

    def _take_line(self, number: int, line: bytes) -> None:
        try:
            values = unsealed(line)
            if number == 1:
                self._header = header(values)
                return
            kept = records(values)
        except NewerVersion as newer:
            self._newer = newer.version
            self._damaged(str(newer))
        except ValueError as error:
            self._damaged(f"line {number} is bad: {error}")
        else:
            self._keep(kept)

    def _take_end(self, number: int, line: bytes) -> None:
        """What no newline follows: a line that was being written when its writer was killed; it never was.

        But where it is a whole line and one byte, the newline itself was damaged.
        """
        try:
            unsealed(line[:-1])
        except ValueError:
            if number == 1:  # ours comes to its name with a header
                self._damaged("it has no whole line")
            return
        self._take_line(number, line[:-1])
        self._damaged(f"line {number} has no end")

    def _keep(self, kept: dict[str, Record | None]) -> None:
        for key, record in kept.items():
            if record is None:
                self._records.pop(key, None)
            else:
                self._records[key] = record
        if self._doubted is not None:
            self._doubted -= kept.keys()

    def _damaged(self, why: str) -> None:
        """From here on, what we know may be older than what was written; a later line may put it right."""
        self._doubted = frozenset(self._records)
        self._bad += 1
        self._first = self._first or why

    def cut_off(self, why: str) -> None:
        """Nothing that follows is known."""
        self._damaged(why)
        if self._first != why:
            self._first += f"; {why}"

    def found(self, path: str) -> Found:
        """All in all."""
        if self._newer:
            return Found(damage=f"{path} can't be used: {self._first}", newer=self._newer)
        more = f" (and {self._bad - 1:,} more are)" if self._bad > 1 else ""
        return Found(
            records=self._records,
            header=self._header,
            damage=f"{path} is damaged: {self._first}{more}" if self._bad else "",
            doubted=self._doubted or frozenset(),
        )
