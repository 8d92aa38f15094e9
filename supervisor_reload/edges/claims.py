"""One listener for a state directory, and one for a process: claims that end with whoever holds them.

Two listeners that replace the same processes would each take the other's work for an operator's hand, so the
second must find the first before it does anything. It never ends the first, and never removes what another
has claimed: the kernel does, in the moment in which the holder dies.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import logging
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ..core.errors import ReloadError
from ..core.model import SlotName
from .ancestry import child_above
from .sayings import printable

log = logging.getLogger(__name__)

NAME = "lock"
"""of the file in the state directory"""

LIMIT = 1.0
"""Seconds for which a claim is tried again, unless the holder is a living child of this supervisord: the
listener of a supervisord that died, or was killed, may still be leaving."""

STEP = 0.02
"""Seconds between two tries."""

CONNECT_LIMIT = 0.2
"""Seconds for the question who holds a name; the kernel answers at once, or the queue is full."""

CREDENTIALS = struct.Struct("=iII")
"""struct ucred (unix(7)): pid, uid, gid of whoever began to listen"""

ROOT = 0


class Claimed(ReloadError):
    """Another listener is at work here."""


class Owner(NamedTuple):
    """Who listens on a name, as the kernel says."""

    pid: int
    uid: int


class Claims:
    """What this listener has claimed; safe from any thread.

    Where the file system or the kernel can't keep a claim, that is logged, and the listener works without.
    """

    def __init__(self, directory: str, supervisor: str, *, limit: float = LIMIT) -> None:
        """Claim the directory of our state, and make it where it is missing.

        ``supervisor`` tells this supervisord from all others that there ever were: ``PID BORN``.
        A claim is tried again for ``limit`` seconds, where the holder may be leaving. Raises Claimed.
        """
        self._supervisor = supervisor
        self._parent = _number(supervisor.partition(" ")[0].encode())
        self._limit = limit
        self._changing = threading.Lock()
        self._slots: dict[SlotName, socket.socket | None] = {}
        self._file = self._locked(Path(directory, NAME), time.monotonic() + limit)

    def take(self, slots: Iterable[SlotName]) -> None:
        """Claim these processes too, all or none of them. Raises Claimed. Linux; elsewhere nothing."""
        if sys.platform != "linux":
            return
        with self._changing:
            deadline = time.monotonic() + self._limit
            taken: dict[SlotName, socket.socket | None] = {}
            try:
                for slot in set(slots) - set(self._slots):
                    taken[slot] = self._claimed(slot, deadline)
            except Claimed:
                _close(taken)
                raise
            self._slots |= taken

    def keep(self, slots: Iterable[SlotName]) -> None:
        """Give back all claims but those on these processes."""
        with self._changing:
            others = set(self._slots) - set(slots)
            _close({slot: self._slots.pop(slot) for slot in others})

    def close(self) -> None:
        """Give everything back."""
        self.keep(())
        if self._file is not None:
            os.close(self._file)  # the file stays: whoever removes it could remove the next one's
            self._file = None

    def _claimed(self, slot: SlotName, deadline: float) -> socket.socket | None:
        """A socket whose name nobody else can have as long as it is open; None: this one can't be claimed."""
        name = name_of(self._supervisor, slot)
        try:
            bound = _bound(name)
            owner = _owner(name) if bound is None else None
            may_leave = owner is None or not self._is_below(owner.pid)
            while bound is None and may_leave and time.monotonic() < deadline:
                time.sleep(STEP)
                bound = _bound(name)
        except OSError as error:
            log.warning("%s can't be kept from a second listener: %s", printable(slot), error)
            return None
        if bound is None:
            self._refuse(slot, _owner(name))
        return bound

    def _refuse(self, slot: SlotName, owner: Owner | None) -> None:
        """Say who was first. Raises Claimed, unless that is a stranger who only has the name."""
        if owner is not None and owner.uid not in (ROOT, os.geteuid()) and not self._is_below(owner.pid):
            log.warning(
                "pid %d of user %d, no process of this supervisord, has the name by which a second "
                "listener for %s would be found: going on without. Find out what it is",
                owner.pid,
                owner.uid,
                printable(slot),
            )
            return
        who = "another process" if owner is None else f"pid {owner.pid}"
        raise Claimed(
            f"{who} is the listener for {printable(slot)} already, and a process can have one only: "
            "stop that listener, or name the process in one configuration only"
        )

    def _is_below(self, pid: int) -> bool:
        """Whether this supervisord started it, perhaps as another user; then it is not about to leave."""
        return self._parent > 0 and child_above(pid, self._parent) is not None

    def _locked(self, path: Path, deadline: float) -> int | None:
        """The open lock file; None where it can't be locked, which is logged. Raises Claimed."""
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = _opened(path)
            holder = _pid_in(path) if file is None else 0
            may_leave = holder in (0, os.getpid()) or not self._is_below(holder)  # ours: of another container
            while file is None and may_leave and time.monotonic() < deadline:
                time.sleep(STEP)
                file = _opened(path)
        except OSError as error:
            log.warning("%s can't be locked, so a second listener would not be noticed: %s", path, error)
            return None
        if file is None:
            raise Claimed(_first_at(path))
        return file


def owner(directory: str) -> int | None:
    """The pid of the listener whose state is in this directory; 0 where it can't be told; None: none works.

    It writes nothing. Where none works it has the lock, shared with others who ask, for some microseconds: a
    listener that comes in that moment tries again after ``STEP``. Raises OSError where it may not look.
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


def name_of(supervisor: str, slot: SlotName) -> bytes:
    """The abstract name (unix(7)) of a claim: the same for all listeners of one supervisord, else another.

    Abstract names are one space for all containers on one network, in which pids may repeat.
    """
    try:
        space = os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - no path
    except OSError:
        space = ""
    told = "\n".join((space, supervisor, slot)).encode("utf-8", "surrogateescape")
    return b"\0supervisor_reload-" + hashlib.sha256(told).hexdigest()[:32].encode()


def _close(sockets: dict[SlotName, socket.socket | None]) -> None:
    for each in sockets.values():
        if each is not None:
            each.close()


def _bound(name: bytes) -> socket.socket | None:
    """A socket with this name; None where another has it. Raises OSError."""
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        claim.bind(name)
        claim.listen(socket.SOMAXCONN)  # nobody accepts: each who was refused leaves one in the queue
    except OSError as error:
        claim.close()
        if error.errno != errno.EADDRINUSE:
            raise
        return None
    return claim


def _owner(name: bytes) -> Owner | None:
    """Who listens on a name; None where nobody does any more, or so many have asked that it can't be told."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as asking:
        asking.settimeout(CONNECT_LIMIT)
        try:
            asking.connect(name)
            told = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
        except OSError:
            return None
    pid, uid, _ = CREDENTIALS.unpack(told)
    return Owner(pid, uid)


def _first_at(path: Path) -> str:
    pid = _pid_in(path)
    return (
        f"{f'pid {pid}' if pid else 'another process'} is the listener here already: it holds {path}. "
        "There must be one; a second one with a configuration of its own needs a state_dir of its own"
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
    except FileNotFoundError:
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
        return _number(os.read(file, 32).strip())
    except OSError:
        return 0
    finally:
        os.close(file)


def _number(text: bytes) -> int:
    return int(text) if text.isdigit() else 0
