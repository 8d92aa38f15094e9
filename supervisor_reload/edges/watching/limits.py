"""How many watches a tree needs, and how many the kernel allows.

Never changes a limit. Where /proc has no answer (not Linux), the answers are None and nothing is refused.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ...core.filters import GITIGNORE

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


def watches_needed(
    directory: str,
    may_enter: Callable[[str], bool] = lambda _: True,
    learn: Callable[[str], None] = lambda _: None,
) -> int:
    """How many watches a tree takes: one per directory that may be read and entered, links not followed.

    ``learn`` is told each directory with a ``.gitignore``, before what is in it is judged.
    """
    needed = 0
    waiting = [directory]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(here) as entries:
                names = [(entry.path, entry.is_dir(follow_symlinks=False)) for entry in entries]
        except OSError:
            continue
        needed += 1
        if (os.path.join(here, GITIGNORE), False) in names:  # noqa: PTH118
            learn(here)
        waiting += [path for path, is_directory in names if is_directory and may_enter(path)]
    return needed
