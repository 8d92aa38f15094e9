"""One watchdog observer on one directory, native or polling, with what must be known of watchdog to trust it.

Never decides what is watched. Every directory has an observer of its own, so that it can be taken down and
put up again as a whole: taking thousands of watches out of a shared one floods its queue with receipts.
"""

from __future__ import annotations

import errno
import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

from watchdog.events import DirDeletedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver
from watchdog.observers.polling import PollingObserverVFS

from . import limits
from .hints import EVENTS, Hint, Translator
from .roots import Identity

JOIN_LIMIT = 2.0
"""seconds for which the end of an observer's thread is awaited; it is a daemon thread"""

_LIMITS = (errno.ENOSPC, errno.EMFILE, errno.ENFILE)
"""what inotify_add_watch(2) and inotify_init(2) fail with at a limit"""

Tell = Callable[["Watch", Hint], None]


@dataclass(frozen=True)
class Wanted:
    """What shall be observed; another identity under the same name is another directory."""

    directory: str
    identity: Identity
    is_recursive: bool
    is_polled: bool = False
    poll_interval: float = 1.0
    """seconds between two looks, where it is polled"""


class LimitReachedError(Exception):
    """The kernel would watch no part, or only a part, of a tree; carries how many watches it needs."""

    def __init__(self, needed: int) -> None:
        self.needed = needed
        super().__init__(needed)


class Watch(FileSystemEventHandler):
    """An observer at work.

    Args:
        wanted: what to observe.
        tell: takes what happens, in the observer's thread.
        allowed: how many inotify watches may be held (None: unknown).
        instead: seconds between two looks, to poll although native observing is wanted.

    Raises (when made):
        LimitReachedError: inotify's limits don't allow it.
        OSError: the directory can't be watched.
    """

    def __init__(
        self, wanted: Wanted, tell: Tell, allowed: int | None, *, instead: float | None = None
    ) -> None:
        self.wanted = wanted
        self.is_native = not wanted.is_polled and instead is None
        self.poll_interval = instead or wanted.poll_interval
        """seconds, where it is not native"""
        self.is_dead = False
        """the directory went away, and the observer's emitter with it"""
        self.events = 0
        """and the two that follow: since it was last made sure that nothing was missed"""
        self.have_directories_changed = False
        self.newest_at = 0.0
        """monotonic time of the newest event"""
        self._tell = tell
        self._translator = Translator(is_native=self.is_native)
        self._instances: frozenset[int] = frozenset()
        self._observer = self._arm_native(allowed) if self.is_native else self._arm_polling()

    def dispatch(self, event: FileSystemEvent) -> None:
        """Take an event from watchdog, in the observer's thread."""
        self.events += 1
        self.newest_at = time.monotonic()
        if isinstance(event, DirDeletedEvent) and os.fsdecode(event.src_path) == self.wanted.directory:
            self.is_dead = True
        for hint in self._translator.hints(event):
            self._tell(self, hint)

    def is_whole(self) -> bool:
        """Whether the kernel holds a watch for every directory of the tree."""
        if not (self.is_native and self.wanted.is_recursive):
            return True
        held = limits.watches_held(self._instances)
        return held is None or held == limits.watches_needed(self.wanted.directory)

    def close(self) -> None:
        """Stop observing."""
        _stop(self._observer)

    def _arm_native(self, allowed: int | None) -> BaseObserver:
        wanted = self.wanted
        needed = limits.watches_needed(wanted.directory) if wanted.is_recursive else 1
        if allowed is not None and needed > allowed:
            raise LimitReachedError(needed)
        before = limits.instances()
        try:
            observer = _started(Observer, self)
        except OSError as error:
            _close_leaked(limits.instances() - before)
            if error.errno in _LIMITS:
                raise LimitReachedError(needed) from error
            raise
        self._instances = limits.instances() - before
        held = limits.watches_held(self._instances)
        if held is not None and held < needed and held < limits.watches_needed(wanted.directory):
            # watchdog 7.1.0 says nothing when it hits the limit half-way.
            _stop(observer)
            raise LimitReachedError(needed)
        return observer

    def _arm_polling(self) -> BaseObserver:
        interval = self.poll_interval
        return _started(lambda: PollingObserverVFS(os.lstat, os.scandir, polling_interval=interval), self)


def _started(make: Callable[[], BaseObserver], watch: Watch) -> BaseObserver:
    _quieten()
    observer = make()
    try:
        observer.schedule(
            watch, watch.wanted.directory, recursive=watch.wanted.is_recursive, event_filter=EVENTS
        )
        observer.start()
    except BaseException:
        _stop(observer)
        raise
    return observer


def _stop(observer: BaseObserver) -> None:
    observer.stop()
    if observer.is_alive():
        observer.join(JOIN_LIMIT)


def _quieten() -> None:
    """watchdog 7.1.0 warns of a race that it survives, with the repr of all it knows: 779 kB on stderr."""
    warnings.filterwarnings("ignore", message="Callback with id ", category=RuntimeWarning)


def _close_leaked(descriptors: frozenset[int]) -> None:
    """watchdog 6 forgets an inotify instance that hit the limit, and with it the watches that it took."""
    for descriptor in descriptors:
        os.close(descriptor)
