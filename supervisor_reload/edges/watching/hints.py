"""What happened to which name; and what watchdog's own events say of that, the same in every version.

The emitters of this package make hints themselves; watchdog's events come where there is no inotify.

Looks at a file's metadata where the event does not say enough; never at its content, and never judges a name.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

import watchdog.events
from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
)

from ...core.facts import ChangeKind

_ATTRIB: type[FileSystemEvent] | None = getattr(watchdog.events, "FileAttribEvent", None)
"""watchdog 7 tells a change of metadata from a change of content; 6 calls both modified"""

EVENTS: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileModifiedEvent,
    FileClosedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    *([_ATTRIB] if _ATTRIB else []),
]
"""All that is asked for. Without this list the observer's own walk and every reader make events (opened,
closed without writing), and a tree of some thousand directories never works on watchdog 7.1.0."""

_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Hint:
    """One name, as the observer spells it, and what happened there."""

    path: str
    kind: ChangeKind
    is_directory: bool = False


class Translator:
    """Turns the events of one native observer into hints; used by that observer's thread alone."""

    def __init__(self) -> None:
        self._closed: dict[str, tuple[int, int]] = {}

    def hints(self, event: FileSystemEvent) -> Iterator[Hint]:
        """What the event says; nothing for one that says nothing."""
        source, destination = os.fsdecode(event.src_path), os.fsdecode(event.dest_path)
        if event.is_directory:
            yield from _hints_of_directory(event, source, destination)
        elif isinstance(event, FileMovedEvent):
            yield from (Hint(path, ChangeKind.SETTLED) for path in (source, destination) if path)
        elif isinstance(event, FileCreatedEvent):
            hint = made_file(source)
            yield from (hint,) if hint is not None else ()
        elif isinstance(event, FileModifiedEvent):
            yield Hint(source, self._kind_of_modified(source))
        else:
            self._remember(event, source)
            yield Hint(source, ChangeKind.SETTLED)

    def _kind_of_modified(self, path: str) -> ChangeKind:
        """Writing, if a close will follow: not after a mere change of metadata.

        Writing sets both times of a file to the same instant; chmod, chown and utime set one of them. When an
        editor changes the mode right after it closed the file, nothing was written since.
        """
        if _ATTRIB is not None:
            return ChangeKind.WRITING
        try:
            found = os.lstat(path)
        except OSError:
            return ChangeKind.SETTLED
        is_metadata = found.st_ctime_ns != found.st_mtime_ns
        was_closed = self._closed.get(path) == (found.st_mtime_ns, found.st_size)
        return ChangeKind.SETTLED if is_metadata or was_closed else ChangeKind.WRITING

    def _remember(self, event: FileSystemEvent, path: str) -> None:
        if _ATTRIB is not None or not isinstance(event, FileClosedEvent):
            return
        if len(self._closed) >= _REMEMBERED:
            self._closed.clear()
        try:
            found = os.lstat(path)
        except OSError:
            return
        self._closed[path] = (found.st_mtime_ns, found.st_size)


def made_file(path: str) -> Hint | None:
    """A file made with its content was moved or linked here; an empty one is about to be written."""
    try:
        found = os.lstat(path)
    except OSError:
        return Hint(path, ChangeKind.SETTLED)
    if stat.S_ISREG(found.st_mode):
        is_begun = found.st_size == 0 and found.st_nlink == 1
        return Hint(path, ChangeKind.WRITING if is_begun else ChangeKind.SETTLED)
    return Hint(path, ChangeKind.SETTLED) if stat.S_ISLNK(found.st_mode) else None


def _hints_of_directory(event: FileSystemEvent, source: str, destination: str) -> Iterator[Hint]:
    """Files may have come or gone with a directory without an event of their own."""
    if isinstance(event, DirCreatedEvent | DirDeletedEvent | DirMovedEvent):
        for path in (source, destination):
            if path:
                yield Hint(path, ChangeKind.RESCAN, is_directory=True)
