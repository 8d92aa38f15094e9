"""What an operator reads about a tree that is polled although events were wanted: why, and the remedy.

Only words; who says them, and how often, is decided elsewhere.
"""

from __future__ import annotations

from .mounts import Mount

_COMMON_WATCHES = 524_288
_COMMON_INSTANCES = 1024
"""what most distributions and editors advise to set; an unused watch costs nothing"""


def over_limit(directory: str, needed: int, interval: float) -> str:
    """The kernel grants too few watches. The interval is in seconds."""
    return (
        f"inotify's limits don't allow the {needed} watches and the instance that {directory!r} needs: it is"
        f" polled every {interval:g} s instead. To raise them: sysctl -w fs.inotify.max_user_watches="
        f"{max(_COMMON_WATCHES, 2 * needed)} fs.inotify.max_user_instances={_COMMON_INSTANCES}"
    )


def silent(directory: str, mount: Mount, interval: float) -> str:
    """The file system does not tell all changes. The interval is in seconds."""
    return (
        f"{directory!r} is on {mount.kind} (mounted at {mount.point!r}), which tells nothing of changes that"
        f" others make: it is polled every {interval:g} s. Set observer=native if all changes are made on"
        " this machine through this mount, or watch the files where they really are"
    )
