"""Ctrl-C, SIGTERM, or a reader that left: why a verb that would go on for ever ends, between two looks. And
Ctrl-Z, which stops it for a while.

A signal handler of it only writes a byte, or stops us. It ends nothing itself, and puts back what it
replaced.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Ending:
    """Waits for it. Made by ``ending``."""

    def __init__(self, pipe: int, stream: TextIO) -> None:
        self._poll = select.poll()
        self._poll.register(pipe, select.POLLIN)
        with contextlib.suppress(OSError, ValueError):  # no descriptor is behind it
            self._poll.register(stream.fileno(), 0)  # POLLERR: nobody reads the pipe, POLLHUP: no terminal

    def within(self, seconds: float) -> bool:
        """Wait so long; returns at once, and True, where it is to end."""
        return bool(self._poll.poll(seconds * 1000))


@contextmanager
def ending(stream: TextIO) -> Iterator[Ending]:
    """From here on Ctrl-C and SIGTERM are only told; ``stream`` is what is written to."""
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def tell(number: int, frame: object) -> None:
        with contextlib.suppress(BlockingIOError):  # it was told often enough
            os.write(writer, b"x")

    before: dict[signal.Signals, Any] = {}
    try:
        if threading.current_thread() is threading.main_thread():  # elsewhere nobody may
            before = {number: signal.signal(number, tell) for number in SIGNALS}
        yield Ending(reader, stream)
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        os.close(reader)
        os.close(writer)


@contextmanager
def stopped_between(leave: Callable[[], None], enter: Callable[[], None]) -> Iterator[None]:
    """From here on Ctrl-Z stops us after ``leave``, and ``enter`` comes first when we go on."""

    def stop(number: int, frame: object) -> None:
        leave()
        os.kill(os.getpid(), signal.SIGSTOP)
        enter()

    is_ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTSTP) is signal.SIG_DFL  # else a shell without jobs said so
    )
    if is_ours:
        signal.signal(signal.SIGTSTP, stop)
    try:
        yield
    finally:
        if is_ours:
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
