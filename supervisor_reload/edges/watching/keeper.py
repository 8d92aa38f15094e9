"""Keeps every watched path observed, whatever becomes of it, and tells what happens there as facts.

Level-triggered like the engine: it compares where the paths lead now with what is observed, whenever
something says that this may have changed, and every few seconds anyway. It never reads a file, and never
decides whether a change matters.
"""

# Names are exact strings here (any bytes), which Path would normalise.
# ruff: noqa: PTH120

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from ...core.filters import Filter, filters_of
from ...core.model import TargetSettings
from ...core.ports import Put
from . import limits
from .hints import Hint
from .observing import LimitReachedError, Wanted, Watch
from .roots import identity_of, locate
from .subscribing import Subscription, subscriptions, to_observe

log = logging.getLogger(__name__)

LOOK_INTERVAL = 5.0
"""seconds between two looks at where the paths lead, when nothing says that it changed"""

BLIND_INTERVAL = 1.0
"""the same, where a directory that a path goes through can't be watched"""

REST = 0.5
"""seconds without news after which it is made sure that nothing was missed"""

MANY_EVENTS = 4096
"""in one burst: enough that the kernel's queue may have overflowed, which watchdog 6 does not tell"""

CLOSE_LIMIT = 5.0
"""seconds for which close() waits"""

_COMMON_WATCHES = 524_288
_COMMON_INSTANCES = 1024
"""what most distributions and editors advise to set; an unused watch costs nothing"""

_LOOKS_AT_START = 3
"""Watching takes time, and what happens meanwhile is seen by looking again; but not for ever."""


