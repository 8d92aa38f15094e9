"""The table of one watched path: every watched file below it with its content, kept up to date by looks.

Reads only what it is told to look at. Never follows a link to a directory, so it can't go round in circles,
and never answers for a tree that it could not read.
"""

# Names are exact strings here (any bytes), which Path would normalise; and this runs per file.
# ruff: noqa: PTH110, PTH112, PTH114, PTH116

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ...core.filters import GITIGNORE, Filter
from .reading import Content, read, read_text

log = logging.getLogger(__name__)


Interrupt = Callable[[], bool]
"""Asked again and again in a long scan: whether to give it up."""


class RootUnreadableError(OSError):
    """The watched path itself can't be read; carries a sentence."""


class InterruptedScanError(Exception):
    """The scan was told to end early; its result is worth nothing."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One file whose content is not what it was at the look before; None is "no such file"."""

    relative: str
    before: Content | None
    after: Content | None


class Tree:
    """One watched path of a target: a directory, or a single file, which counts whatever the filter says."""

    def __init__(self, path: str, chosen: Filter, is_interrupted: Interrupt) -> None:
        self.path = path
        self._filter = chosen
        self._is_interrupted = is_interrupted
        self._files: dict[str, Content] = {}
        self._was_scanned = False
        self._is_missing = False
        self._unreadable: set[str] = set()

    def full_look(self) -> list[Difference]:
        """Look at everything.

        Raises:
            RootUnreadableError: the path can't be read, or was there and is gone.
            InterruptedScanError: told to end.
        """
        return self._look({""}, set())

    def look(self, hints: Iterable[str]) -> list[Difference]:
        """Look at these absolute paths (everything below those that are directories); raises as full_look."""
        if not self._was_scanned or self._is_missing or not os.path.exists(self.path):
            return self.full_look()
        directories: set[str] = set()
        files: set[str] = set()
        for hint in hints:
            relative = self._relative(hint)
            if relative is not None:
                self._sort_hint(relative, directories, files)
        return self._look(directories, files) if directories or files else []

    def absolute(self, relative: str) -> str:
        """The path of a file of this tree, spelt as it was configured."""
        return self.path if relative == "" else f"{self.path.rstrip('/')}/{relative}"

    def _relative(self, path: str) -> str | None:
        if path == self.path:
            return ""
        prefix = self.path.rstrip("/") + "/"
        return path[len(prefix) :] if path.startswith(prefix) else None

    def _sort_hint(self, relative: str, directories: set[str], files: set[str]) -> None:
        """What was no file may have been a directory: then all that was below it is looked at too."""
        if self._filter.reads(relative):
            directories.add(relative.rpartition("/")[0])
            return
        files.add(relative)
        if relative == "" or relative not in self._files or self._is_directory(relative):
            directories.add(relative)

    def _is_directory(self, relative: str) -> bool:
        try:
            return stat.S_ISDIR(os.lstat(self.absolute(relative)).st_mode)
        except OSError:
            return False

    def _look(self, directories: set[str], files: set[str]) -> list[Difference]:
        looked_at = {relative for relative in files if relative in self._files}
        if "" in directories:
            looked_at = set(self._files)
        elif directories:
            looked_at |= {relative for relative in self._files if _is_below(relative, directories)}
        found: dict[str, Content] = {}
        for relative in self._names(directories):
            self._take(relative, found, hinted=relative in files)
        links: dict[str, bool] = {}
        for relative in files - {""}:
            if relative in found or not self._filter.file_is_watched(relative):
                continue
            if not self._passes_link(relative.rpartition("/")[0], links):
                self._take(relative, found, hinted=True)
        self._was_scanned = True
        return self._replace(looked_at, found)

    def _take(self, relative: str, found: dict[str, Content], *, hinted: bool) -> None:
        if self._is_interrupted():
            raise InterruptedScanError
        content = read(self.absolute(relative), self._files.get(relative), hinted=hinted)
        if content is None:
            return
        found[relative] = content
        if content.readable:
            self._unreadable.discard(relative)
        elif relative not in self._unreadable:
            self._unreadable.add(relative)
            log.warning(
                "a watched file can't be read, so it counts by its size and time: %r", self.absolute(relative)
            )

    def _replace(self, looked_at: set[str], found: dict[str, Content]) -> list[Difference]:
        differences = []
        for relative in looked_at - found.keys():
            differences.append(Difference(relative, self._files.pop(relative), None))
        for relative, content in found.items():
            before = self._files.get(relative)
            self._files[relative] = content
            if before is None or before.digest != content.digest:
                differences.append(Difference(relative, before, content))
        return differences

    def _names(self, directories: set[str]) -> Iterator[str]:
        """The watched files below these directories."""
        if "" in directories:
            yield from self._names_of_root()
            return
        links: dict[str, bool] = {}
        for directory in directories:
            if _is_below(directory, directories) or not self._filter.directory_is_watched(directory):
                continue
            if not self._passes_link(directory, links):
                yield from self._walk(directory)

    def _passes_link(self, relative: str, known: dict[str, bool]) -> bool:
        """Whether this name, or one above it in the tree, is a link: a full look would not come here either.

        The answers of one look are ``known``; the next look asks anew.
        """
        if relative == "":
            return False
        if relative not in known:
            known[relative] = self._passes_link(relative.rpartition("/")[0], known) or os.path.islink(
                self.absolute(relative)
            )
        return known[relative]

    def _names_of_root(self) -> Iterator[str]:
        """As _names, for all of the tree; a root must be readable, or nothing of it is believed."""
        try:
            if not os.path.isdir(self.path):
                os.stat(self.path)
                self._is_missing = False
                yield ""
                return
            os.scandir(self.path).close()
        except FileNotFoundError:
            self._miss()
            return
        except OSError as error:
            raise RootUnreadableError(f"{self.path!r} can't be read: {error.strerror}") from error
        if self._is_missing:
            log.info("the watched path is back: %r", self.path)
        self._is_missing = False
        yield from self._walk("")

    def _miss(self) -> None:
        """A tree that was never there is empty. One that is gone is about to be replaced: no code to run."""
        was_missing = self._is_missing
        self._is_missing = True
        if self._files:
            raise RootUnreadableError(f"{self.path!r} is gone; waiting for it to come back")
        if not was_missing:
            log.warning("the watched path does not exist (yet): %r", self.path)

    def _walk(self, top: str) -> Iterator[str]:
        waiting = [top]
        while waiting:
            directory = waiting.pop()
            prefix = f"{directory}/" if directory else ""
            entries = self._entries(directory)
            self._read_gitignore(directory, entries)
            for name, is_directory in entries:
                relative = prefix + name
                if is_directory:
                    if self._filter.directory_is_watched(relative):
                        waiting.append(relative)
                elif self._filter.file_is_watched(relative):
                    yield relative

    def _entries(self, directory: str) -> list[tuple[str, bool]]:
        if self._is_interrupted():
            raise InterruptedScanError
        try:
            with os.scandir(self.absolute(directory)) as entries:
                return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            if directory not in self._unreadable:
                self._unreadable.add(directory)
                log.warning(
                    "a watched directory can't be read (%s), so nothing in it counts: %r",
                    error.strerror,
                    self.absolute(directory),
                )
            return []

    def _read_gitignore(self, directory: str, entries: list[tuple[str, bool]]) -> None:
        text = None
        if (GITIGNORE, False) in entries:
            text = read_text(self.absolute(f"{directory}/{GITIGNORE}" if directory else GITIGNORE))
        self._filter.set_gitignore(directory, text)


def _is_below(relative: str, directories: set[str]) -> bool:
    """Whether one of the directories is above this name (a name is not above itself)."""
    position = relative.rfind("/")
    while position > 0:
        if relative[:position] in directories:
            return True
        position = relative.rfind("/", 0, position)
    return "" in directories and relative != ""
