"""Our listener's journal, handed out by supervisord to whoever it lets in: also from another machine.

It reads two files, with limits, and understands neither; what is in them is the asker's business.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
import time
from pathlib import Path
from typing import Any
from xmlrpc.client import Binary

MOST = 16 * 1024 * 1024
"""bytes that are handed out, as many as are read at home; a journal of 1,000 processes has about 1.5 MB"""

LARGEST = 2**31 - 1
"""the largest number that XML-RPC carries, whose int has 32 bits; no pid is as large"""

NOBODY, SOMEBODY = -1, 0
"""in place of the listener's pid: none works, and one of which the pid can't be told"""

BOOT = "/proc/sys/kernel/random/boot_id"


def directory_of(supervisord: Any, written: str) -> str:
    """The listener's ``state_dir``: as the section says, else by the listener's own rule."""
    if written:
        return os.path.expanduser(written)  # noqa: PTH111 -- as supervisord does
    options = supervisord.options
    files = [str(each["file"]) for each in options.server_configs if each["family"] == socket.AF_UNIX]
    beside = files[0] if files else str(options.pidfile)
    return str(Path(beside).parent / f"supervisor_reload-{options.identifier}".replace("/", "_"))


def hand_out(directory: str) -> dict[str, Any]:
    """What whoever asks needs to make sense of it.

    Raises OSError, always with the file's name, where it can't be read, is not there or is no file.
    """
    path = Path(directory, "journal")
    try:
        content, found = _read(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    return {
        "path": str(path),
        "content": Binary(content),
        "size": len(content) if len(content) < MOST else min(max(MOST, found.st_size), LARGEST),
        "written": found.st_mtime,
        "age": max(0.0, time.time() - found.st_mtime),
        "now": time.monotonic(),
        "boot": _boot(),
        "listener": _listener(Path(directory, "lock")),
    }


def _read(path: Path) -> tuple[bytes, os.stat_result]:
    """The first MOST bytes: all there is, unless there are as many."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is no file")
        parts: list[bytes] = []
        left = MOST
        while left and (part := os.read(descriptor, left)):
            parts.append(part)
            left -= len(part)
        return b"".join(parts), found
    finally:
        os.close(descriptor)


def _listener(lock: Path) -> int:
    """The pid of the listener that works there."""
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return NOBODY
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.read(descriptor, 20).strip()
        return int(pid) if pid.isdigit() and int(pid) <= LARGEST else SOMEBODY
    except OSError:
        return SOMEBODY
    finally:
        os.close(descriptor)
    return NOBODY


def _boot() -> str:
    try:
        return Path(BOOT).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
