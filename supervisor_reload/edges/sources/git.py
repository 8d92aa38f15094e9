"""Finds the git directory of a watched path, and tells whether git is at work there.

It looks for what git leaves in that directory while it works. It never runs git, never writes there, and
never takes an operation that waits for its user for one that goes on.
"""

# Names are exact strings here (any bytes), which Path would normalise.
# ruff: noqa: PTH112, PTH113, PTH118, PTH208

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_LOCK = "index.lock"
_LONGEST_POINTER = 4096
"""bytes read of a ``.git`` file; a path is no longer"""

STEP = 1.0
"""Seconds for which an operation of several commits may show no sign before it counts as waiting for its user
(a conflict, an ``edit``). One step takes some 10 ms, and a long one holds the index lock meanwhile."""

_OPERATIONS = {
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase or git am",
    "rebased-patches": "a rebase",
    "sequencer": "a cherry-pick or revert",
}
"""What is there while git goes from commit to commit, and drops the index lock in between: directories, and a
file that ``git rebase --apply`` writes after its first checkout."""

_HEAD = "HEAD"

Signature = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class _Progress:
    """What an operation looked like, and since when (monotonic)."""

    signature: Signature
    since: float


class GitWork:
    """What git does in the working trees of some paths; used by one thread."""

    def __init__(self) -> None:
        self._progress: dict[str, _Progress] = {}
        """by the operation's path, as it was at the question before"""

    def sign(self, path: str, now: float) -> str:
        """By what git is seen to be at work where this path lies, at a monotonic time; empty: by nothing."""
        directory = git_directory(path)
        if directory is None:
            return ""
        if os.path.lexists(os.path.join(directory, _LOCK)):
            return _LOCK
        for name, words in _OPERATIONS.items():
            if self._is_moving(directory, name, now):
                return words
        return ""

    def _is_moving(self, directory: str, name: str, now: float) -> bool:
        """Whether an operation is under way and took a step a short time ago.

        One that was not seen before may have just begun. The times of the files are compared with one
        another only, as their clock may be another machine's.
        """
        operation = os.path.join(directory, name)
        signature = _signature(directory, name)
        if not signature:
            self._progress.pop(operation, None)
            return False
        signature += _signature(directory, _HEAD) + _signature(operation, *_names(operation))
        before = self._progress.get(operation)
        if before is None or before.signature != signature:
            self._progress[operation] = before = _Progress(signature, now)
        return now - before.since < STEP


def git_directory(path: str) -> str | None:
    """Where git keeps the index of the working tree that holds this path; None where it is in none.

    A linked worktree and a submodule have a file ``.git`` that names the directory (gitrepository-layout(5)).
    """
    start = Path(os.path.realpath(path))
    for directory in (start, *start.parents):
        candidate = str(directory / ".git")
        if os.path.isdir(candidate):  # Path.is_dir raises where a directory above can't be searched
            return candidate
        if os.path.isfile(candidate):
            return _pointed_at(Path(candidate))
    return None


def _pointed_at(pointer: Path) -> str | None:
    try:
        with pointer.open("rb") as file:
            text = os.fsdecode(file.read(_LONGEST_POINTER))
    except OSError:
        return None
    if "\0" in text:
        return None
    word, _, name = text.partition(":")
    if word != "gitdir":
        return None
    return str(pointer.parent / name.strip())


def _names(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except OSError:  # a file, or just gone
        return []


def _signature(directory: str, *names: str) -> Signature:
    """Which of these files are there, and when they were written."""
    found = []
    for name in names:
        try:
            told = os.lstat(os.path.join(directory, name))
        except OSError:
            continue
        found.append((name, told.st_ino, told.st_mtime_ns, told.st_size))
    return tuple(found)
