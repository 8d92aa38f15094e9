"""What ``run`` does while its supervisord works: tell the story, pass signals on, and leave nothing behind.

The command's output does not come through here. Signals only write a byte; every wait has a limit.
"""

from __future__ import annotations

import contextlib
import enum
import os
import select
import signal
import socket
import time

from supervisor_reload.core.errors import ReloadError
from supervisor_reload.edges.supervisord import Supervisord

from .place import FIRST_SLOT, Place
from .remains import end_all, kill_all
from .request import RunError
from .telling import YELLOW, Teller

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
HEARD = (*ENDING, signal.SIGCHLD)

START_LIMIT = 10.0
"""seconds until supervisord must answer"""

MARGIN = 5.0
"""seconds over the stop timeout until everything is killed"""

START_POKE, STOP_POKE = 0.002, 0.02
"""Seconds between two connections that wake supervisord's loop, which sleeps up to 1 s (before it starts the
first process, too) and does not wake up for a signal."""


class Stage(enum.Enum):
    """Where the run stands."""

    STARTING = "STARTING"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"


class Signals:
    """While this is open, signals are bytes in a pipe; afterwards everything is as before."""

    def __init__(self) -> None:
        self.fd, self._write = os.pipe()
        os.set_blocking(self.fd, False)
        os.set_blocking(self._write, False)
        ignored = [number for number in ENDING if signal.getsignal(number) is signal.SIG_IGN]  # nohup
        self._before = {
            number: signal.signal(number, lambda *_: None) for number in HEARD if number not in ignored
        }
        signal.set_wakeup_fd(self._write)

    def close(self) -> None:
        """Undo it."""
        signal.set_wakeup_fd(-1)
        for number, before in self._before.items():
            signal.signal(number, before)
        os.close(self.fd)
        os.close(self._write)

    def heard(self) -> bytes:
        """The numbers of the signals that came."""
        with contextlib.suppress(BlockingIOError):
            return os.read(self.fd, 4096)
        return b""


class Foreground:
    """One supervisord's life, seen from the terminal."""

    def __init__(
        self, child: int, place: Place, teller: Teller, signals: Signals, stop_timeout: float
    ) -> None:
        self._child, self._place, self._teller = child, place, teller
        self._signals = signals
        self._stop_timeout = stop_timeout
        self._stage = Stage.STARTING
        self._deadline = time.monotonic() + START_LIMIT
        self._story = -1
        self._status: int | None = None

    def run(self, story: int) -> None:
        """Work until supervisord has ended at our request. Raises RunError where it ended by itself."""
        self._story = story
        poll = select.poll()
        poll.register(self._signals.fd, select.POLLIN)
        poll.register(story, select.POLLIN)
        while self._status is None:
            ready = [fd for fd, _ in poll.poll(self._wait_milliseconds)]
            if self._signals.fd in ready:
                self._hear()
            if story in ready and not self._read_story():
                poll.unregister(story)
            self._advance()
        self._read_rest()
        end_all(os.getpid())
        if self._stage is not Stage.STOPPING:
            began = "did not start" if self._stage is Stage.STARTING else "ended by itself"
            words = self._place.words_of_supervisord()
            raise RunError(f"the embedded supervisord {began} (status {self._status})\n{words}", 1)

    @property
    def _wait_milliseconds(self) -> float | None:
        pokes = {Stage.STARTING: START_POKE, Stage.STOPPING: STOP_POKE}
        return pokes[self._stage] * 1000 if self._stage in pokes else None

    def _hear(self) -> None:
        heard = self._signals.heard()
        for number in heard:
            if number in ENDING:
                self._stop(signal.Signals(number))
        if signal.SIGCHLD in heard:
            self._reap()

    def _stop(self, number: signal.Signals) -> None:
        if self._stage is Stage.STOPPING:
            self._teller.say("killing it", YELLOW)
            kill_all(self._child)
            return
        again = "; Ctrl-C again kills it" if number is signal.SIGINT else ""
        self._teller.say(f"stopping ({number.name}){again}")
        self._stage = Stage.STOPPING
        self._deadline = time.monotonic() + self._stop_timeout + MARGIN
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._child, signal.SIGTERM)

    def _reap(self) -> None:
        """Take what ended: supervisord, or an orphan that came to us."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if pid == self._child:
                    self._status = os.waitstatus_to_exitcode(status)

    def _advance(self) -> None:
        """Wake supervisord where it must not sleep, and see that no wait is for ever."""
        if self._stage is Stage.RUNNING or self._status is not None:
            return
        answered = poke(str(self._place.socket))
        if self._stage is Stage.STARTING and answered:
            self._stage = Stage.RUNNING
            self._begin()
        elif time.monotonic() > self._deadline:
            if self._stage is Stage.STOPPING:
                self._teller.say("did not stop in time: killing it", YELLOW)
            self._deadline += MARGIN
            kill_all(self._child)

    def _begin(self) -> None:
        """With a spare slot, start the one that is wanted; else supervisord does it itself."""
        if not self._place.has_spare:
            return
        supervisord = Supervisord(f"unix://{self._place.socket}")
        try:
            supervisord.start(FIRST_SLOT)
        except ReloadError as error:
            self._teller.say(f"the command could not be started: {error}", YELLOW)
        finally:
            supervisord.close()

    def _read_story(self) -> bool:
        block = os.read(self._story, 65536)
        if self._stage is not Stage.STOPPING:  # the rest is the listener's farewell
            self._teller.take(block)
        return bool(block)

    def _read_rest(self) -> None:
        """What is in the pipe still; a process that escaped might hold it open for ever."""
        os.set_blocking(self._story, False)
        with contextlib.suppress(BlockingIOError):
            while self._read_story():
                pass


def poke(path: str) -> bool:
    """Wake supervisord's loop by a connection to its socket; False where it does not listen (yet)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(0.5)
        try:
            connection.connect(path)
        except OSError:
            return False
    return True
