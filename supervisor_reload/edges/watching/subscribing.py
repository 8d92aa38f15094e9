"""One watched path of one target, as the watching sees it: where it leads now, and which events are its own.

A directory outside to which a link leads that is followed is one more, under the real path of the directory.

Its place and what is polled are replaced as a whole, by the keeper's thread only, because the observers'
threads read them.
"""

# Names are exact strings here (any bytes), which Path would normalise.
# ruff: noqa: PTH100, PTH114, PTH118

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...core.facts import ChangeKind, FileChanged
from ...core.filters import GITIGNORE, Filter
from ...core.linked import Linked
from ...core.model import ObserverKind, TargetSettings
from .hints import Hint
from .mounts import Mounts
from .observing import Wanted
from .roots import Place, identity_of, locate

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(slots=True, eq=False)
class Subscription:
    """Who is told of a watched path's events, and how the path is spelt."""

    target: str
    path: str
    filter: Filter
    observer: ObserverKind
    poll_interval: float
    place: Place
    follows: bool = False
    """links out of the watched paths are followed"""
    link: str = ""
    """the link for whose sake it is watched, if it is; ``place`` is then where that leads"""
    polled: frozenset[str] = frozenset()
    """directories that are polled with all below them"""

    @property
    def named(self) -> str:
        """The path that decides what is watched."""
        return self.link or self.path

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
        if not self._is_watched(relative, hint):
            return None
        absolute = os.path.join(self.path, relative)
        return FileChanged(target=self.target, path=absolute, kind=hint.kind, is_polled=is_polled)

    def whole(self) -> FileChanged:
        """Anything of this path may have changed."""
        kind = ChangeKind.SETTLED if self.place.is_file else ChangeKind.RESCAN
        return FileChanged(target=self.target, path=self.named, kind=kind)

    def sees(self, path: str) -> bool:
        """Whether it tells what becomes of this name, without links in its path."""
        prefix = _prefix(self.place.directory)
        is_inside = not self.place.is_file and path.startswith(prefix)
        return is_inside and self.filter.file_is_watched(path[len(prefix) :])

    def _is_watched(self, relative: str, hint: Hint) -> bool:
        if hint.is_directory:
            return self.filter.directory_is_watched(relative)
        if self.filter.file_is_watched(relative) or self.filter.reads(relative):
            return True
        # What leads to a directory is judged as one.
        return self.follows and self.filter.directory_is_watched(relative) and os.path.islink(hint.path)


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
            terms = (chosen, watch.observer, watch.poll_interval, place, watch.follow_symlinks)
            found.append(Subscription(target.name, absolute, *terms))
    return tuple(found)


def with_linked(
    found: Iterable[Subscription],
    targets: Iterable[TargetSettings],
    linked: Callable[[str], Iterable[Linked]],
) -> tuple[Subscription, ...]:
    """The same with what links lead to now; those that are known stay the objects that they are."""
    own = [each for each in found if not each.link]
    known = {(each.target, each.link, each.path, each.filter): each for each in found if each.link}
    for target in targets:
        watch = target.watch
        for link, real, chosen in linked(target.name) if watch.follow_symlinks else ():
            before = known.get((target.name, link, real, chosen))
            terms = (chosen, watch.observer, watch.poll_interval)
            own.append(before or Subscription(target.name, real, *terms, locate(link), True, link))
    return tuple(own)


def turns(found: Sequence[Subscription]) -> frozenset[str]:
    """The names that decide where the paths lead, without the links of which a tree tells anyway."""
    names: set[str] = set()
    for one in found:
        seen_by = [other for other in found if other.target == one.target] if one.link else []
        names.update(turn for turn in one.place.turns if not any(other.sees(turn) for other in seen_by))
    return frozenset(names)


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
        if not stat.S_ISREG(
            os.lstat(file).st_mode
        ):  # to open a FIFO would block; a link is for Sources to judge
            return None
        with open(os.open(file, _OPEN), encoding="utf-8", errors="surrogateescape") as text:  # noqa: PTH123
            return text.read()
    except OSError:
        return None
