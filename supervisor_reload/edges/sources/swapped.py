"""When the links on the way to a watched path were made: ``current -> releases/17`` makes all files new.

However old they are, a program that was started before the link was made runs others. It only looks.
"""

# Names are exact strings here (any bytes), which Path would normalise.
# ruff: noqa: PTH115, PTH118, PTH120

from __future__ import annotations

import os
import stat

MOST_LINKS = 40
"""as many as the kernel follows on one way (path_resolution(7))"""


def links_made(path: str) -> int:
    """When the newest link on the way to it was made (nanoseconds since 1970); 0 where there is none."""
    newest = 0
    for _ in range(MOST_LINKS):
        way = path
        while way != os.path.dirname(way):
            try:
                found = os.lstat(way)
                target = os.readlink(way) if stat.S_ISLNK(found.st_mode) else ""
            except OSError:
                return newest
            if target:
                newest = max(newest, found.st_ctime_ns)
                path = os.path.normpath(os.path.join(os.path.dirname(way), target) + path[len(way) :])
                break
            way = os.path.dirname(way)
        else:
            return newest
    return newest
