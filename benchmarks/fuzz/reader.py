"""What is fuzzed: a reader, one input at a time; and what counts as a finding.

It exists so that every engine drives every reader alike. It never changes an input, and knows no reader.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import threading
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Protocol

LIMIT = 20.0
"""Seconds for one input; the slowest honest one, a configuration of 10,000 processes, takes two or three."""

ROOM = 600 * 1024 * 1024
"""Bytes of address space that reading may add; no input is longer than 100 kB."""

LONGEST = 100_000
"""Bytes of one input."""


class Reader(Protocol):
    """One reader, and what is known of its language."""

    @property
    def name(self) -> str:
        """As it is called on the command line."""

    @property
    def seeds(self) -> Sequence[bytes]:
        """Good inputs to begin with."""

    @property
    def tokens(self) -> Sequence[bytes]:
        """What the language is made of, and values at its edges."""

    def fresh(self, chance: Random) -> bytes:
        """A new input, made from the language."""

    def read(self, data: bytes) -> None:
        """Read one input; whatever comes out is a finding, for what may come out is caught here."""

    def close(self) -> None:
        """Give back what was opened."""


class TookTooLong(BaseException):
    """An input took longer than LIMIT. Not an Exception: no reader may swallow it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that may not come out of a reader, with the first input that brought it out."""

    reader: str
    what: str
    """the last frames and the exception, in one line"""
    trace: str
    data: bytes

    def save(self, directory: Path) -> Path:
        """Write the input and the trace below ``directory``; the input's path."""
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{self.reader}-{abs(hash(self.what)) % 10**8:08d}"
        path.write_bytes(self.data)
        path.with_suffix(".txt").write_text(f"{self.what}\n\n{self.trace}")
        return path


def tried(reader: Reader, data: bytes) -> Finding | None:
    """Read one input within LIMIT; what came out that may not."""
    try:
        with within(LIMIT):
            reader.read(data)
    except (Exception, TookTooLong) as error:  # noqa: BLE001 - whatever it is, it is what we look for
        return Finding(reader.name, _place(error), "".join(traceback.format_exception(error)), data)
    return None


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[1:]
    own = [frame for frame in frames if "supervisor_reload" in frame.filename] or frames
    where = own[-1] if own else None
    place = f"{Path(where.filename).name}:{where.name}:{where.lineno}" if where else "?"
    said = f": {str(error)[:100]}" if isinstance(error, AssertionError) else ""
    return f"{type(error).__name__} at {place}{said}"


@contextlib.contextmanager
def within(limit: float) -> Iterator[None]:
    """TookTooLong where the body takes longer; in seconds. Only the main thread can be interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        raise TookTooLong(f"longer than {limit:g} s")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def bounded_memory() -> Iterator[None]:
    """MemoryError where the body makes this process ROOM bytes larger than it is now."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (size + ROOM, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
