"""watchdog's emitter for Linux, with an inotify of our own, which can leave directories out.

watchdog's own one watches whole trees: it can't leave out an ignored directory, gives up silently at the
limit (7.1.0), turns for ever after an overflow (7.1.0 above 16,000 directories) or goes on without a word
(6.0.0), and leaves directories unwatched that were moved in (6.0.0). Hints are made straight from the
kernel's masks, without watchdog's event classes, whose meaning differs between versions. It decides nothing.
"""

from __future__ import annotations

import logging
import time

from watchdog.observers.api import EventEmitter, EventQueue, ObservedWatch

from .inotify import Inotify
from .scope import End, LimitReachedError, Scope
from .tree import LIMITS, WatchedTree

log = logging.getLogger(__name__)

CALM = 0.05
"""seconds without events after the kernel's queue overflowed, before the tree is looked through again"""

PATIENCE = 1.0
"""seconds after which that is done although events still come"""

FLOOD = 64
"""events within WINDOW; after so many each read waits a little, and what happens to a name is told once"""

WINDOW = 0.05
GATHER = 0.01
"""seconds between two reads in a flood"""


class NativeEmitter(EventEmitter):
    """Tells what inotify says of one scope.

    Raises (when started):
        LimitReachedError: inotify's limits don't allow it.
        OSError: the directory can't be watched.
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
        self._inotify: Inotify | None = None
        self._is_doubted = False
        self._behind_since: float | None = None
        self._window_at = 0.0
        self._in_window = 0

    def on_thread_start(self) -> None:
        """Watch everything, in the thread of who starts us: when that is done, nothing is missed."""
        try:
            self._inotify = Inotify()
            self._tree = WatchedTree(self._inotify, self._scope)
            self._tree.arm()
        except OSError as error:
            self._close()
            if error.errno in LIMITS:
                raise LimitReachedError from error
            raise
        except BaseException:
            self._close()
            raise

    def on_thread_stop(self) -> None:
        """Wake the thread, so that it ends."""
        if self._inotify is not None:
            self._inotify.ring()

    def reconsider(self) -> None:
        """Ask soon about every directory again, whether it may be entered; from any thread."""
        self._is_doubted = True
        self.on_thread_stop()

    def run(self) -> None:
        """Tell until stopped; what ends it otherwise leaves a thread that is not alive, which is found."""
        try:
            super().run()
        except LimitReachedError:
            self._scope.tell_end(End.LIMIT)
        except Exception:
            log.exception("watching %r failed; it begins anew", self._scope.directory)
        finally:
            self._close()

    def queue_events(self, timeout: float) -> None:
        """Wait for events and tell what they say."""
        assert self._inotify is not None
        if not self._inotify.wait(None if self._behind_since is None else CALM):
            self._catch_up()
            return
        events = self._inotify.read()
        hints = self._tree.take(events)
        if self._is_doubted:
            self._is_doubted = False
            hints += self._tree.reconsider()
        if self._tree.is_behind:  # then all of it is looked at anyway
            self._fall_behind()
        else:
            for hint in hints:
                self._scope.tell(hint)
        if self._tree.is_gone:
            self._scope.tell_end(End.GONE)
            self.stop()
        else:
            self._gather(len(events))

    def _gather(self, events: int) -> None:
        now = time.monotonic()
        if now - self._window_at > WINDOW:
            self._window_at, self._in_window = now, 0
        self._in_window += events
        if self._in_window >= FLOOD:
            self.stopped_event.wait(GATHER)

    def _fall_behind(self) -> None:
        now = time.monotonic()
        if self._behind_since is None:
            self._behind_since = now
        elif now - self._behind_since > PATIENCE:
            self._catch_up()

    def _catch_up(self) -> None:
        self._behind_since = None
        try:
            self._tree.look_again()
        except (FileNotFoundError, NotADirectoryError):
            self._scope.tell_end(End.GONE)
            self.stop()
            return
        self._scope.tell_lost()

    def _close(self) -> None:
        if self._inotify is not None:
            self._inotify.close()
