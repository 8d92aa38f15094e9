"""What would be observed for some targets, and how, for those who ask before anything runs.

It looks at the trees as Watching would, and never observes anything.
"""

# Names are exact strings here (any bytes), which Path would normalise.
# ruff: noqa: PTH120

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from ...core.filters import filters_of
from ...core.model import TargetSettings
from . import advice
from .limits import watches_needed
from .mounts import Mounts, MountTable
from .observing import Wanted
from .subscribing import Subscription, learn, may_enter, must_poll, subscriptions, to_observe


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How the watched paths of some targets would be observed."""

    watches: int
    """inotify watches that they take together"""
    polled: tuple[str, ...]
    """a sentence for each tree that is polled because of its file system"""


def plan(targets: Iterable[TargetSettings], mounts: Mounts | None = None) -> Plan:
    """Look through the watched trees; mounts are the ones of now where None."""
    chosen = list(targets)
    found = subscriptions(chosen, filters_of(chosen))
    mounts = mounts or MountTable().now()
    for subscription in found:
        subscription.adapt(mounts)
    watches = 0
    polled = []
    for want in sorted(to_observe(found), key=lambda each: each.directory):
        if not want.is_polled:
            watches += _watches(want, found)
        elif (mount := mounts.of(want.directory)) is not None and must_poll(found, want):
            polled.append(advice.silent(want.directory, mount, want.poll_interval))
    deciding = {os.path.dirname(turn) for subscription in found for turn in subscription.place.turns}
    return Plan(watches=watches + len(deciding), polled=tuple(polled))


def _watches(want: Wanted, found: Iterable[Subscription]) -> int:
    if not want.is_recursive:
        return 1
    return watches_needed(want.directory, partial(may_enter, found, want), partial(learn, found))
