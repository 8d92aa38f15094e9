"""What is known of the directories of one tree: for each a table of its names, with a record for each file.

One directory at a time is compared with its table and the table is right again after it, so a scan may stop
between two directories, and other looks may come in between. This module reads what it is told to read; it
never goes down by itself, never follows a link, and forgets nothing because a disk fails for a moment.
"""

# Names are exact strings here (any bytes), which Path would normalise; and this runs per file.

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet

from ...core.filters import GITIGNORE, Filter
from .links import Links
from .reach import Reach
from .reading import Content, read, read_found
from .record import RECORD_SIZE, digest, is_current
from .rules import Rules

log = logging.getLogger(__name__)

Note = Callable[[str, bytes | None, bytes | None], None]
"""Takes each difference as it is found: the name in the tree, the record before and after (None: no file)."""

Below = list[tuple[str, bool]]
"""Directories to be scanned next, each with whether the filter may judge there otherwise than it did."""

_DIRECTORY = b"/"
_UNWATCHED = b""
"""In a table in place of a record: a watched directory, and a file that the filter does not let in."""

_UNWATCHED_LIMIT = 10_000
"""names in one directory; in a larger one the filter is asked about every unwatched file again"""

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NONBLOCK | os.O_CLOEXEC
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
_FORBIDDEN = (errno.EACCES, errno.EPERM)


