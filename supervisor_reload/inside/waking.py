"""Ends supervisord's sleep: its loop polls for a second, which no SIGCHLD and no change of a state ends.

A pipe in its map of sockets does. Every signal that supervisord handles writes a byte into it (in C,
``signal.set_wakeup_fd``), and so do we at every change of a process's state, because supervisord acts on one
in its next turn only. The same entry of the map is asked in every turn whether it is readable: that is our
clock inside.
"""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from typing import Any

from .descriptors import best_copy, identity

NOT_SET = -1
"""what ``signal.set_wakeup_fd`` returns where nobody uses it"""
MOST_AT_ONCE = 4096


class Pace:
    """Which ends of processes deserve a wake.

    With ``startsecs=0`` supervisord restarts a program that ends at once without any pause (no BACKOFF), and
    only its own sleep keeps that to about one a second. Woken each time it would fork without end.
    """

    QUICK = 1.0
    """seconds; a process that lived shorter ended at once"""
    WITHIN = 10.0
    """seconds, in which ..."""
    MOST = 5
    """... so many of them are woken for"""

    def __init__(self) -> None:
        self._quick: deque[float] = deque(maxlen=self.MOST)

    def allows(self, started: float) -> bool:
        """Whether to wake for the end of a process that was started then (``time.time``)."""
        now = time.time()
        if not 0 <= now - started < self.QUICK:
            return True
        if len(self._quick) == self.MOST and 0 <= now - self._quick[0] < self.WITHIN:
            return False
        self._quick.append(now)
        return True


class Waker:
    """A pipe in supervisord's map of sockets, with the methods that its loop calls there."""

    def __init__(self, floor: int, each_turn: Callable[[], None]) -> None:
        """Make the pipe, at descriptors from ``floor`` on where that can be. Raises OSError."""
        low = os.pipe()
        try:
            self._read, self._write = (best_copy(fd, floor) for fd in low)
        finally:
            for fd in low:
                os.close(fd)
        self.is_high = min(self._read, self._write) >= floor
        self._identity = identity(self._read)
        for fd in (self._read, self._write):
            os.set_blocking(fd, False)
        self._each_turn = each_turn
        self._map: MutableMapping[int, Any] = {}

    def join(self, socket_map: MutableMapping[int, Any]) -> None:
        """Be polled by supervisord's loop."""
        self._map = socket_map
        socket_map[self._read] = self

    def listen_to_signals(self) -> bool:
        """Let every handled signal wake the loop; False, and nothing changed, where others use that already.

        Raises ValueError outside the main thread.
        """
        before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        if before in (NOT_SET, self._write):
            return True
        signal.set_wakeup_fd(before, warn_on_full_buffer=False)
        return False

    @property
    def is_open(self) -> bool:
        """Whether the pipe is the one that we made."""
        return self._identity is not None and identity(self._read) == identity(self._write) == self._identity

    def wake(self) -> None:
        """Let the loop turn once more, at once."""
        with suppress(BlockingIOError):  # full: it wakes anyway
            os.write(self._write, b"\0")

    def empty(self) -> None:
        """Take back every wake that has not come yet."""
        with suppress(BlockingIOError):
            while len(os.read(self._read, MOST_AT_ONCE)) == MOST_AT_ONCE:
                pass

    def close(self) -> None:
        """Undo everything."""
        if self._map.get(self._read) is self:
            del self._map[self._read]
        with suppress(ValueError):
            theirs = signal.set_wakeup_fd(NOT_SET)
            if theirs not in (NOT_SET, self._write):
                signal.set_wakeup_fd(theirs, warn_on_full_buffer=False)
        if self.is_open:
            os.close(self._read)
            os.close(self._write)
        self._identity = None

    # What supervisord's loop calls; none of it may raise.

    def readable(self) -> bool:
        """Asked in every turn."""
        self._each_turn()
        return self._identity is not None

    def writable(self) -> bool:
        """Never."""
        return False

    def handle_read_event(self) -> None:
        """It has woken the loop, which is all."""
        with suppress(OSError):  # it is not ours any more, which the next turn finds
            self.empty()

    def handle_write_event(self) -> None:
        """Nothing is ever written by the loop."""

    def handle_error(self) -> None:
        """Called where one of the others raised."""
