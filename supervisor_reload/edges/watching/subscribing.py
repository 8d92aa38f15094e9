"""One watched path of one target, as the watching sees it: where it leads now, and which events are its own.

Its place and what is polled are replaced as a whole, by the keeper's thread only, because the observers'
threads read them.
"""

# Names are exact strings here (any bytes), which Path would normalise.
# ruff: noqa: PTH100, PTH116, PTH118

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...core.facts import ChangeKind, FileChanged
from ...core.filters import GITIGNORE, Filter
from ...core.model import ObserverKind, TargetSettings
from .hints import Hint
from .mounts import Mounts
from .observing import Wanted
from .roots import Place, identity_of, locate


@dataclass(slots=True, eq=False)
class Subscription:
    """Who is told of a watched path's events, and how the path is spelt."""

    target: str
    path: str
    filter: Filter
    observer: ObserverKind
    poll_interval: float
    place: Place
    polled: frozenset[str] = frozenset()
    """directories that are polled with all below them"""

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

    def adapt(self, mounts: Mounts) -> bool:
        """Poll what must be polled, as it is mounted now; whether that is something else than before."""
        polled = self._polled(mounts)
        is_news, self.polled = polled != self.polled, polled
        return is_news

    def _polled(self, mounts: Mounts) -> frozenset[str]:
        place = self.place
        mount = mounts.of(place.directory)
        if self.observer is ObserverKind.NATIVE:
            return frozenset()
        if self.observer is ObserverKind.POLLING or (mount is not None and mount.is_silent):
            return frozenset({place.directory})
        below = mounts.below(place.directory) if not place.is_file else ()
        return frozenset(mount.point for mount in below if mount.is_silent and self.watches(mount.point))

    def polls(self, path: str) -> bool:
        """Whether what happens at this path is found out by polling, not by events."""
        return any(path == directory or path.startswith(_prefix(directory)) for directory in self.polled)

    def wanted(self) -> Iterator[Wanted]:
        """What to observe for it now; nothing where the path leads nowhere."""
        place = self.place
        if place.identity is None:
            return
        is_tree = not place.is_file
        if place.directory not in self.polled:
            yield Wanted(place.directory, place.identity, is_tree)
        for directory in self.polled:
            identity = place.identity if directory == place.directory else identity_of(directory)
            if identity is not None:
                yield Wanted(directory, identity, is_tree, is_polled=True, poll_interval=self.poll_interval)

    def watches(self, directory: str) -> bool:
        """Whether it watches anything in or below a directory, by whatever way."""
        place = self.place
        if (place.directory + "/").startswith(_prefix(directory)):
            return place.identity is not None
        prefix = _prefix(place.directory)
        return (
            not place.is_file
            and directory.startswith(prefix)
            and self.filter.directory_is_watched(directory[len(prefix) :])
        )

    def enters(self, directory: str, *, is_polled: bool) -> bool:
        """Whether one way of observing must look into a directory for it."""
        if not self.watches(directory):
            return False
        if not self.polled:
            return not is_polled
        if self.polls(directory):
            return is_polled
        return not is_polled or any(each.startswith(_prefix(directory)) for each in self.polled)

    def learn(self, directory: str) -> None:
        """Take in the ``.gitignore`` of a directory; only before Sources, whose work it is, began to read."""
        place = self.place
        prefix = _prefix(place.real)
        if place.is_file or not _prefix(directory).startswith(prefix):
            return
        relative = directory[len(prefix) :]
        if self.filter.directory_is_watched(relative):
            self.filter.set_gitignore(relative, _text(os.path.join(directory, GITIGNORE)))

    def is_served_by(self, wanted: Wanted) -> bool:
        """Whether the events of what is wanted (for somebody) may be this one's."""
        return any(own == wanted or _includes(wanted, own) for own in self.wanted())

    def fact(self, hint: Hint, *, is_polled: bool = False) -> FileChanged | None:
        """What a hint is for this subscriber; None where it is none of its business."""
        place = self.place
        if hint.path == place.real:
            kind = ChangeKind.SETTLED if place.is_file and hint.kind is ChangeKind.RESCAN else hint.kind
            return FileChanged(target=self.target, path=self.path, kind=kind, is_polled=is_polled)
        prefix = _prefix(place.real)
        if place.is_file or not hint.path.startswith(prefix):
            return None
        relative = hint.path[len(prefix) :]
        if not self._is_watched(relative, is_directory=hint.is_directory):
            return None
        absolute = os.path.join(self.path, relative)
        return FileChanged(target=self.target, path=absolute, kind=hint.kind, is_polled=is_polled)

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
            place = locate(absolute)
            found.append(
                Subscription(target.name, absolute, chosen, watch.observer, watch.poll_interval, place)
            )
    return tuple(found)


def to_observe(found: Iterable[Subscription]) -> set[Wanted]:
    """What must be observed for all of them: a tree inside another one is observed with that."""
    wanted = {want for subscription in found for want in subscription.wanted()}
    return {want for want in wanted if not any(_includes(other, want) for other in wanted)}


def may_enter(found: Iterable[Subscription], wanted: Wanted, directory: str) -> bool:
    """Whether observing what is wanted must look into a directory, for anybody."""
    return any(subscription.enters(directory, is_polled=wanted.is_polled) for subscription in found)


def must_poll(found: Iterable[Subscription], wanted: Wanted) -> bool:
    """Whether somebody who left the choice to us has it polled, because of the file system."""
    return any(
        subscription.observer is ObserverKind.AUTO and wanted.directory in subscription.polled
        for subscription in found
    )


def learn(found: Iterable[Subscription], directory: str) -> None:
    """Let everybody take in the ``.gitignore`` of a directory; see Subscription.learn."""
    for subscription in found:
        subscription.learn(directory)


def _includes(outer: Wanted, inner: Wanted) -> bool:
    if outer == inner or not outer.is_recursive or outer.is_polled != inner.is_polled:
        return False
    if outer.directory == inner.directory:
        return not inner.is_recursive
    return inner.directory.startswith(_prefix(outer.directory))


def _prefix(directory: str) -> str:
    return directory.rstrip("/") + "/"


def _text(file: str) -> str | None:
    try:
        if not stat.S_ISREG(os.stat(file).st_mode):  # to open a FIFO would block
            return None
        return Path(file).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
