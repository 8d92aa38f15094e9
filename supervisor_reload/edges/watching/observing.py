"""One watchdog observer on one directory: by inotify, by polling, or by what watchdog has for other systems.

Never decides what is watched. Every directory has an observer of its own, so that it can be taken down and
put up again as a whole.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import cast

from watchdog.events import DirDeletedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, EventEmitter

from .hints import EVENTS, Hint, Translator
from .polling import PollingEmitter
from .roots import Identity
from .scope import End, Scope

if sys.platform == "linux":
    from .native import NativeEmitter

JOIN_LIMIT = 2.0
"""seconds for which the end of an observer's thread is awaited; it is a daemon thread"""

_NEVER = float("-inf")


@dataclass(frozen=True)
class Wanted:
    """What shall be observed; another identity under the same name is another directory."""

    directory: str
    identity: Identity
    is_recursive: bool
    is_polled: bool = False
    poll_interval: float = 1.0
    """seconds between two looks, where it is polled"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How to observe it, and whom to tell. Everything is told in a thread of the observer's."""

    tell: Callable[[Watch, Hint], None]
    tell_lost: Callable[[Watch], None] = lambda _: None
    """anything may have changed"""
    tell_end: Callable[[Watch], None] = lambda _: None
    """the watch is dead, or over the limit"""
    may_enter: Callable[[str], bool] = lambda _: True
    """whether a directory may be looked into"""
    learn: Callable[[str], None] | None = None
    """takes each directory that has a ``.gitignore``, before what is in it is looked into"""
    names_only: bool = False
    """only which names come and go"""
    allowed: int | None = None
    """inotify watches that may be held (None: unknown)"""
    instead: float | None = None
    """seconds between two looks, to poll although native observing is wanted"""


class Watch(FileSystemEventHandler):
    """An observer at work.

    Raises (when made):
        LimitReachedError: inotify's limits don't allow it.
        OSError: the directory can't be watched.
    """

    def __init__(self, wanted: Wanted, terms: Terms) -> None:
        self.wanted = wanted
        self.is_native = not wanted.is_polled and terms.instead is None
        self.poll_interval = terms.instead or wanted.poll_interval
        """seconds, where it is not native"""
        self.is_over_limit = False
        """the kernel grants no more watches, so a part is not watched"""
        self.rules_changed_at = _NEVER
        """monotonic time at which what is ignored in it may have become another thing"""
        self._is_gone = False
        self._terms = terms
        self._observer = self._arm()

    @property
    def is_dead(self) -> bool:
        """The directory went away, or a thread died: watchdog's observer lives on without its emitter."""
        return self._is_gone or not all(thread.is_alive() for thread in self._threads())

    def dispatch(self, event: FileSystemEvent) -> None:
        """Take an event of watchdog's own emitters, in the observer's thread."""
        if isinstance(event, DirDeletedEvent) and os.fsdecode(event.src_path) == self.wanted.directory:
            self._end(End.GONE)
        for hint in self._translator.hints(event):
            self._tell(hint)

    def reconsider(self) -> None:
        """Ask again which directories may be entered; returns at once."""
        for emitter in self._observer.emitters:
            if sys.platform == "linux" and isinstance(emitter, NativeEmitter):
                emitter.reconsider()

    def close(self) -> None:
        """Stop observing."""
        _stop(self._observer)

    def _threads(self) -> Iterable[EventEmitter | BaseObserver]:
        return (self._observer, *self._observer.emitters)

    def _tell(self, hint: Hint) -> None:
        self._terms.tell(self, hint)

    def _end(self, end: End) -> None:
        if end is End.LIMIT:
            self.is_over_limit = True
        else:
            self._is_gone = True
        self._terms.tell_end(self)

    def _arm(self) -> BaseObserver:
        observer = self._observer_of_its_kind()
        self._translator = Translator()
        try:
            observer.schedule(
                self, self.wanted.directory, recursive=self.wanted.is_recursive, event_filter=EVENTS
            )
            observer.start()
        except BaseException:
            _stop(observer)
            raise
        return observer

    def _observer_of_its_kind(self) -> BaseObserver:
        if not self.is_native:
            return BaseObserver(_emitter(PollingEmitter, self._scope()))
        if sys.platform == "linux":
            return BaseObserver(_emitter(NativeEmitter, self._scope()))
        return Observer()

    def _scope(self) -> Scope:
        terms = self._terms
        return Scope(
            directory=self.wanted.directory,
            identity=self.wanted.identity,
            is_recursive=self.wanted.is_recursive,
            may_enter=terms.may_enter,
            learn=terms.learn,
            names_only=terms.names_only,
            most=terms.allowed,
            poll_interval=self.poll_interval,
            tell=self._tell,
            tell_lost=lambda: terms.tell_lost(self),
            tell_end=self._end,
        )


def _emitter(kind: Callable[..., EventEmitter], scope: Scope) -> type[EventEmitter]:
    """What watchdog calls to make its emitter; it asks for a class, and only calls it."""
    return cast("type[EventEmitter]", partial(kind, scope=scope))


def _stop(observer: BaseObserver) -> None:
    observer.stop()
    if observer.is_alive():
        observer.join(JOIN_LIMIT)
