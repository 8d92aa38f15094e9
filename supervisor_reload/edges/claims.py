"""One listener for a state directory, and one for a process: claims that end with whoever holds them.

Two listeners that replace the same processes would each take the other's work for an operator's hand, so the
second must find the first before it does anything. It never ends the first, and never removes what another
has claimed: the kernel does, in the moment in which the holder dies.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterable
from typing import NamedTuple

from ..core.model import SlotName
from .ancestry import child_above
from .lockfile import STEP, Claimed, Lock, number
from .sayings import printable

__all__ = ["Claimed", "Claims", "name_of"]

log = logging.getLogger(__name__)

LIMIT = 1.0
"""Seconds for which a claim is tried again, unless the holder is a living child of this supervisord: the
listener of a supervisord that died, or was killed, may still be leaving."""

CONNECT_LIMIT = 0.2
"""Seconds for the question who holds a name; the kernel answers at once, or the queue is full."""

CREDENTIALS = struct.Struct("=iII")
"""struct ucred (unix(7)): pid, uid, gid of whoever began to listen"""

ROOT = 0


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
        self._parent = number(supervisor.partition(" ")[0].encode())
        self._limit = limit
        self._changing = threading.Lock()
        self._slots: dict[SlotName, socket.socket | None] = {}
        self._lock = Lock(directory, time.monotonic() + limit, self._may_leave)

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

    def tick(self) -> None:
        """See that the lock of the directory is still what others find there; call it every few seconds."""
        self._lock.tick()

    def close(self) -> None:
        """Give everything back."""
        self.keep(())
        self._lock.close()

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

    def _may_leave(self, holder: int) -> bool:
        """Whether a lock may be free in a moment; with our own pid in it, it is another container's."""
        return holder in (0, os.getpid()) or not self._is_below(holder)

    def _is_below(self, pid: int) -> bool:
        """Whether this supervisord started it, perhaps as another user; then it is not about to leave."""
        return self._parent > 0 and child_above(pid, self._parent) is not None


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
