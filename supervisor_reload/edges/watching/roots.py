"""Where a watched path leads now, through which links, and which directories tell when that changes.

Only looks, once per question; whoever asks again sees a root that went, came back or was exchanged.
"""

# Names are exact strings here (any bytes), which Path would normalise.
# ruff: noqa: PTH112, PTH115, PTH116, PTH118, PTH120

from __future__ import annotations

import os
import stat
from collections import deque
from dataclasses import dataclass

_MOST_LINKS = 40
"""as the kernel's own limit on links in one path (path_resolution(7))"""

Identity = tuple[int, int]
"""(st_dev, st_ino)"""


@dataclass(frozen=True, slots=True)
class Place:
    """What a watched path is at one moment."""

    real: str
    """where it leads, without links; where a part is missing, the path of that part"""
    is_file: bool
    identity: Identity | None
    """of the directory to watch; None where the path leads nowhere"""
    turns: frozenset[str]
    """the names that decide where the path leads: each link on the way, its end, or what is missing"""

    @property
    def directory(self) -> str:
        """The directory to watch for the path's content."""
        return os.path.dirname(self.real) if self.is_file else self.real


def locate(path: str) -> Place:
    """Follow an absolute path as the kernel would."""
    waiting = deque(path.split("/"))
    turns: set[str] = set()
    links = 0
    here = "/"
    while waiting:
        name = waiting.popleft()
        if name in ("", ".", ".."):
            here = os.path.dirname(here) if name == ".." else here
            continue
        candidate = os.path.join(here, name)
        pointed = _read_link(candidate)
        if pointed is None:
            here = candidate
            continue
        links += 1
        turns.add(candidate)
        if links > _MOST_LINKS:
            break
        here = "/" if pointed.startswith("/") else here
        waiting.extendleft(reversed(pointed.split("/")))
    return _place(here, turns)


def identity_of(directory: str) -> Identity | None:
    """Of what has this name now, links followed; None where there is nothing."""
    try:
        found = os.stat(directory)
    except OSError:
        return None
    return (found.st_dev, found.st_ino)


def _read_link(path: str) -> str | None:
    try:
        return os.readlink(path)
    except OSError:  # no link, or nothing there
        return None


def _place(end: str, turns: set[str]) -> Place:
    try:
        found = os.lstat(end)
    except OSError:
        found = None
    if found is None or stat.S_ISLNK(found.st_mode):
        missing = end
        while not os.path.isdir(parent := os.path.dirname(missing)):
            missing = parent
        return Place(missing, False, None, frozenset(turns | {missing}))
    is_file = not stat.S_ISDIR(found.st_mode)
    identity = identity_of(os.path.dirname(end) if is_file else end)
    return Place(end, is_file, identity, frozenset(turns | {end}))
