"""The directories outside of a target's watched paths that links lead to: each is a tree of its own.

Which ones there are is a function of what is on the disk, whatever was looked at first: the links of the
watched paths lead to the first ones, their links to the next, in the order of their names. Each directory is
read once, under its real path, so links that go round in a circle come to an end. None is entered that lies
in one that is read already, or above one. It decides nothing about files.
"""

# Names are exact strings here (any bytes), which Path would normalise.
# ruff: noqa: PTH116

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from ...core.filters import Filter
from ...core.linked import Linked
from ...core.model import WatchSettings
from .reach import Reach, is_in
from .tree import RootUnreadableError, Tree

log = logging.getLogger(__name__)

MOST = 32
"""directories outside of one target's watched paths; each takes an observer. Links to more lead nowhere."""

NoteIn = Callable[[str, str, bytes | None, bytes | None], None]
"""As ``Note``, with the real path of the directory first."""


class LinkedTrees:
    """The trees behind the links of one target. Together they are one more tree, below ``/``.

    Args:
        watch: the settings of the target.
        reach: what links may lead to.
        note: is told every difference.
        pause: as for Tree.
        check_interrupt: as for Tree.
    """

    def __init__(
        self,
        watch: WatchSettings,
        reach: Reach,
        note: NoteIn,
        pause: Callable[[], None],
        check_interrupt: Callable[[], None],
    ) -> None:
        self._watch = watch
        self._reach = reach
        self._note = note
        self._pause = pause
        self._check_interrupt = check_interrupt
        self._trees: dict[str, Tree] = {}
        """by real path; replaced as a whole"""
        self._filters: dict[str, Filter] = {}
        self._failing: set[str] = set()
        self._is_over = False
        self.found: tuple[Linked, ...] = ()
        """for the watching; replaced as a whole, for other threads"""

    def __iter__(self) -> Iterator[Tree]:
        return iter(self._trees.values())

    @property
    def tables(self) -> Mapping[str, Mapping[str, bytes]]:
        """As of a tree: by directory, by name in it, the record of a file."""
        return _Tables(self._trees)

    def absolute(self, relative: str) -> str:
        """The path of a name."""
        return "/" + relative

    def relative(self, path: str) -> str | None:
        """The name of a path; None where it is in no tree."""
        return path[1:] if any(tree.relative(path) is not None for tree in self) else None

    def check_gone(self, *, was_file: bool) -> None:
        """What a link leads to may go like any directory in a tree."""

    def look(self, hints: Sequence[str] | None) -> None:
        """Look at all trees, or at what the hints name; a link among them is what it leads to."""
        behind = {each.link: each.real for each in self.found}
        named = None if hints is None else [*hints, *(behind[hint] for hint in hints if hint in behind)]
        for real, tree in list(self._trees.items()):
            self._look(real, tree, named)

    def follow(self, roots: Iterable[Tree]) -> None:
        """After the watched paths were looked at: enter what links lead to now, and forget the rest."""
        chosen: dict[str, Tree] = {}
        identities: set[tuple[int, int]] = set()
        level: Sequence[Tree] = tuple(roots)
        is_over = False
        while level:
            ahead = sorted({real for tree in level for _, real in tree.links})
            level = []
            for real in ahead:
                identity = _identity(real)
                if not self._is_new(real, chosen) or identity is None or identity in identities:
                    continue
                if len(chosen) >= MOST:
                    is_over = True
                    break
                identities.add(identity)
                chosen[real] = self._entered(real)
                level = [*level, chosen[real]]
        self._tell_over(is_over=is_over)
        self._keep(chosen, roots)

    def _is_new(self, real: str, chosen: Iterable[str]) -> bool:
        return self._reach.is_apart(real) and not any(is_in(real, one) or is_in(one, real) for one in chosen)

    def _entered(self, real: str) -> Tree:
        tree = self._trees.get(real)
        if tree is None:
            self._filters[real] = Filter(self._watch)
            tree = Tree(
                real,
                self._filters[real],
                self._reach,
                partial(self._note, real),
                self._pause,
                self._check_interrupt,
            )
            self._trees = {**self._trees, real: tree}
            self._look(real, tree, None)
        return tree

    def _look(self, real: str, tree: Tree, hints: Sequence[str] | None) -> None:
        try:
            if hints is None:
                tree.full_look()
            else:
                tree.look(hints)
        except RootUnreadableError as error:
            if real not in self._failing:
                self._failing.add(real)
                log.warning("what a link in a watched path leads to can't be read: %s", error)
        else:
            self._failing.discard(real)

    def _keep(self, chosen: dict[str, Tree], roots: Iterable[Tree]) -> None:
        for real in self._trees.keys() - chosen.keys():
            self._trees[real].forget()
            self._failing.discard(real)
            del self._filters[real]
        self._trees = chosen
        found = {
            Linked(link, real, self._filters[real])
            for tree in (*roots, *chosen.values())
            for link, real in tree.links
            if real in chosen
        }
        self.found = tuple(sorted(found, key=lambda each: each[:2]))

    def _tell_over(self, *, is_over: bool) -> None:
        if is_over and not self._is_over:
            log.warning(
                "links in %s lead to more than %d directories outside: the others are not followed",
                *(", ".join(self._watch.paths), MOST),
            )
        self._is_over = is_over


class _Tables(Mapping[str, Mapping[str, bytes]]):
    """The tables of several trees as those of one, without making them anew."""

    def __init__(self, trees: Mapping[str, Tree]) -> None:
        self._trees = trees

    def __getitem__(self, directory: str) -> Mapping[str, bytes]:
        path = "/" + directory
        for real, tree in self._trees.items():
            if is_in(path, real):
                return tree.tables[path[len(real) + 1 :]]
        raise KeyError(directory)

    def __iter__(self) -> Iterator[str]:
        for real, tree in self._trees.items():
            yield from (_join(real[1:], directory) for directory in tree.tables)

    def __len__(self) -> int:
        return sum(len(tree.tables) for tree in self._trees.values())


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _join(directory: str, name: str) -> str:
    return f"{directory}/{name}" if name else directory
