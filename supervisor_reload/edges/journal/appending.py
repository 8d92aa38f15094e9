"""One open file of whole lines: whatever a disk does to a write, what follows begins a line of its own.

It knows no records, and never decides what to do about a failure.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


class Appending:
    """A new file at ``path`` with this content; OSError where that can't be, and then there is none."""

    def __init__(self, path: str, content: bytes) -> None:
        Path(path).unlink(missing_ok=True)  # what a killed one left
        self._path = path
        self._descriptor = os.open(path, _FLAGS, 0o600)
        self._is_torn = False
        self.size = len(content)
        """bytes up to the end of the last whole line"""
        try:
            _write(self._descriptor, content)
            found = os.fstat(self._descriptor)
        except OSError:
            self.discard()
            raise
        self._identity = (found.st_dev, found.st_ino)

    def append(self, line: bytes) -> None:
        """One write(2) of a whole line; after an OSError nothing of it counts."""
        if not self._mend():
            line = b"\n" + line  # ends what is torn: a reader skips that as a bad line
        try:
            _write(self._descriptor, line)
        except OSError:
            self._is_torn = True
            self._mend()
            raise
        if self._is_torn:
            self._is_torn = False
            self.size = os.fstat(self._descriptor).st_size
        else:
            self.size += len(line)

    def _mend(self) -> bool:
        """Take away a part of a line that a failed write left; whether there is none now."""
        if self._is_torn:
            try:
                os.ftruncate(self._descriptor, self.size)
            except OSError:
                return False
            self._is_torn = False
        return True

    def is_intact(self) -> bool:
        """Whether this file is what is found at its path, and nobody cut it."""
        try:
            found = os.stat(self._path, follow_symlinks=False)  # noqa: PTH116 - before each write: hot
        except OSError:
            return False
        at_least = found.st_size >= self.size if self._is_torn else found.st_size == self.size
        return at_least and (found.st_dev, found.st_ino) == self._identity

    def rename(self, path: str) -> None:
        """Take the place of whatever file is there, at once: at any moment there is the one or the other."""
        Path(self._path).replace(path)
        self._path = path

    def close(self) -> None:
        """Write no more."""
        with contextlib.suppress(OSError):  # NFS may tell of an old failure here; it was asked for by syncs
            os.close(self._descriptor)

    def discard(self) -> None:
        """Close it, and remove it."""
        self.close()
        with contextlib.suppress(OSError):
            Path(self._path).unlink()


def _write(descriptor: int, content: bytes) -> None:
    """All of it: a disk that is nearly full takes a part first, and refuses then."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
