"""What inotify needs, allows and really does, as the kernel tells it in /proc.

Never changes a limit. Where /proc has no answer (not Linux), the answers are None and nothing is refused.
"""

# These run for every directory of a tree, or on names that are made here.
# ruff: noqa: PTH115, PTH208

from __future__ import annotations

import os
from pathlib import Path

_LIMITS = ("/proc/sys/fs/inotify/max_user_watches", "/proc/sys/user/max_inotify_watches")
"""the second holds in a user namespace; the smaller one counts"""


def watches_allowed() -> int | None:
    """How many inotify watches all programs of this user may hold together."""
    found = []
    for name in _LIMITS:
        try:
            found.append(int(Path(name).read_text(encoding="ascii")))
        except (OSError, ValueError):
            continue
    return min(found, default=None)


def watches_needed(directory: str) -> int:
    """How many watches a tree takes: one per directory that may be read, links not followed."""
    needed = 0
    waiting = [directory]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                waiting += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
        except OSError:
            continue
        needed += 1
    return needed


def instances() -> frozenset[int]:
    """The descriptors of this process that are inotify instances."""
    found = set()
    try:
        names = os.listdir("/proc/self/fd")
    except OSError:
        return frozenset()
    for name in names:
        try:
            if os.readlink(f"/proc/self/fd/{name}") == "anon_inode:inotify":
                found.add(int(name))
        except OSError:  # closed meanwhile, such as the listing's own
            continue
    return frozenset(found)


def watches_held(descriptors: frozenset[int]) -> int | None:
    """How many watches these instances hold; None where that can't be told."""
    held = 0
    for descriptor in descriptors:
        try:
            text = Path(f"/proc/self/fdinfo/{descriptor}").read_text(encoding="ascii")
        except OSError:
            return None
        held += text.count("\ninotify wd:")
    return held if descriptors else None
