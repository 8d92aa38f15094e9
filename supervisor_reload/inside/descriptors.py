"""Copies of descriptors at numbers that supervisord leaves alone. It opens nothing by itself.

On SIGHUP supervisord closes every descriptor from 5 to ``minfds`` (``ServerOptions.cleanup_fds``), and a
child between fork and exec from 3 to ``minfds``. So what shall outlive a restart must have a higher number.
"""

from __future__ import annotations

import errno
import fcntl
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOM = 256
"""descriptors above ``minfds`` for which the limit is raised while one of them is made"""
LOWEST = 3

Identity = tuple[int, int]
"""device and inode"""


def identity(fd: int) -> Identity | None:
    """What a descriptor leads to; None where it is closed."""
    try:
        found = os.fstat(fd)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def path_identity(path: str) -> Identity | None:
    """What a path leads to; None where there is nothing."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def low_copy(fd: int) -> int:
    """A copy that closes on exec, at any number; raises OSError."""
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, LOWEST)


def high_copy(fd: int, floor: int) -> int:
    """A copy that closes on exec, at ``floor`` or above; OSError or ValueError where the limit is too low.

    Under systemd's usual limit of 1024, which is supervisord's ``minfds`` too, no such number may be used
    (EINVAL). Then the limit is raised for a moment only: a descriptor stays when it is lowered again, and the
    programs inherit the limit that they had.
    """
    try:
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, floor)
    except OSError as why:
        if why.errno not in (errno.EINVAL, errno.EMFILE):
            raise
    with _limit_of(floor + ROOM):
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, floor)


def best_copy(fd: int, floor: int) -> int:
    """A high copy, or a low one where there can be none; raises OSError where there can be neither."""
    try:
        return high_copy(fd, floor)
    except (OSError, ValueError):
        return low_copy(fd)


@contextmanager
def _limit_of(wanted: int) -> Iterator[None]:
    """Raise the limit of open files to at least so many, and set it back."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    higher = hard if hard == resource.RLIM_INFINITY else max(hard, wanted)  # more than hard: root only
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), higher))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
