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
from functools import partial

from ...core.filters import GITIGNORE, Filter, filters_of
from ...core.linked import Linked
from ...core.model import TargetSettings
from ...core.ports import Put
from . import advice, limits
from .hints import Hint
from .mounts import Mounts, MountTable
from .observing import Terms, Wanted, Watch
from .roots import identity_of, locate
from .scope import LimitReachedError
from .subscribing import (
    Subscription,
    learn,
    may_enter,
    must_poll,
    subscriptions,
    to_observe,
    turns,
    with_linked,
)

log = logging.getLogger(__name__)

LOOK_INTERVAL = 5.0
"""seconds between two looks at where the paths lead, when nothing says that it changed"""

BLIND_INTERVAL = 1.0
"""the same, where a directory that a path goes through can't be watched"""

LINK_INTERVAL = 0.5
"""the same, where links out of the watched paths are followed, which others find out"""

DOUBT_INTERVAL = 0.5
"""the same, right after a ``.gitignore`` changed"""

_SOON = 5.0
"""seconds in which such a change is usually read"""

_DOUBT = 60.0
"""seconds in which it is read even when git or a burst holds the reading up"""

CLOSE_LIMIT = 5.0
"""seconds for which close() waits"""

_RULES = f"/{GITIGNORE}"

_LOOKS_AT_START = 3
"""Watching takes time, and what happens meanwhile is seen by looking again; but not for ever."""


