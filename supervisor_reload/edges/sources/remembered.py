"""What the files of a target were at the readings of which the journal may speak, kept beyond our own end.

The journal names a reading by its mark, and says nothing of 100,000 files: a listener that comes back could
see that the content is another one, but not of which files. So beside the journal there is a file for each
target: all files once, then for each reading that found something what it found, each under its mark. It is
appended to before the reading is told, so that what the journal names is here; that there may be more is no
harm, as the journal's mark is looked for, and not the newest. This never waits for a disk's sync: what is
missing or torn after the death of the machine is not here, and then every file counts as changed. And it ends
nothing that it can't be written.
"""

# Names are exact strings here (any bytes), which Path would normalise.
# ruff: noqa: PTH103, PTH104, PTH108, PTH116, PTH118

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256

from .sections import GONE, BrokenError, Group, groups, head, packed, sections

log = logging.getLogger(__name__)

RETRY = 30.0
"""seconds after which a file that could not be written is tried again, at the next reading"""

SLACK = 64 * 1024
"""Bytes of readings after which, once they are more than the files themselves, all is written anew when
nothing happens; eight times as much is too much at any time."""

_OURS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")

_serials = itertools.count()
"""Sources of changed settings are open beside those that will be closed: none writes another's new file."""


def file_name(target: str) -> str:
    """The name of a target's file in the directory of our state."""
    digest = sha256(target.encode("utf-8", "surrogateescape")).hexdigest()
    return f"files-{_UNSAFE.sub('_', target)[:80]}-{digest[:8]}"


class Remembered:
    """The file of one target; used by one thread. No method raises for the disk's sake.

    Args:
        directory: of our state; '' remembers nothing.
        target: its name.
        roots: the watched paths, absolute. What was remembered of others is of no use.
        check_interrupt: called while much is written; raises to end that.
    """

    def __init__(
        self, directory: str, target: str, roots: Sequence[str], check_interrupt: Callable[[], None]
    ) -> None:
        self._directory, self._target, self._roots = directory, target, roots
        self._check_interrupt = check_interrupt
        self._path = os.path.join(directory, file_name(target))
        self._new_path = f"{self._path}.{next(_serials)}.new"
        self._identity: tuple[int, int] | None = None
        """of the file that ends with the newest reading; None: there is none"""
        self._size = self._whole = 0
        """its bytes in all, and those that tell all files"""
        self._retry_at = 0.0
        self._is_failing = False

    def find(self, mark: str) -> bool:
        """Whether the reading of that name is remembered. What came after it is forgotten."""
        if not self._directory or not mark:
            return False
        self._size = self._whole = 0
        try:
            descriptor = os.open(self._path, os.O_RDWR | _OURS)
            with open(descriptor, "rb") as file:  # noqa: PTH123
                found = os.fstat(descriptor)
                for section in sections(file, self._roots):
                    self._whole = self._whole or (section.end if section.mark else 0)
                    if section.mark == mark:
                        self._size = section.end
                if not self._size:
                    return False
                os.ftruncate(descriptor, self._size)
        except FileNotFoundError:
            return False
        except OSError as error:
            self._fail(error)
            return False
        self._identity = found.st_dev, found.st_ino
        return True

    def recall(self) -> Iterator[Group]:
        """The files of the reading that was found; raises BrokenError or OSError where that fails now."""
        later: dict[tuple[int, str], dict[str, bytes]] = {}
        for group in self._read(self._whole, self._size):
            later.setdefault((group.root, group.directory), {}).update(group.files)
        for group in self._read(0, self._whole):
            files = {**group.files, **later.pop((group.root, group.directory), {})}
            yield group._replace(files=_there(files))
        for (root, directory), files in later.items():
            yield Group(root, directory, _there(files))

    def forget(self) -> None:
        """What was found turned out to be of no use: all is written anew."""
        self._identity = None

    def add(self, changes: Iterable[Group], mark: str) -> None:
        """Remember a reading by what it found since the one before; GONE stands for what is no more."""
        if self._identity is None:
            return
        data = b"".join(packed(changes, mark))
        identity, self._identity = self._identity, None
        try:
            descriptor = os.open(self._path, os.O_WRONLY | _OURS)
            try:
                if _identity(os.fstat(descriptor)) != (*identity, self._size):
                    return  # another's, of the same target: all is written anew
                is_whole = os.pwrite(descriptor, data, self._size) == len(data)
            finally:
                os.close(descriptor)
        except OSError as error:
            self._fail(error)
            return
        if is_whole:
            self._identity, self._size = identity, self._size + len(data)

    def keep(self, files: Callable[[], Iterable[Group]], mark: str, *, is_quiet: bool) -> None:
        """After a reading was told: write all files anew, if that is due. ``is_quiet``: it found nothing."""
        if self._directory and self._is_due(is_quiet=is_quiet) and time.monotonic() >= self._retry_at:
            self._identity = None
            try:
                self._write(files(), mark)
            except OSError as error:
                self._retry_at = time.monotonic() + RETRY
                self._fail(error)

    def _is_due(self, *, is_quiet: bool) -> bool:
        if self._identity is None:
            return True
        most = self._whole + SLACK
        if self._size - self._whole > (most if is_quiet else 8 * most):
            return True
        try:
            return _identity(os.stat(self._path, follow_symlinks=False)) != (*self._identity, self._size)
        except OSError:
            return True

    def _write(self, files: Iterable[Group], mark: str) -> None:
        os.makedirs(self._directory, mode=0o700, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._new_path)  # of a listener that was killed
        descriptor = os.open(self._new_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _OURS, 0o600)
        try:
            with open(descriptor, "wb") as file:  # noqa: PTH123
                file.write(head(self._roots))
                for section in packed(files, mark):
                    self._check_interrupt()
                    file.write(section)
                file.flush()
                found = os.fstat(descriptor)
            os.rename(self._new_path, self._path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(self._new_path)
            raise
        self._identity = found.st_dev, found.st_ino
        self._size = self._whole = found.st_size
        if self._is_failing:
            self._is_failing = False
            log.info("%s is written again", self._path)

    def _read(self, begin: int, end: int) -> Iterator[Group]:
        """What the sections tell that end after ``begin`` and not after ``end``."""
        with open(os.open(self._path, os.O_RDONLY | _OURS), "rb") as file:  # noqa: PTH123
            newest = 0
            for section in sections(file, self._roots):
                if begin < section.end <= end:
                    yield from groups(section.body)
                newest = section.end
                if newest >= end:
                    break
        if newest < end:
            raise BrokenError

    def _fail(self, error: OSError) -> None:
        if not self._is_failing:
            log.warning(
                "%s can't be kept (%s): a listener that comes back won't know which files of %s changed, and"
                " take all for changed",
                *(self._path, error.strerror, self._target),
            )
        self._is_failing = True


def _identity(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_dev, found.st_ino, found.st_size


def _there(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: digest for name, digest in files.items() if digest != GONE}
