"""Which directory each inotify watch of one tree stands for, and what an event says of the files.

A directory that nobody watches takes no watch. A watch is always added before the directory is looked into,
so whatever comes in between is seen by one or the other. Files are not remembered. It never waits.
"""

# Names are exact strings here (any bytes), which Path would normalise; and this runs per directory.
# ruff: noqa: PTH120

from __future__ import annotations

import errno
import os
from collections.abc import Iterable

from ...core.facts import ChangeKind
from ...core.filters import GITIGNORE
from . import inotify
from .hints import Hint, made_file
from .inotify import Event, Inotify
from .scope import LimitReachedError, Scope

LIMITS = (errno.ENOSPC, errno.EMFILE, errno.ENFILE)
"""what inotify_add_watch(2) and inotify_init(2) fail with at a limit"""

_REMEMBERED = 4096

_COMES = inotify.CREATE | inotify.MOVED_TO
_IS_OVER = inotify.CLOSE_WRITE | inotify.DELETE | inotify.MOVED_FROM | inotify.MOVED_TO


class WatchedTree:
    """The watches of one tree; used by one thread at a time.

    Raises LimitReachedError wherever a watch is added.
    """

    def __init__(self, instance: Inotify, scope: Scope) -> None:
        self.is_gone = False
        """the tree's own directory was removed"""
        self.is_behind = False
        """the kernel threw events away, and ``look_again`` was not called since"""
        self._inotify = instance
        self._scope = scope
        self._mask = inotify.NAMES if scope.names_only else inotify.CONTENTS
        self._watches: dict[str, int] = {}
        self._directories: dict[int, str] = {}
        self._refused: set[str] = set()
        """directories that nobody watches, in directories that are watched"""
        self._moved: set[str] = set()
        """directories that left their names in the batch of events that is being taken"""
        self._open: set[str] = set()
        """files that somebody writes to"""

    def arm(self) -> None:
        """Watch everything, for the first time. Raises OSError where the tree itself can't be watched."""
        self._enter(self._scope.directory, is_first=True)

    def take(self, events: Iterable[Event]) -> list[Hint]:
        """What the events say, one hint for each name: the last word on it."""
        hints: dict[str, Hint] = {}
        made: set[str] = set()
        for watch, mask, name in events:
            if mask & inotify.Q_OVERFLOW:
                self.is_behind = True
            directory = self._directories.get(watch)
            if directory is None:
                continue
            if mask & inotify.IGNORED:
                self._drop(watch, directory)
            elif name:
                path = f"{directory.rstrip('/')}/{name}"
                judge = self._of_directory if mask & inotify.IS_DIRECTORY else self._of_file
                hint = judge(path, mask)
                if hint is None:
                    continue
                hints.pop(path, None)  # so that the newest comes last
                hints[path] = hint
                if mask & inotify.CREATE and not hint.is_directory:
                    made.add(path)
                elif not mask & inotify.ATTRIB:
                    made.discard(path)
        self._enter_exchanged()
        found = (made_file(hint.path) if hint.path in made else hint for hint in hints.values())
        return [hint for hint in found if hint is not None]

    def _enter_exchanged(self) -> None:
        """Two directories that were exchanged (renameat2(2)) each left their names, and have them again."""
        moved, self._moved = self._moved, set()
        for path in sorted(moved):
            if path not in self._watches and os.path.isdir(path):  # noqa: PTH112
                self._of_directory(path, inotify.MOVED_TO)

    def look_again(self) -> None:
        """Look through all of the tree, after events were lost. Adding a watch twice makes no event."""
        self.is_behind = False
        self._open.clear()
        seen = self._enter(self._scope.directory)
        for directory in self._watches.keys() - seen:
            self._leave(directory)

    def reconsider(self) -> list[Hint]:
        """Ask about every directory again, without looking at the disk: what is ignored may have changed."""
        may_enter = self._scope.may_enter
        for directory in [each for each in self._watches if not self._may_watch(each)]:
            self._leave(directory)
            self._refused.add(directory)
        self._refused = {each for each in self._refused if os.path.dirname(each) in self._watches}
        hints = []
        for directory in [each for each in self._refused if may_enter(each)]:
            self._refused.discard(directory)
            self._enter(directory)
            hints.append(Hint(directory, ChangeKind.RESCAN, is_directory=True))
        return hints

    def _of_directory(self, path: str, mask: int) -> Hint | None:
        """Files may have come or gone with a directory without an event of their own."""
        if not self._scope.is_recursive:
            return Hint(path, ChangeKind.RESCAN, is_directory=True) if mask & inotify.NAMES else None
        if mask & inotify.MOVED_FROM:
            self._leave_all(path)
            self._moved.add(path)
        self._refused.discard(path)
        is_readable_now = mask & inotify.ATTRIB and path not in self._watches
        if mask & _COMES or is_readable_now:
            if self._scope.may_enter(path):
                self._enter(path)
            else:
                self._refused.add(path)
        if not (mask & inotify.NAMES or is_readable_now):
            return None
        return Hint(path, ChangeKind.RESCAN, is_directory=True)

    def _of_file(self, path: str, mask: int) -> Hint | None:
        """Writing, if a close will follow. New metadata say nothing of a file that is being written."""
        if mask & _IS_OVER:
            self._open.discard(path)
        elif mask & inotify.MODIFY:
            if len(self._open) >= _REMEMBERED:
                self._open.clear()
            self._open.add(path)
            return Hint(path, ChangeKind.WRITING)
        elif mask & inotify.ATTRIB and path in self._open:
            return None
        return Hint(path, ChangeKind.SETTLED)

    def _enter(self, top: str, *, is_first: bool = False) -> set[str]:
        """Watch a directory and all below it that somebody watches; answers them."""
        seen = set()
        waiting = [top]
        while waiting:
            directory = waiting.pop()
            if self._add(directory):
                seen.add(directory)
                if self._scope.is_recursive:
                    waiting += self._below(directory, is_first=is_first)
        return seen

    def _below(self, directory: str, *, is_first: bool) -> list[str]:
        found = []
        try:
            with os.scandir(directory) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        found.append(entry.path)
                    elif is_first and entry.name == GITIGNORE and self._scope.learn is not None:
                        self._scope.learn(directory)
        except OSError:  # gone meanwhile, or can't be read: then nothing in it can
            return []
        allowed = [path for path in found if self._scope.may_enter(path)]
        if len(allowed) != len(found):
            self._refused |= {*found} - {*allowed}
        return allowed

    def _add(self, directory: str) -> bool:
        most = self._scope.most
        if most is not None and len(self._watches) >= most and directory not in self._watches:
            raise LimitReachedError
        try:
            watch = self._inotify.add(directory, self._mask)
        except OSError as error:
            if error.errno in LIMITS:
                raise LimitReachedError from error
            if directory == self._scope.directory:
                raise
            return False
        if self._watches.get(directory) == watch:
            return True
        self._leave(directory)  # another directory had this name
        before = self._directories.get(watch)
        if before is not None:  # it had another name
            del self._watches[before]
        self._watches[directory] = watch
        self._directories[watch] = directory
        return True

    def _may_watch(self, directory: str) -> bool:
        return directory == self._scope.directory or self._scope.may_enter(directory)

    def _leave(self, directory: str) -> None:
        watch = self._watches.pop(directory, None)
        if watch is not None:
            del self._directories[watch]
            self._inotify.remove(watch)

    def _leave_all(self, top: str) -> None:
        """After a move every path below is another one; where it stays in the tree it is entered anew."""
        prefix = f"{top}/"
        for directory in [each for each in self._watches if each == top or each.startswith(prefix)]:
            self._leave(directory)

    def _drop(self, watch: int, directory: str) -> None:
        """The kernel ended a watch: its directory was removed or unmounted."""
        del self._directories[watch]
        del self._watches[directory]
        if directory == self._scope.directory:
            self.is_gone = True
