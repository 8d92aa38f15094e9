"""watchdog's emitter for trees whose changes the kernel does not tell: looks, compares, looks again.

watchdog's own one keeps a stat result and a path for every file, follows no filter, and took 124 MB, 60 % of
a core and up to 4 s a change on 100,000 files. This one keeps a number for each file, stays out of the
directories that nobody watches, and rests at least as long as a look took. It never opens a file.
"""

from __future__ import annotations

import errno
import logging
import os
import time

from watchdog.observers.api import EventEmitter, EventQueue, ObservedWatch

from ...core.facts import ChangeKind
from ...core.filters import GITIGNORE
from .hints import Hint
from .roots import identity_of
from .scope import End, Scope

log = logging.getLogger(__name__)

_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)

JOIN_LIMIT = 2.0
"""seconds for which the end of a look is awaited; it is a daemon thread"""

_DIRECTORY = 0
"""stands where a file has its mark"""

Entries = dict[str, int]
"""what is in one directory: for each name a mark, which is another one after every change"""


class Snapshot:
    """What was found in one tree at the last look; used by one thread at a time."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._known: dict[str, Entries] = {}

    def look(self, *, is_first: bool = False) -> list[Hint]:
        """What differs from the look before; nothing at the first.

        Raises:
            OSError: the tree's directory can't be read; what is known stays as it was.
        """
        known: dict[str, Entries] = {}
        hints: list[Hint] = []
        waiting = [self._scope.directory]
        while waiting:
            directory = waiting.pop()
            before = self._known.get(directory)
            found = self._entries(directory, before)
            if is_first and GITIGNORE in found and self._scope.learn is not None:
                self._scope.learn(directory)
            if before is None and not is_first:
                hints.append(Hint(directory, ChangeKind.RESCAN, is_directory=True))
            elif before is not None and before != found:
                hints += _differences(directory, before, found)
            known[directory] = before if before is not None and before == found else found
            waiting += self._below(directory, found)
        gone = self._known.keys() - known.keys()
        hints += (Hint(directory, ChangeKind.RESCAN, is_directory=True) for directory in gone)
        self._known = known
        return hints

    def _below(self, directory: str, found: Entries) -> list[str]:
        if not self._scope.is_recursive:
            return []
        prefix = directory.rstrip("/") + "/"
        below = (prefix + name for name, mark in found.items() if mark == _DIRECTORY)
        return [path for path in below if self._scope.may_enter(path)]

    def _entries(self, directory: str, before: Entries | None) -> Entries:
        """What is there now; what was there before, where it can't be read just now."""
        found: Entries = {}
        try:
            with os.scandir(directory) as entries:
                for entry in entries:
                    mark = _mark(entry)
                    if mark is not None:
                        found[entry.name] = mark
        except OSError as error:
            if directory == self._scope.directory:
                raise
            return {} if error.errno in _GONE or before is None else before
        return found


class PollingEmitter(EventEmitter):
    """Tells what differs from look to look.

    Raises (when started):
        OSError: the directory can't be read.
    """

    def __init__(
        self,
        event_queue: EventQueue,
        watch: ObservedWatch,
        *,
        timeout: float,
        event_filter: object = None,
        scope: Scope,
    ) -> None:
        super().__init__(event_queue, watch, timeout=timeout)
        self._scope = scope
        self._snapshot = Snapshot(scope)
        self._took = 0.0
        """seconds that the newest look took"""

    def on_thread_start(self) -> None:
        """Look for the first time, in the thread of who starts us: what changes after that is told."""
        began = time.monotonic()
        self._snapshot.look(is_first=True)
        self._took = time.monotonic() - began

    def run(self) -> None:
        """Tell until stopped; what ends it otherwise leaves a thread that is not alive, which is found."""
        try:
            super().run()
        except Exception:
            log.exception("polling %r failed; it begins anew", self._scope.directory)

    def join(self, timeout: float | None = None) -> None:
        """As Thread.join, but never for ever: a look at a server that is away may not come back."""
        super().join(JOIN_LIMIT if timeout is None else timeout)

    def queue_events(self, timeout: float) -> None:
        """Rest, look, and tell what differs."""
        if self.stopped_event.wait(max(self._scope.poll_interval, self._took)):
            return
        if identity_of(self._scope.directory) != self._scope.identity:
            self._scope.tell_end(End.GONE)
            self.stop()
            return
        began = time.monotonic()
        try:
            hints = self._snapshot.look()
        except OSError as error:
            log.debug("%r can't be read now: %s", self._scope.directory, error)
            hints = []
        self._took = time.monotonic() - began
        for hint in hints:
            self._scope.tell(hint)


def _mark(entry: os.DirEntry[str]) -> int | None:
    """One number for all that tells one state of a file from another; None for what is gone meanwhile.

    The times are in nanoseconds: a rewrite within the same second, of the same size, is another state. The
    time of the change (ctime) can't be set by whoever copies a file together with its old time.
    """
    try:
        if entry.is_dir(follow_symlinks=False):
            return _DIRECTORY
        found = entry.stat(follow_symlinks=False)
    except OSError:
        return None
    return hash((found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)) or 1


def _differences(directory: str, before: Entries, now: Entries) -> list[Hint]:
    prefix = directory.rstrip("/") + "/"
    changed = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    # A name that is or was a directory only is told with what is in it.
    files = [name for name in changed if before.get(name, _DIRECTORY) or now.get(name, _DIRECTORY)]
    return [Hint(prefix + name, ChangeKind.SETTLED) for name in files]
