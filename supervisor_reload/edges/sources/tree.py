"""The looks at one watched path: at everything, or at what file events hint at.

Never enters a link to a directory, so it can't go round in circles, and never answers for a tree that it
could not read. What it finds is in the tables of ``directories``; it keeps no files itself.
"""

# Names are exact strings here (any bytes), which Path would normalise; and this runs per file.
# ruff: noqa: PTH110, PTH114, PTH116

from __future__ import annotations

import logging
import os
import stat
import time
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet

from ...core.filters import Filter
from .directories import Directories, Note
from .reach import Reach

log = logging.getLogger(__name__)

_NONE: frozenset[str] = frozenset()

_ATTEMPTS = 3
"""times that a tree is scanned which is replaced during each scan"""


FILE_GONE = 10.0
"""seconds after which a single watched file that is gone was removed, and is not about to be replaced"""


class RootUnreadableError(OSError):
    """The watched path itself can't be read; carries a sentence."""


class InterruptedScanError(Exception):
    """The scan was told to end early; its result is worth nothing."""


class Tree:
    """One watched path of a target: a directory, or a single file, which counts whatever the filter says.

    Args:
        path: absolute, as configured.
        chosen: tells what is watched.
        reach: tells what links may lead to.
        note: is told every difference.
        pause: called between two directories of a scan; may look at this very tree meanwhile (but may not
            scan all of it), and raises InterruptedScanError to end the scan.
        check_interrupt: called before each file that is read; raises InterruptedScanError to end the scan.
    """

    def __init__(
        self,
        path: str,
        chosen: Filter,
        reach: Reach,
        note: Note,
        pause: Callable[[], None],
        check_interrupt: Callable[[], None],
    ) -> None:
        self.path = path
        self._filter = chosen
        self._pause = pause
        self._directories = Directories(path, chosen, reach, note, check_interrupt)
        self._reach = reach
        self.absolute = self._directories.absolute
        self.relative = self._directories.relative
        self.tables = self._directories.tables
        self.links = self._directories.links
        self._was_scanned = False
        self._is_missing = False
        self._missing_since = 0.0

    def full_look(self, hinted: AbstractSet[str] = _NONE) -> None:
        """Look at everything; files that are ``hinted`` are read although they look the same.

        Raises:
            RootUnreadableError: the path can't be read, or was there and is gone.
            InterruptedScanError: told to end.
        """
        try:
            is_directory = stat.S_ISDIR(os.stat(self.path).st_mode)
            if is_directory:
                os.scandir(self.path).close()
        except FileNotFoundError:
            self._miss()
            return
        except OSError as error:
            raise RootUnreadableError(f"{self.path!r} can't be read: {error.strerror}") from error
        if self._is_missing:
            log.info("the watched path is back: %r", self.path)
        self._is_missing = False
        if is_directory:
            self._walk_root(hinted)
        else:
            self._directories.take_root(hinted="" in hinted)
        self._directories.end_look()
        self._was_scanned = True

    def look(self, hints: Iterable[str]) -> None:
        """Look at these absolute paths (everything below those that are directories); raises as full_look."""
        directories: set[str] = set()
        files: set[str] = set()
        for hint in hints:
            relative = self.relative(hint)
            if relative == "":
                files.add("")
            if relative is not None:
                self._sort_hint(relative, directories, files)
        is_known = self._was_scanned and not self._is_missing and os.path.exists(self.path)
        if not is_known or "" in directories:
            self.full_look(files)
            return
        links: dict[str, bool] = {}
        for directory in sorted(directories):
            if not _is_below(directory, directories) and not self._passes_link(directory, links):
                self._directories.enter(directory)
                self._walk(directory, files)
        for relative in sorted(files):  # a directory that is gone before what was in it
            if not _is_below(relative, directories) and not self._passes_link(_parent(relative), links):
                self._directories.take(relative, hinted=True)
        self._directories.end_look()

    def _sort_hint(self, relative: str, directories: set[str], files: set[str]) -> None:
        """Where a directory above the name is not known, all of that directory is news."""
        if self._filter.reads(relative):
            relative = _parent(relative)
        relative = self._directories.first_unknown(relative)
        if relative == "" or self._is_watched_directory(relative):
            directories.add(relative)
        else:
            files.add(relative)

    def _is_watched_directory(self, relative: str) -> bool:
        try:
            is_directory = stat.S_ISDIR(os.lstat(self.absolute(relative)).st_mode)
        except OSError:
            return False
        return is_directory and self._filter.directory_is_watched(relative)

    def _passes_link(self, relative: str, known: dict[str, bool]) -> bool:
        """Whether this name, or one above it in the tree, is a link: a full look would not come here either.

        The answers of one look are ``known``; the next look asks anew.
        """
        if relative == "":
            return False
        if relative not in known:
            known[relative] = self._passes_link(_parent(relative), known) or os.path.islink(
                self.absolute(relative)
            )
        return known[relative]

    def _walk_root(self, hinted: AbstractSet[str]) -> None:
        """Scan all; again where another tree took this one's place meanwhile, so that no mixture is told."""
        for _ in range(_ATTEMPTS):
            before = _identity(self.path)
            self._reach.refresh()
            self._walk("", hinted)
            if before is not None and _identity(self.path) == before:
                return

    def _walk(self, top: str, hinted: AbstractSet[str]) -> None:
        """Scan a directory and all below it."""
        waiting = [(top, False)]
        while waiting:
            self._pause()
            directory, is_anew = waiting.pop()
            below = self._directories.scan(directory, hinted, is_anew=is_anew)
            if below is not None:
                waiting += below
                continue
            if directory == "" or not os.path.exists(self.path):
                raise self._gone()
            self._directories.leave(directory)

    def _miss(self) -> None:
        """A tree that was never there is empty. One that is gone is about to be replaced: no code to run."""
        was_missing = self._is_missing
        self._is_missing = True
        if not was_missing:
            self._missing_since = time.monotonic()
        if self._directories.is_file() and time.monotonic() - self._missing_since > FILE_GONE:
            log.warning("the watched file was removed: %r", self.path)
            self._directories.take_root(hinted=False)
            return
        if self._directories.has_files():
            raise self._gone()
        if not was_missing:
            log.warning("the watched path does not exist (yet): %r", self.path)

    def forget(self) -> None:
        """It is not watched any more: every file of it is noted as gone."""
        self._directories.drop("")

    def check_gone(self, *, was_file: bool) -> None:
        """Of a tree that had files before our life; raises RootUnreadableError where it may come back."""
        was_removed = was_file and time.monotonic() - self._missing_since > FILE_GONE
        if self._is_missing and not was_removed:
            raise self._gone()

    def _gone(self) -> RootUnreadableError:
        return RootUnreadableError(f"{self.path!r} is gone; waiting for it to come back")


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _parent(relative: str) -> str:
    return relative.rpartition("/")[0]


def _is_below(relative: str, directories: AbstractSet[str]) -> bool:
    """Whether one of the directories is above this name (a name is not above itself)."""
    position = relative.rfind("/")
    while position > 0:
        if relative[:position] in directories:
            return True
        position = relative.rfind("/", 0, position)
    return "" in directories and relative != ""
