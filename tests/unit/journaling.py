"""What the tests of the journal's writer share: one that is opened and closed, and disks that fail."""

from __future__ import annotations

import contextlib
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor_reload.core.facts import JournalFailed, JournalMended
from supervisor_reload.core.model import Record
from supervisor_reload.edges.journal import Found, Journal, read
from supervisor_reload.edges.journal.syncing import Syncing


class Writer:
    """A journal in a directory, and the facts that it put."""

    def __init__(self, directory: Path, syncing: Syncing | None = None, *, life: str = "life") -> None:
        self.directory = directory
        self.facts: list[object] = []
        self.journal = Journal(
            str(directory), self.facts.append, boot="boot", supervisor=life, syncing=syncing or Syncing(0.01)
        )

    def __enter__(self) -> Writer:
        self.found = self.journal.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.journal.close()

    def write(self, **records: Record | None) -> None:
        """One turn."""
        self.journal.write(records)

    def read(self) -> Found:
        """What the next one would find, if this one died now."""
        return read(str(self.directory))

    @property
    def path(self) -> Path:
        return self.directory / "journal"

    @property
    def names(self) -> set[str]:
        return {path.name for path in self.directory.iterdir()}

    @property
    def kinds(self) -> list[type]:
        return [type(fact) for fact in self.facts]

    @property
    def reason(self) -> str:
        """Of the first failure."""
        return next(fact.reason for fact in self.facts if isinstance(fact, JournalFailed))


FAILED, MENDED = JournalFailed, JournalMended


@contextlib.contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """The kernel refuses what goes beyond so many bytes of a file (setrlimit(2)); a part is written first."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def small_disk(directory: Path, size: str) -> Iterator[Path]:
    """A file system of this size; the test is skipped where we may not mount one."""
    directory.mkdir()
    command = ("mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(directory))
    try:
        mounted = subprocess.run(command, check=False, capture_output=True, text=True, timeout=10)
    except OSError as error:
        pytest.skip(f"mount: {error}")
    if mounted.returncode:
        pytest.skip(f"mount: {mounted.stderr.strip()}")
    try:
        yield directory
    finally:
        subprocess.run(("umount", str(directory)), check=True, timeout=10)


def fill(directory: Path) -> Path:
    """Somebody else takes all the room that there is."""
    path = directory / "filling"
    with contextlib.suppress(OSError), path.open("ab", buffering=0) as file:
        while True:
            file.write(b"x" * 1024)
    return path