class Watching:
    """Tells FileChanged for the watched files of all targets.

    Args:
        targets: whose paths to watch.
        put: takes the facts, from several threads.
        filters: the ones of Sources, which fills them from the ``.gitignore`` files; made here where None.
            ``start`` fills them for the first time, so it must come before Sources is asked for anything.
        allowed: tells how many inotify watches may be held (None: unknown).
        mounts: where the file systems are mounted.
        linked: by a target's name, the links out of its paths that are followed, as Sources found them.
    """

    def __init__(
        self,
        targets: Sequence[TargetSettings],
        put: Put,
        filters: Mapping[str, Sequence[Filter]] | None = None,
        allowed: Callable[[], int | None] = limits.watches_allowed,
        mounts: MountTable | None = None,
        linked: Callable[[str], Sequence[Linked]] = lambda _: (),
    ) -> None:
        self._put = put
        self._linked = linked
        self._following = [target for target in targets if target.watch.follow_symlinks]
        self._allowed = allowed
        self._table = mounts or MountTable()
        self._subscriptions = subscriptions(targets, filters_of(targets) if filters is None else filters)
        self._watches: dict[Wanted, Watch] = {}
        self._mounted: dict[Wanted, tuple[int, ...]] = {}
        """what was mounted in each of them when its observation began"""
        self._turn_watches: dict[Wanted, Watch] = {}
        """on the directories that tell when a path leads elsewhere"""
        self._turns: frozenset[str] = frozenset()
        self._is_blind = False
        self._is_started = False
        self._warned: set[str] = set()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="watching", daemon=True)

    def start(self) -> None:
        """Observe everything: what changes from now on is told. Takes the longer the larger the trees are."""
        for _ in range(_LOOKS_AT_START):
            if not self._look():
                break
        self._is_started = True
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
        changed = self._look()
        for subscription in changed:
            self._put(subscription.whole())
        if changed:
            self._wake.set()

    def _pause(self) -> float:
        if any(_is_doubted(watch, _SOON) for watch in self._watches.values()):
            return DOUBT_INTERVAL
        polled = [watch.poll_interval for watch in self._watches.values() if not watch.is_native]
        polled += [LINK_INTERVAL] if self._following else []
        return min([*polled, BLIND_INTERVAL if self._is_blind else LOOK_INTERVAL])

    def _look(self) -> set[Subscription]:
        """Observe what the paths lead to now; which of them may have changed unseen."""
        before = self._subscriptions
        self._subscriptions = with_linked(before, self._following, self._linked)
        changed = {*self._subscriptions} - {*before}
        changed |= {each for each in self._subscriptions if each.moves(locate(each.named))}
        mounts = self._table.now()
        changed |= {subscription for subscription in self._subscriptions if subscription.adapt(mounts)}
        self._watch_turns()
        wanted = to_observe(self._subscriptions)
        over_limit = {want for want, watch in self._watches.items() if watch.is_over_limit}
        for want in [each for each in self._watches if self._is_stale(each, wanted, mounts)]:
            self._watches.pop(want).close()
        for want in wanted - self._watches.keys():
            if self._watch(want, mounts, is_over_limit=want in over_limit):
                changed |= self._served_by(want)
        is_other = changed or len(self._subscriptions) != len(before)
        for watch in self._watches.values():
            if is_other or _is_doubted(watch, _DOUBT):
                watch.reconsider()
        return changed

    def _is_stale(self, want: Wanted, wanted: set[Wanted], mounts: Mounts) -> bool:
        watch = self._watches[want]
        if want not in wanted or watch.is_dead or watch.is_over_limit:
            return True
        # A watch stays on the directory that a mount hides.
        return watch.is_native and self._mounts_in(want, mounts) != self._mounted[want]

    def _mounts_in(self, want: Wanted, mounts: Mounts) -> tuple[int, ...]:
        if not want.is_recursive:
            return ()
        inside = mounts.below(want.directory)
        return tuple(mount.number for mount in inside if may_enter(self._subscriptions, want, mount.point))

    def _served_by(self, want: Wanted) -> set[Subscription]:
        return {subscription for subscription in self._subscriptions if subscription.is_served_by(want)}

    def _watch(self, want: Wanted, mounts: Mounts, *, is_over_limit: bool) -> bool:
        self._mounted[want] = self._mounts_in(want, mounts)
        try:
            self._watches[want] = self._observe(want, is_over_limit=is_over_limit)
        except OSError as error:
            log.debug("%r can't be observed now: %s", want.directory, error)
            return False
        mount = mounts.of(want.directory)
        if want.is_polled and mount is not None and must_poll(self._subscriptions, want):
            self._warn(want.directory, advice.silent(want.directory, mount, want.poll_interval))
        return True

    def _observe(self, want: Wanted, *, is_over_limit: bool) -> Watch:
        """Observe as wanted, or by polling where inotify's limits don't allow it. Raises OSError."""

        def enter(directory: str) -> bool:
            return may_enter(self._subscriptions, want, directory)

        make = partial(
            Terms,
            tell=self._tell,
            tell_lost=self._tell_lost,
            tell_end=lambda _: self._wake.set(),
            may_enter=enter,
            learn=None if self._is_started else partial(learn, self._subscriptions),
        )
        if not is_over_limit:
            try:
                return Watch(want, make(allowed=self._allowed()))
            except LimitReachedError:
                log.debug("inotify's limits are reached in %r", want.directory)
        needed = limits.watches_needed(want.directory, enter) if want.is_recursive else 1
        interval = min((each.poll_interval for each in self._served_by(want)), default=want.poll_interval)
        watch = Watch(want, make(instead=interval))
        self._warn(want.directory, advice.over_limit(want.directory, needed, interval))
        return watch

    def _warn(self, directory: str, sentence: str) -> None:
        if directory not in self._warned:
            self._warned.add(directory)
            log.warning("%s", sentence)

    def _watch_turns(self) -> None:
        """Watch, not deeper, each directory in which a name decides where a path leads."""
        self._turns = turns(self._subscriptions)
        wanted = set()
        for directory in {os.path.dirname(turn) for turn in self._turns}:
            if (identity := identity_of(directory)) is not None:
                wanted.add(Wanted(directory, identity, is_recursive=False))
        stale = [want for want, watch in self._turn_watches.items() if want not in wanted or watch.is_dead]
        for want in stale:
            self._turn_watches.pop(want).close()
        self._is_blind = False
        for want in wanted - self._turn_watches.keys():
            terms = Terms(tell=self._tell_turn, tell_end=lambda _: self._wake.set(), names_only=True)
            try:
                self._turn_watches[want] = Watch(want, terms)
            except (LimitReachedError, OSError):
                self._is_blind = True

    def _tell_turn(self, _: Watch, hint: Hint) -> None:
        if hint.path in self._turns:
            self._wake.set()

    def _tell(self, watch: Watch, hint: Hint) -> None:
        if hint.path.endswith(_RULES):
            watch.rules_changed_at = time.monotonic()
            self._wake.set()
        elif hint.is_directory:  # one that came may bring rules of its own: that can wait for the next look
            watch.rules_changed_at = max(watch.rules_changed_at, time.monotonic() - _SOON)
        for subscription in self._subscriptions:
            if subscription.polls(hint.path) == watch.wanted.is_polled:
                fact = subscription.fact(hint, is_polled=not watch.is_native)
                if fact is not None:
                    self._put(fact)

    def _tell_lost(self, watch: Watch) -> None:
        watch.rules_changed_at = time.monotonic()
        for subscription in self._served_by(watch.wanted):
            self._put(subscription.whole())


def _is_doubted(watch: Watch, seconds: float) -> bool:
    """Whether what is ignored may have become another thing in these seconds."""
    return time.monotonic() - watch.rules_changed_at < seconds
