"""One watched path of one target, as the watching sees it: where it leads now, and which events are its own.

Its place is replaced as a whole, by the keeper's thread only, because the observers' threads read it.
"""

# Names are exact strings here (any bytes), which Path would normalise.
# ruff: noqa: PTH100, PTH118

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ...core.facts import ChangeKind, FileChanged
from ...core.filters import Filter
from ...core.model import ObserverKind, TargetSettings
from .hints import Hint
from .observing import Wanted
from .roots import Place, identity_of, locate


@dataclass(slots=True, eq=False)
class Subscription:
    """Who is told of a watched path's events, and how the path is spelt."""

    target: str
    path: str
    filter: Filter
    is_polled: bool
    poll_interval: float
    place: Place

    def moves(self, place: Place) -> bool:
        """Take the place where the path leads now; whether that is another one than before."""
        if place == self.place or self._is_between_two_files(place):
            return False
        self.place = place
        return True

    def _is_between_two_files(self, place: Place) -> bool:
        """A single file that is gone for a moment, as when git writes it; its directory is still watched."""
        before = self.place
        return (
            before.is_file
            and place.identity is None
            and place.real == before.real
            and identity_of(before.directory) == before.identity
        )

    def wanted(self) -> Wanted | None:
        """What to observe for it now; None where the path leads nowhere."""
        place = self.place
        if place.identity is None:
            return None
        return Wanted(
            place.directory,
            place.identity,
            is_recursive=not place.is_file,
            is_polled=self.is_polled,
            poll_interval=self.poll_interval if self.is_polled else Wanted.poll_interval,
        )

    def is_served_by(self, wanted: Wanted) -> bool:
        """Whether the events of what is wanted (for somebody) may be this one's."""
        directory = self.place.directory
        if self.is_polled != wanted.is_polled or self.place.identity is None:
            return False
        return directory == wanted.directory or (
            wanted.is_recursive and directory.startswith(_prefix(wanted.directory))
        )

    def fact(self, hint: Hint) -> FileChanged | None:
        """What a hint is for this subscriber; None where it is none of its business."""
        place = self.place
        if hint.path == place.real:
            kind = ChangeKind.SETTLED if place.is_file and hint.kind is ChangeKind.RESCAN else hint.kind
            return FileChanged(target=self.target, path=self.path, kind=kind)
        prefix = _prefix(place.real)
        if place.is_file or not hint.path.startswith(prefix):
            return None
        relative = hint.path[len(prefix) :]
        if not self._is_watched(relative, is_directory=hint.is_directory):
            return None
        return FileChanged(target=self.target, path=os.path.join(self.path, relative), kind=hint.kind)

    def whole(self) -> FileChanged:
        """Anything of this path may have changed."""
        kind = ChangeKind.SETTLED if self.place.is_file else ChangeKind.RESCAN
        return FileChanged(target=self.target, path=self.path, kind=kind)

    def _is_watched(self, relative: str, *, is_directory: bool) -> bool:
        if is_directory:
            return self.filter.directory_is_watched(relative)
        return self.filter.file_is_watched(relative) or self.filter.reads(relative)


def subscriptions(
    targets: Iterable[TargetSettings], filters: Mapping[str, Sequence[Filter]]
) -> tuple[Subscription, ...]:
    """One for each watched path of each target."""
    found = []
    for target in targets:
        watch = target.watch
        for path, chosen in zip(watch.paths, filters[target.name], strict=True):
            absolute = os.path.abspath(path)
            is_polled = watch.observer is ObserverKind.POLLING
            place = locate(absolute)
            found.append(Subscription(target.name, absolute, chosen, is_polled, watch.poll_interval, place))
    return tuple(found)


def to_observe(found: Iterable[Subscription]) -> set[Wanted]:
    """What must be observed for all of them: a tree inside another one is observed with that."""
    wanted = {want for want in (subscription.wanted() for subscription in found) if want is not None}
    return {want for want in wanted if not any(_includes(other, want) for other in wanted)}


def _includes(outer: Wanted, inner: Wanted) -> bool:
    if outer == inner or not outer.is_recursive or outer.is_polled != inner.is_polled:
        return False
    if outer.directory == inner.directory:
        return not inner.is_recursive
    return inner.directory.startswith(_prefix(outer.directory))


def _prefix(directory: str) -> str:
    return directory.rstrip("/") + "/"
