"""What the kernel grants for watching, what is used of it by now, and where no event can be had. It watches
nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ..edges.watching import plan
from ..edges.watching.limits import watches_allowed
from .finding import Finding, ok, warning
from .patient import Patient, name_of

INSTANCES = "/proc/sys/fs/inotify/max_user_instances"
LINK = "anon_inode:inotify"
"""What the link of an inotify's descriptor says"""

ENOUGH = 524_288
"""Watches that most distributions and editors advise to allow; an unused one costs nothing."""


def inotify(patient: Patient) -> Iterator[Finding]:
    """Watches and instances: they are counted for each user, all his programs together."""
    allowed = watches_allowed()
    if allowed is None or not patient.targets:
        return
    uid = patient.listener_uid
    needed = plan(patient.targets).watches
    instances, others = _used(uid, patient.listener or 0)
    what = (
        f"{needed:,} watches needed, {others:,} used by other programs of {name_of(uid)}, {allowed:,} allowed"
    )
    if needed + others > allowed:
        wanted = max(ENOUGH, 2 * (needed + others))
        yield warning(
            "inotify",
            f"{what}: trees that don't fit are polled",
            f"sysctl -w fs.inotify.max_user_watches={wanted}, and the same in /etc/sysctl.d to keep it",
        )
    else:
        yield ok("inotify", what)
    most = _number(INSTANCES)
    if most is not None and instances >= most - 1:
        yield warning(
            "inotify",
            f"{name_of(uid)} has {instances} inotify instances, and {most} are allowed: the next listener "
            "polls",
            "sysctl -w fs.inotify.max_user_instances=1024, and the same in /etc/sysctl.d to keep it",
        )


def _used(uid: int, listener: int) -> tuple[int, int]:
    """The instances of a user, and the watches of all his processes but one; as far as we may look."""
    instances = watches = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.stat().st_uid != uid:
                continue
            found = [
                _watches(process, entry.name)
                for entry in os.scandir(process / "fd")
                if _is_inotify(entry.path)
            ]
        except OSError:
            continue  # it has gone, or is not ours to look at
        instances += len(found)
        watches += 0 if process.name == str(listener) else sum(found)
    return instances, watches


def _is_inotify(descriptor: str) -> bool:
    try:
        return os.readlink(descriptor) == LINK  # noqa: PTH115 - no path
    except OSError:
        return False


def _watches(process: Path, descriptor: str) -> int:
    """How many one instance has (proc(5): a line of its fdinfo for each)."""
    try:
        text = (process / "fdinfo" / descriptor).read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    return sum(line.startswith("inotify wd:") for line in text.splitlines())


def _number(file: str) -> int | None:
    try:
        return int(Path(file).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def mounts(patient: Patient) -> Iterator[Finding]:
    """File systems that don't tell what others change: shares, networks, FUSE."""
    if not patient.targets:
        return
    polled = plan(patient.targets).polled
    for sentence in polled:
        text, _, remedy = sentence.partition(". ")
        yield warning("mounts", text, remedy)
    if not polled:
        yield ok("mounts", "every watched tree is on a file system that tells of its changes")
