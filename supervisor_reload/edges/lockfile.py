"""The lock of a state directory: which listener works there, for a second listener and for whoever asks.

It lasts as long as its holder, by the kernel's hand, and is made again where somebody removes it. This never
ends a holder, never removes a file, and never waits while we work.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

from ..core.errors import ReloadError

log = logging.getLogger(__name__)

NAME = "lock"
"""of the file in the state directory"""

STEP = 0.02
"""Seconds between two tries."""


class Claimed(ReloadError):
    """Another listener is at work here."""


class Lock:
    """The lock of one directory; we hold it, or work without where it can't be had, which is logged."""

    def __init__(self, directory: str, deadline: float, may_leave: Callable[[int], bool]) -> None:
        """Lock it, and make the directory where it is missing.

        Tries again until ``deadline`` (monotonic seconds) where the holder ``may_leave``; it is asked with
        its pid, 0 where that can't be told. Raises Claimed.
        """
        self._path = Path(directory, NAME)
        self._told = ""
        """what was logged last, and need not be said again"""
        self._refused = 0
        """times in a row that another had it, while we worked"""
        self.file: int | None = None
        """the descriptor that holds the lock"""
        try:
            self.file = self._locked(deadline, may_leave)
        except OSError as error:
            self._say(logging.WARNING, self._unlocked(error))
            return
        if self.file is None:
            raise Claimed(_first_at(self._path))

    def tick(self) -> None:
        """See that the lock is where others look for it; else have it again, or say who has it now."""
        if self.file is not None and _is_there(self.file, self._path):
            self._told, self._refused = "", 0
            return
        try:
            file = self._locked(0.0, may_leave=lambda pid: False)
        except OSError as error:
            self._say(logging.WARNING, self._unlocked(error))
            return
        if file is not None:
            self._replace(file)
            return
        self._refused += 1
        if self._refused > 1:  # the first time it may be somebody who only asks
            self._say(logging.ERROR, _doubled(self._path))

    def _replace(self, file: int) -> None:
        what = "is locked now" if self.file is None else "was removed or replaced, and is locked anew"
        self.close()
        self.file, self._told, self._refused = file, "", 0
        log.warning("%s %s: leave it alone while a listener works", self._path, what)

    def close(self) -> None:
        """Give it back."""
        if self.file is not None:
            os.close(self.file)  # the file stays: whoever removes it could remove the next one's
            self.file = None

    def _locked(self, deadline: float, may_leave: Callable[[int], bool]) -> int | None:
        """The open file, locked; None where another has it. Raises OSError."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = _opened(self._path)
        if file is None and may_leave(_pid_in(self._path)):
            while file is None and time.monotonic() < deadline:
                time.sleep(STEP)
                file = _opened(self._path)
        return file

    def _unlocked(self, error: OSError) -> str:
        return f"{self._path} can't be locked, so a second listener would not be noticed: {error}"

    def _say(self, level: int, message: str) -> None:
        """Once, until something else is to be said."""
        if message != self._told:
            self._told = message
            log.log(level, "%s", message)


def owner(directory: str) -> int | None:
    """The pid of the listener whose state is in this directory; 0 where it can't be told; None: none works.

    It writes nothing. Where none works it has the lock, shared with others who ask, for some microseconds: a
    listener that comes in that moment tries again. Raises OSError where it may not look.
    """
    path = Path(directory, NAME)
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _pid_in(path)
    finally:
        os.close(file)
    return None


def _first_at(path: Path) -> str:
    pid = _pid_in(path)
    return (
        f"{f'pid {pid}' if pid else 'another process'} is the listener here already: it holds {path}. "
        "There must be one; a second one with a configuration of its own needs a state_dir of its own"
    )


def _doubled(path: Path) -> str:
    pid = _pid_in(path)
    who = f"pid {pid}" if pid else "another process"
    return (
        f"{path}, our lock, was removed, and {who} has another one there now: two "
        "listeners work with one state_dir, and each spoils what the other writes. Stop one of them"
    )


def _opened(path: Path) -> int | None:
    """The lock file, locked, with our pid in it; None where another has the lock. Raises OSError."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _is_there(file, path):  # removed meanwhile: the next one would make, and lock, another
            raise BlockingIOError
        _write_pid(file)
    except BlockingIOError:
        os.close(file)
        return None
    except OSError:
        os.close(file)
        raise
    return file


def _is_there(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat(follow_symlinks=False))
    except OSError:
        return False


def _write_pid(file: int) -> None:
    try:
        os.ftruncate(file, 0)
        os.pwrite(file, b"%d\n" % os.getpid(), 0)
    except OSError as error:  # the disk is full: the lock holds all the same
        log.warning("our pid can't be written into the lock: %s", error)


def _pid_in(path: Path) -> int:
    """Whose lock it is; 0 where that can't be read."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        return number(os.read(file, 32).strip())
    except OSError:
        return 0
    finally:
        os.close(file)


def number(text: bytes) -> int:
    """A pid; 0 for what is none."""
    return int(text) if text.isdigit() else 0
