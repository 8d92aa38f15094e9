"""Finds the git directory of a watched path, and looks whether git is at work there. Never runs git."""

from __future__ import annotations

import os
from pathlib import Path

_LOCK = "index.lock"
_LONGEST_POINTER = 4096
"""bytes read of a ``.git`` file; a path is no longer"""


def is_held(path: str) -> bool:
    """Whether git holds its index lock in the working tree that the path lies in."""
    directory = git_directory(path)
    return directory is not None and Path(directory, _LOCK).exists()


def git_directory(path: str) -> str | None:
    """Where git keeps the index of the working tree that holds this path; None where it is in none.

    A linked worktree and a submodule have a file ``.git`` that names the directory (gitrepository-layout(5)).
    """
    start = Path(os.path.realpath(path))
    for directory in (start, *start.parents):
        candidate = directory / ".git"
        if candidate.is_dir():
            return str(candidate)
        if candidate.is_file():
            return _pointed_at(candidate)
    return None


def _pointed_at(pointer: Path) -> str | None:
    try:
        with pointer.open("rb") as file:
            text = os.fsdecode(file.read(_LONGEST_POINTER))
    except OSError:
        return None
    word, _, name = text.partition(":")
    if word != "gitdir":
        return None
    return str(pointer.parent / name.strip())
