"""The links to directories in one tree that shall be followed, and where they lead.

It only looks at names; what is behind a link is another tree's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping

from ...core.filters import Filter
from .reach import Reach

_NONE: frozenset[str] = frozenset()


class Links:
    """By directory and name in it, the real path that a link leads to. Empty where none is followed.

    Args:
        absolute: the path of a name in the tree.
        chosen: tells what is watched.
        reach: tells what is followed.
    """

    def __init__(self, absolute: Callable[[str], str], chosen: Filter, reach: Reach) -> None:
        self._absolute = absolute
        self._filter = chosen
        self._reach = reach
        self._found: dict[str, dict[str, str]] = {}

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Each link's absolute path, with the real path of the directory behind it."""
        for directory, names in self._found.items():
            for name, real in names.items():
                yield self._absolute(f"{directory}/{name}" if directory else name), real

    def compare(self, directory: str, entries: Mapping[str, os.DirEntry[str]]) -> Collection[str]:
        """Take what is in a directory now; the names that are links, which have to be read at each look."""
        if not self._reach.is_open:
            return _NONE
        links = {name for name, entry in entries.items() if entry.is_symlink()}
        for name in links | self._found.get(directory, {}).keys():
            self.note(directory, name)
        return links

    def note(self, directory: str, name: str) -> None:
        """Look at one name."""
        relative = f"{directory}/{name}" if directory else name
        real = None
        if self._reach.is_open and name and self._filter.directory_is_watched(relative):
            real = self._reach.linked_directory(self._absolute(relative))
        if real is not None:
            self._found.setdefault(directory, {})[name] = real
        elif directory in self._found:
            self._found[directory].pop(name, None)

    def forget(self, directory: str) -> None:
        """The directory is not watched any more."""
        self._found.pop(directory, None)