class Watching:
    """Tells FileChanged for the watched files of all targets.

    Args:
        targets: whose paths to watch.
        put: takes the facts, from several threads.
        filters: the ones of Sources, which fills them from the ``.gitignore`` files; made here where None.
        allowed: tells how many inotify watches may be held (None: unknown).
    """

    def __init__(
        self,
        targets: Sequence[TargetSettings],
        put: Put,
        filters: Mapping[str, Sequence[Filter]] | None = None,
        allowed: Callable[[], int | None] = limits.watches_allowed,
    ) -> None:
        self._put = put
        self._allowed = allowed
        self._subscriptions = subscriptions(targets, filters_of(targets) if filters is None else filters)
        self._watches: dict[Wanted, Watch] = {}
        self._turn_watches: dict[Wanted, Watch] = {}
        """on the directories that tell when a path leads elsewhere"""
        self._turns: frozenset[str] = frozenset()
        self._is_blind = False
        self._warned: set[str] = set()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="watching", daemon=True)

    def start(self) -> None:
        """Observe everything: what changes from now on is told. Takes the longer the larger the trees are."""
        for _ in range(_LOOKS_AT_START):
            if not self._look():
                break
        self._keeper.start()

    def tick(self) -> None:
        """Look whether every path still leads where it did; returns at once."""
        self._wake.set()

    def close(self) -> None:
        """Stop observing, within CLOSE_LIMIT."""
        self._closing.set()
        self._wake.set()
        if self._keeper.ident is None:  # start() did not come to its end
            self._close_watches()
        else:
            self._keeper.join(CLOSE_LIMIT)

    def _keep(self) -> None:
        while not self._closing.is_set():
            self._wake.wait(self._pause())
            self._wake.clear()
            try:
                self._keep_up()
            except Exception:
                # A defect here must not end the watching; the next look tries again.
                log.exception("the watched paths could not be looked at")
        self._close_watches()

    def _close_watches(self) -> None:
        for watch in (*self._watches.values(), *self._turn_watches.values()):
            watch.close()

    def _keep_up(self) -> None:
        """One look, and facts for what it found."""
        if self._closing.is_set():
            return
        changed = self._make_sure() | self._look()
        for subscription in changed:
            self._put(subscription.whole())
        if changed:
            self._wake.set()

    def _pause(self) -> float:
        if any(_is_unsure(watch) for watch in self._watches.values()):
            return REST
        polled = [watch.poll_interval for watch in self._watches.values() if not watch.is_native]
        return min([*polled, BLIND_INTERVAL if self._is_blind else LOOK_INTERVAL])

    def _look(self) -> set[Subscription]:
        """Observe what the paths lead to now; which of them may have changed unseen."""
        changed = {
            subscription
            for subscription in self._subscriptions
            if subscription.moves(locate(subscription.path))
        }
        self._watch_turns()
        wanted = to_observe(self._subscriptions)
        for want in [want for want, watch in self._watches.items() if want not in wanted or watch.is_dead]:
            self._watches.pop(want).close()
        for want in wanted - self._watches.keys():
            if self._watch(want):
                changed |= self._served_by(want)
        return changed

    def _make_sure(self) -> set[Subscription]:
        """When a tree came to rest: does the kernel watch all of it, and was anything lost?"""
        changed = set()
        now = time.monotonic()
        for want, watch in list(self._watches.items()):
            if not _is_unsure(watch) or now - watch.newest_at < REST:
                continue
            if watch.events >= MANY_EVENTS:
                changed |= self._served_by(want)
            watch.events = 0
            watch.have_directories_changed = False
            if not watch.is_whole():
                # Put up again by the look that follows, which tells that anything may have changed.
                self._watches.pop(want).close()
        return changed

    def _served_by(self, want: Wanted) -> set[Subscription]:
        return {subscription for subscription in self._subscriptions if subscription.is_served_by(want)}

    def _watch(self, want: Wanted) -> bool:
        try:
            self._watches[want] = self._observe(want)
        except OSError as error:
            log.debug("%r can't be observed now: %s", want.directory, error)
            return False
        return True

    def _observe(self, want: Wanted) -> Watch:
        """Observe as wanted, or by polling where inotify's limits don't allow it. Raises OSError."""
        try:
            return Watch(want, self._tell, self._allowed())
        except LimitReachedError as error:
            needed = error.needed
        interval = min(subscription.poll_interval for subscription in self._served_by(want))
        watch = Watch(want, self._tell, None, instead=interval)
        self._warn(want.directory, needed, interval)
        return watch

    def _warn(self, directory: str, needed: int, interval: float) -> None:
        if directory in self._warned:
            return
        self._warned.add(directory)
        log.warning(
            "inotify's limits don't allow the %d watches that %r needs: it is polled every %g s instead."
            " To raise them: sysctl -w fs.inotify.max_user_watches=%d fs.inotify.max_user_instances=%d",
            needed,
            directory,
            interval,
            max(_COMMON_WATCHES, 2 * needed),
            _COMMON_INSTANCES,
        )

    def _watch_turns(self) -> None:
        """Watch, not deeper, each directory in which a name decides where a path leads."""
        self._turns = frozenset().union(*(s.place.turns for s in self._subscriptions))
        wanted = set()
        for directory in {os.path.dirname(turn) for turn in self._turns}:
            if (identity := identity_of(directory)) is not None:
                wanted.add(Wanted(directory, identity, is_recursive=False))
        stale = [want for want, watch in self._turn_watches.items() if want not in wanted or watch.is_dead]
        for want in stale:
            self._turn_watches.pop(want).close()
        self._is_blind = False
        for want in wanted - self._turn_watches.keys():
            try:
                self._turn_watches[want] = Watch(want, self._tell_turn, None)
            except (LimitReachedError, OSError):
                self._is_blind = True

    def _tell_turn(self, watch: Watch, hint: Hint) -> None:
        if watch.is_dead or hint.path in self._turns:
            self._wake.set()

    def _tell(self, watch: Watch, hint: Hint) -> None:
        is_first = hint.is_directory and not watch.have_directories_changed
        if watch.is_dead or is_first or watch.events == MANY_EVENTS:
            self._wake.set()
        if hint.is_directory:
            watch.have_directories_changed = True
        for subscription in self._subscriptions:
            if subscription.is_polled == watch.wanted.is_polled:
                fact = subscription.fact(hint)
                if fact is not None:
                    self._put(fact)


def _is_unsure(watch: Watch) -> bool:
    return watch.have_directories_changed or watch.events >= MANY_EVENTS