class Directories:
    """The tables of one tree; names are relative to its root, which is the empty name.

    Args:
        root: the absolute path of the root. Where that is a file, its own name is empty, too.
        chosen: tells what is watched, and is told of every ``.gitignore``.
        reach: tells which links are followed.
        note: is told every difference.
        check_interrupt: asked before a file is read; raises where a long scan shall end.
    """

    def __init__(
        self, root: str, chosen: Filter, reach: Reach, note: Note, check_interrupt: Callable[[], None]
    ) -> None:
        self._root = root
        self._prefix = root.rstrip("/") + "/"
        self._filter = chosen
        self._reach = reach
        self._note = note
        self._check_interrupt = check_interrupt
        self._tables: dict[str, dict[str, bytes]] = {"": {}}
        self._rules = Rules(chosen, reach)
        self.links = Links(self.absolute, chosen, reach)
        self._names: dict[str, str] = {}
        """names that are new in this look: one that many files have is held only once"""
        self._unreadable: set[str] = set()

    @property
    def tables(self) -> Mapping[str, Mapping[str, bytes]]:
        """By directory, by name in it: the record of a file; what is shorter is none."""
        return self._tables

    def absolute(self, relative: str) -> str:
        """The path of a name in this tree, spelt as it was configured."""
        return self._prefix + relative if relative else self._root

    def relative(self, path: str) -> str | None:
        """The name of a path in this tree; None where it is not in it."""
        if path == self._root:
            return ""
        return path[len(self._prefix) :] if path.startswith(self._prefix) else None

    def is_file(self) -> bool:
        """Whether the root was a file."""
        return bool(_record(self._tables[""].get("")))

    def has_files(self) -> bool:
        """Whether any file is known."""
        return any(_record(value) for table in self._tables.values() for value in table.values())

    def first_unknown(self, relative: str) -> str:
        """The topmost directory above this name that has no table; the name itself where all have one."""
        position = relative.find("/")
        while position > 0:
            if relative[:position] not in self._tables:
                return relative[:position]
            position = relative.find("/", position + 1)
        return relative

    def enter(self, directory: str) -> None:
        """Begin a table for a directory that has none, if the one above it has one."""
        parent, _, name = directory.rpartition("/")
        if directory and parent in self._tables and directory not in self._tables:
            self._put(parent, name, None)
            self._tables[parent][name] = _DIRECTORY
            self._tables[directory] = {}

    def drop(self, directory: str) -> None:
        """Forget a directory and all below it; every file of it is noted as gone."""
        waiting = [directory]
        while waiting:
            directory = waiting.pop()
            self._rules.forget(directory)
            self.links.forget(directory)
            for name, value in self._tables.pop(directory, {}).items():
                if value == _DIRECTORY:
                    waiting.append(_join(directory, name))
                elif value != _UNWATCHED:
                    self._note(_join(directory, name), value, None)
        self._tables.setdefault("", {})

    def leave(self, directory: str) -> None:
        """Forget a directory that turned out to be none."""
        parent, _, name = directory.rpartition("/")
        if parent in self._tables:
            self._put(parent, name, None)

    def take(self, relative: str, *, hinted: bool) -> None:
        """Read one file, if the directory that it is in is known. What is not watched is forgotten."""
        parent, _, name = relative.rpartition("/")
        table = self._tables.get(parent)
        if table is None:
            return
        self.links.note(parent, name)
        if relative == "" or self._filter.file_is_watched(relative):
            content = read(self.absolute(relative), _record(table.get(name)), self._reach, hinted=hinted)
            self._settle(parent, name, content)
        else:
            self._put(parent, name, None)

    def take_root(self, *, hinted: bool) -> None:
        """Read the root, which is a file; what was in it, if it was a directory, is gone."""
        for name in [name for name in self._tables[""] if name]:
            self._put("", name, None)
        self.take("", hinted=hinted)

    def end_look(self) -> None:
        """What a look needed for itself can go."""
        self._names.clear()

    def scan(self, directory: str, hinted: AbstractSet[str], *, is_anew: bool) -> Below | None:
        """Compare one directory with its table; the watched directories in it. None: it is no directory.

        Args:
            directory: which one; nothing happens where it has no table (any more).
            hinted: files to be read although they look the same.
            is_anew: the filter may judge otherwise than it did.
        """
        if directory not in self._tables:
            return []
        try:
            # A link that took its place must not be followed; the root may be one.
            descriptor = os.open(self.absolute(directory), _OPEN | (os.O_NOFOLLOW if directory else 0))
            try:
                with os.scandir(descriptor) as found:
                    entries = {entry.name: entry for entry in found}
                below = self._compare(directory, entries, hinted, is_anew=is_anew)
            finally:
                os.close(descriptor)
        except OSError as error:
            return self._fail(directory, error)
        self._unreadable.discard(directory)
        return below

    def _compare(
        self,
        directory: str,
        entries: dict[str, os.DirEntry[str]],
        hinted: AbstractSet[str],
        *,
        is_anew: bool,
    ) -> Below:
        path = self.absolute(_join(directory, GITIGNORE))
        is_anew |= self._rules.are_news(directory, path, is_there=GITIGNORE in entries)
        links = self.links.compare(directory, entries)
        table = self._tables[directory]
        below = []
        for name, entry in entries.items():
            known = None if is_anew or name in links else table.get(name)
            is_hinted = bool(hinted) and _join(directory, name) in hinted
            if known is not None and not is_hinted and _is_as_known(entry, known):
                continue
            relative = _join(directory, name)
            if not entry.is_dir(follow_symlinks=False):
                self._meet_file(directory, entry, known, hinted=is_hinted)
            elif self._filter.directory_is_watched(relative):
                self.enter(relative)
                below.append((relative, is_anew))
            else:
                self._put(directory, name, None)
        for name in [name for name in table if name not in entries]:
            self._put(directory, name, None)
        return below

    def _meet_file(
        self, directory: str, entry: os.DirEntry[str], known: bytes | None, *, hinted: bool
    ) -> None:
        """A file that is new, changed or hinted, or one whose answer of the filter is not ``known``."""
        relative = _join(directory, entry.name)
        table = self._tables[directory]
        record = _record(table.get(entry.name))
        if _record(known) is None and not self._filter.file_is_watched(relative):
            self._put(directory, entry.name, None)
            if len(table) < _UNWATCHED_LIMIT:
                table[self._names.setdefault(entry.name, entry.name)] = _UNWATCHED
            return
        self._check_interrupt()
        path, found = self.absolute(relative), _stat(entry)
        if found is None:
            content = read(path, record, self._reach, hinted=hinted)
        else:
            content = read_found(path, found, record, self._reach, hinted=hinted)
        self._settle(directory, entry.name, content)

    def _settle(self, directory: str, name: str, content: Content | None) -> None:
        self._put(directory, name, None if content is None else content.record)
        relative = _join(directory, name)
        if content is None or content.is_readable:
            self._unreadable.discard(relative)
        elif relative not in self._unreadable:
            self._unreadable.add(relative)
            log.warning(
                "a watched file can't be read, so it counts by its size and time: %r", self.absolute(relative)
            )

    def _put(self, directory: str, name: str, after: bytes | None) -> None:
        table = self._tables[directory]
        known = table.get(name)
        if known == _DIRECTORY:
            self.drop(_join(directory, name))
        if after is None:
            table.pop(name, None)
        else:
            table[self._names.setdefault(name, name)] = after
        before = _record(known)
        if before is after or (before and after and digest(before) == digest(after)):
            return
        self._note(_join(directory, name), before, after)

    def _fail(self, directory: str, error: OSError) -> Below | None:
        """What to believe of a directory that could not be read."""
        if error.errno in _GONE:
            return None
        is_forbidden = error.errno in _FORBIDDEN
        if directory not in self._unreadable:
            self._unreadable.add(directory)
            log.warning(
                "a watched directory can't be read (%s), so %s: %r",
                error.strerror,
                "nothing in it counts" if is_forbidden else "what is known of it stays",
                self.absolute(directory),
            )
        if is_forbidden:
            self.links.forget(directory)
            for name in list(self._tables[directory]):
                self._put(directory, name, None)
        return []


def _is_as_known(entry: os.DirEntry[str], known: bytes) -> bool:
    """Whether nothing has to be done for this name. A directory always has to be gone into."""
    if len(known) == RECORD_SIZE:
        found = _stat(entry)
        return found is not None and is_current(known, found)
    return known == _UNWATCHED and not entry.is_dir(follow_symlinks=False)


def _stat(entry: os.DirEntry[str]) -> os.stat_result | None:
    """What the directory tells of it; None where that can't be had, whose reason ``read`` finds."""
    try:
        return entry.stat(follow_symlinks=False)
    except OSError:
        return None


def _record(known: bytes | None) -> bytes | None:
    return known if known is not None and len(known) == RECORD_SIZE else None


def _join(directory: str, name: str) -> str:
    return f"{directory}/{name}" if directory else name
