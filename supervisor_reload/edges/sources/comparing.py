"""The files of a target's trees as groups, and what differs between them and what is remembered.

It compares one directory at a time, so that what is remembered of a big tree is never in memory as a whole.
It reads no watched file: what the trees hold is taken for what there is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from ...core.adoption import SLACK
from ...core.revision import Weight
from .record import RECORD_SIZE, changed_at, short_digests
from .sections import GONE, BrokenError, Group
from .swapped import links_made

_NONE: dict[str, bytes] = {}


class Tree(Protocol):
    """What is known of the files below one path, or below several that are taken together."""

    @property
    def tables(self) -> Mapping[str, Mapping[str, bytes]]:
        """By directory, by name in it: the record of a file; what is shorter is none."""

    def absolute(self, relative: str) -> str:
        """The path of a name."""

    def relative(self, path: str) -> str | None:
        """The name of a path; None where it is not in it."""

    def check_gone(self, *, was_file: bool) -> None:
        """Of what had files before our life; raises RootUnreadableError where it may come back."""


def all_files(trees: Sequence[Tree]) -> Iterator[Group]:
    """Every file that is known."""
    for number, tree in enumerate(trees):
        for directory, table in tree.tables.items():
            files = short_digests(table)
            if files:
                yield Group(number, directory, files)


def counted(trees: Sequence[Tree]) -> tuple[int, int]:
    """How many files are known, and how many directories that are looked into."""
    files = directories = 0
    for tree in trees:
        tables = tree.tables
        single = tables.get("", _NONE)
        is_file = len(tables) == 1 and len(single.get("", b"")) == RECORD_SIZE
        directories += 0 if is_file else len(tables)
        files += sum(len(record) == RECORD_SIZE for table in tables.values() for record in table.values())
    return files, directories


def all_paths(trees: Sequence[Tree]) -> set[str]:
    """The absolute path of every file that is known."""
    return {path for group in all_files(trees) for path in _paths(trees, group, group.files)}


def newest_change(trees: Sequence[Tree], weight: Callable[[str, str], Weight]) -> float | None:
    """When the newest file came to be what it is, of those that count; None where its time lies ahead.

    In monotonic seconds. ``weight`` gets a file's absolute path and its name in its tree.
    """
    newest = 0.0
    for at, tree, relative in _times(trees):
        if at > newest and weight(tree.absolute(relative), relative) is not Weight.NONE:
            newest = at
    age = time.time() - newest
    return time.monotonic() - age if age > 0 else None


def changed_since(trees: Sequence[Tree], moment: float) -> set[str]:
    """The absolute paths of what came to be what it is after a moment (monotonic seconds), or may have."""
    after = moment - time.monotonic() + time.time() - SLACK
    return {tree.absolute(relative) for at, tree, relative in _times(trees) if at > after}


def _times(trees: Sequence[Tree]) -> Iterator[tuple[float, Tree, str]]:
    """When each file came to be what it is (seconds since 1970), with its name in its tree."""
    for tree in trees:
        linked = links_made(tree.absolute(""))
        for directory, table in tree.tables.items():
            prefix = f"{directory}/" if directory else ""
            for name, record in table.items():
                if len(record) == RECORD_SIZE:
                    yield max(changed_at(record), linked) / 1e9, tree, prefix + name


def files_at(trees: Sequence[Tree], paths: Iterable[str]) -> Iterator[Group]:
    """What there is at these absolute paths, in whatever trees they are; GONE where there is nothing."""
    found: dict[tuple[int, str], dict[str, bytes]] = {}
    for path in paths:
        for number, tree in enumerate(trees):
            relative = tree.relative(path)
            if relative is not None:
                directory, _, name = relative.rpartition("/")
                found.setdefault((number, directory), {})[name] = GONE
    for (number, directory), files in found.items():
        there = short_digests(trees[number].tables.get(directory, _NONE))
        yield Group(number, directory, {name: there.get(name, GONE) for name in files})


def differences(remembered: Iterable[Group], trees: Sequence[Tree]) -> set[str]:
    """The absolute paths of what is not there, not the same, or not remembered.

    Raises:
        BrokenError: it can't be what was remembered of these trees.
        RootUnreadableError: a tree that had files is gone, which is no change of them.
    """
    changed: set[str] = set()
    seen: list[set[str]] = [set() for _ in trees]
    for group in remembered:
        if group.root >= len(trees):
            raise BrokenError
        tree = trees[group.root]
        if group.files:
            tree.check_gone(was_file=not group.directory and "" in group.files)
        seen[group.root].add(group.directory)
        there = short_digests(tree.tables.get(group.directory, _NONE))
        names = [name for name in {**group.files, **there} if group.files.get(name) != there.get(name)]
        changed.update(_paths(trees, group, names))
    for group in all_files(trees):
        if group.directory not in seen[group.root]:
            changed.update(_paths(trees, group, group.files))
    return changed


def _paths(trees: Sequence[Tree], group: Group, names: Iterable[str]) -> Iterator[str]:
    prefix = f"{group.directory}/" if group.directory else ""
    return (trees[group.root].absolute(prefix + name) for name in names)
