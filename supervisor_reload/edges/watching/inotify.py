"""The kernel's inotify(7), as much of it as the watching needs.

watchdog's own binding takes a tree as a whole and can't leave a directory out of it; this takes single
directories. It knows neither trees nor what an event means, and it never blocks but in ``wait``.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import struct
import termios
import threading
from collections.abc import Iterator
from typing import NamedTuple

MODIFY = 0x00000002
ATTRIB = 0x00000004
CLOSE_WRITE = 0x00000008
MOVED_FROM = 0x00000040
MOVED_TO = 0x00000080
CREATE = 0x00000100
DELETE = 0x00000200
Q_OVERFLOW = 0x00004000
IGNORED = 0x00008000
IS_DIRECTORY = 0x40000000

NAMES = CREATE | DELETE | MOVED_FROM | MOVED_TO
"""names that come and go"""

CONTENTS = NAMES | MODIFY | ATTRIB | CLOSE_WRITE
"""and what becomes of the files. Nothing that a reader causes: looking at a tree must not make events."""

_HOW = 0x01000000 | 0x02000000 | 0x04000000
"""IN_ONLYDIR, IN_DONT_FOLLOW, IN_EXCL_UNLINK (a file that was removed and is still open is nobody's code)"""

_HEAD = struct.Struct("iIII")
"""struct inotify_event without its name: wd, mask, cookie, len"""

_libc = ctypes.CDLL(None, use_errno=True)


class Event(NamedTuple):
    """One event; the name is empty where it is about the watched directory itself."""

    watch: int
    mask: int
    name: str


class Inotify:
    """One inotify instance.

    Raises (when made):
        OSError: EMFILE, where the user has no more instances (fs.inotify.max_user_instances).
    """

    def __init__(self) -> None:
        descriptor = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if descriptor < 0:
            raise _error()
        self.descriptor: int = descriptor
        try:
            self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        except OSError:
            os.close(descriptor)
            raise
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)
        self._poll.register(self._bell, select.POLLIN)
        self._lock = threading.Lock()
        self._is_closed = False

    def add(self, directory: str, mask: int) -> int:
        """Watch one directory; answers its watch, the same as before for a directory that is watched.

        Raises:
            OSError: ENOSPC where the user has no more watches; ENOENT, EACCES ...
        """
        watch: int = _libc.inotify_add_watch(
            self.descriptor, os.fsencode(directory), ctypes.c_uint32(mask | _HOW)
        )
        if watch < 0:
            raise _error()
        return watch

    def remove(self, watch: int) -> None:
        """End a watch, if it has not ended by itself. An event IGNORED follows."""
        _libc.inotify_rm_watch(self.descriptor, watch)

    def wait(self, seconds: float | None) -> bool:
        """Until there is something to read, or ``ring``; whether there was either in this time."""
        ready = self._poll.poll(None if seconds is None else seconds * 1000)
        if any(descriptor == self._bell for descriptor, _ in ready):
            os.eventfd_read(self._bell)
        return bool(ready)

    def read(self) -> list[Event]:
        """All that waits to be read, without waiting.

        Everything at once, because the kernel throws away what comes while its queue is full.
        Raises OSError.
        """
        size = bytearray(4)
        fcntl.ioctl(self.descriptor, termios.FIONREAD, size)
        waiting = int.from_bytes(size, "little" if struct.pack("=H", 1)[0] else "big")
        return list(_parse(os.read(self.descriptor, waiting))) if waiting else []

    def ring(self) -> None:
        """End the wait of another thread; after ``close`` nothing."""
        with self._lock:
            if not self._is_closed:
                os.eventfd_write(self._bell, 1)

    def close(self) -> None:
        """Give everything back, all watches with it; nothing when done before."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
        for descriptor in (self.descriptor, self._bell):
            try:
                os.close(descriptor)
            except OSError:  # somebody closed it under us: that is why we end
                continue


def _parse(data: bytes) -> Iterator[Event]:
    position = 0
    while position < len(data):
        watch, mask, _, length = _HEAD.unpack_from(data, position)
        position += _HEAD.size
        name = data[position : position + length].rstrip(b"\0")
        position += length
        yield Event(watch, mask, os.fsdecode(name))


def _error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
