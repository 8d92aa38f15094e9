"""A thread that hands what was written to the disk, so that nobody who has something to do waits for a disk.

What is written with write(2) is safe from our own death at once; a sync is for the death of the machine. This
thread never writes, and owns nothing but the descriptor of its one call.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable

EVERY = 1.0
"""seconds between two syncs"""

LEAVING = 1.0
"""seconds that close() waits for the last"""

Sync = Callable[[int], None]

TO_DISK: Sync = getattr(os, "fdatasync", os.fsync)
"""the content of a file and what is needed to find it; macOS has the slower one only"""

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Asked:
    """One sync that was asked for."""

    __slots__ = ("begun", "done", "error", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        self.begun = False
        """from here on, what is written is for the next one"""
        self.done = threading.Event()
        self.error = ""
        """'' or why it failed, when it is done"""


class Syncing:
    """Syncs files, one after the other, in the order in which they were asked for."""

    def __init__(self, every: float = EVERY, sync: Sync = TO_DISK) -> None:
        self._every, self._sync = every, sync
        self._queue: queue.SimpleQueue[Asked | None] = queue.SimpleQueue()
        self._last: dict[str, Asked] = {}
        self._leaving = threading.Event()
        self._failure = ""
        self._thread = threading.Thread(target=self._run, name="journal-sync", daemon=True)

    def start(self) -> None:
        """Begin; what was asked for before is done then."""
        self._thread.start()

    def ask(self, path: str) -> Asked:
        """What is in this file now (or in this directory) shall be on the disk soon. Returns at once.

        What was asked for and has not begun serves this one, too.
        """
        asked = self._last.get(path)
        if asked is None or asked.begun:
            asked = self._last[path] = Asked(path)
            self._queue.put(asked)
        return asked

    def failure(self) -> str:
        """'' or why a sync failed since this was asked last."""
        failure, self._failure = self._failure, ""
        return failure

    def close(self) -> None:
        """Do what was asked for, without pauses; waits up to 1 s."""
        self._leaving.set()
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(LEAVING)

    def _run(self) -> None:
        while asked := self._queue.get():
            asked.begun = True
            asked.error = self._carry_out(asked.path)
            self._failure = asked.error or self._failure
            asked.done.set()
            self._leaving.wait(self._every)

    def _carry_out(self, path: str) -> str:
        try:
            descriptor = os.open(path, _FLAGS)
        except OSError:
            return ""  # it has gone: who wrote it finds out, and writes another
        try:
            self._sync(descriptor)
        except OSError as error:
            return error.strerror or str(error)
        finally:
            os.close(descriptor)
        return ""
