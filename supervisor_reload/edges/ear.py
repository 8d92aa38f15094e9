"""One socket on which words of sd_notify arrive, and who may send there.

A file is for one user alone, the program's; what arrives is signed by the kernel with its sender's pid. It
judges no message.
"""

# A directory's descriptor stands for it here, which Path has not.
# ruff: noqa: PTH106, PTH120

from __future__ import annotations

import contextlib
import errno
import logging
import os
import socket
import stat
import struct
import tempfile
import time
from pathlib import Path

from .ancestry import now_in_ticks
from .processes import command
from .sayings import TEXT_LIMIT, printable

log = logging.getLogger(__name__)

RETRY = 1.0
"""Seconds until a socket that could not be opened is tried again."""

QUIET = 60.0
"""Seconds between two lines about refused messages on one socket."""

LONGEST = 107
"""bytes of the path of a socket (unix(7)): a sender could name no longer one"""

_INSIDE = "s"
"""short, for the way to it counts, too"""

CREDENTIALS = struct.Struct("3i")
"""pid, uid, gid (unix(7), ``struct ucred``)"""


class Ear:
    """One datagram socket. Opened and read by one thread; its words about itself are read by any.

    Args:
        address: a path, or ``@name`` (abstract: without permissions, as it is no file).
        user: uid to whom a file shall belong, where we are root; None: to us.
    """

    def __init__(self, address: str, user: int | None = None) -> None:
        self.address = address
        self._user = user
        self.why_deaf = "is not open yet"
        self.since = 0
        """in ticks; what was sent before is lost. 0 until it was open once"""
        self.retry_at = 0.0
        self._socket: socket.socket | None = None
        self._identity = (0, 0)
        self._refused = 0
        self._quiet_until = 0.0

    def open(self) -> None:
        """Bind it, or say once why that failed."""
        try:
            self._socket = self._bound()
        except OSError as error:
            self.fall_deaf(_why_not(self.address, error))
            return
        self.since = now_in_ticks()  # after bind: between the two a word is kept, before bind it is lost
        if self.why_deaf:
            log.debug("notify: listening on %s", self.address)
        self.why_deaf = ""

    def _bound(self) -> socket.socket:
        if not self.address.startswith(("/", "@")):
            raise OSError(errno.EINVAL, "a name must begin with / or @")
        _remove_stale(self.address)
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)  # first: every message must be signed
            if self.address.startswith("@"):
                bound.bind(f"\0{self.address[1:]}")
            else:
                self._identity = _bind_file(bound, self.address, self._user)
        except BaseException:
            bound.close()
            raise
        return bound

    def give_to(self, user: int | None) -> None:
        """Let its file belong to another user; for those who are given to anyway nothing happens."""
        if user == self._user:
            return
        self._user = user
        if not self.address.startswith("/"):
            return
        try:
            descriptor = os.open(self.address, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if _identity(os.fstat(descriptor)) == self._identity:
                    _give(f"/proc/self/fd/{descriptor}", user)
            finally:
                os.close(descriptor)
        except OSError as error:
            log.warning("notify: %s can't be given to user %s: %s", self.address, user, error.strerror)

    def fileno(self) -> int:
        """The descriptor, of an open one."""
        assert self._socket is not None
        return self._socket.fileno()

    def receive(self) -> tuple[bytes, int]:
        """The next message and its sender's pid. Raises BlockingIOError where there is none, and OSError."""
        assert self._socket is not None
        # there is room for the credentials alone: descriptors that a sender attaches are closed by the kernel
        room = socket.CMSG_LEN(CREDENTIALS.size)
        data, attached, _, _ = self._socket.recvmsg(TEXT_LIMIT + 1, room, socket.MSG_DONTWAIT)
        for level, kind, content in attached:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
                return data, int(CREDENTIALS.unpack(content)[0])
        return data, 0

    def refuse(self, sender: int, why: str) -> None:
        """Say that a message does not count; at most one line in QUIET seconds."""
        self._refused += 1
        if time.monotonic() < self._quiet_until:
            return
        self._quiet_until = time.monotonic() + QUIET
        words = printable(command(sender)) or "gone"
        count = f" ({self._refused} refused so far)" if self._refused > 1 else ""
        log.warning("notify: a message to %s from pid %d (%s) %s%s", self.address, sender, words, why, count)

    def fall_deaf(self, why: str) -> None:
        """Hear nothing until the next ``open``, and say why, once for each reason."""
        if why != self.why_deaf:
            log.warning("notify: %s", why)
        self.why_deaf = why
        self.retry_at = time.monotonic() + RETRY
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def close(self) -> None:
        """Close it, and remove its file if that is still ours."""
        if self._socket is None:
            return
        self._socket.close()
        with contextlib.suppress(OSError):
            if self.address.startswith("/") and _identity(os.lstat(self.address)) == self._identity:
                Path(self.address).unlink()


def _bind_file(bound: socket.socket, address: str, user: int | None) -> tuple[int, int]:
    """Make the file of a socket, for its user alone; answers what names it.

    It is made in a directory that is ours alone and moved out when it is as it shall be: nobody can send
    before, and nobody who can write in its directory can have another file given away in its stead.
    """
    directory = os.path.dirname(address)
    if len(os.fsencode(address)) > LONGEST:
        raise OSError(errno.ENAMETOOLONG, f"a path may have {LONGEST} bytes")
    if os.path.lexists(address):
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
    made = tempfile.mkdtemp(prefix=".notify-", dir=directory)
    ours = os.open(made, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(ours)
        if found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise PermissionError(errno.EPERM, "somebody exchanges what is made there")
        inside = f"/proc/self/fd/{ours}/{_INSIDE}"
        bound.bind(inside)
        os.chmod(_INSIDE, 0o600, dir_fd=ours)
        _give(inside, user)
        os.rename(_INSIDE, address, src_dir_fd=ours)
        return _identity(os.lstat(address))
    finally:
        os.close(ours)
        with contextlib.suppress(OSError):
            os.rmdir(made)


def _give(path: str, user: int | None) -> None:
    if os.geteuid() == 0:
        os.chown(path, os.geteuid() if user is None else user, -1)


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _remove_stale(address: str) -> None:
    """Remove a socket's file that a listener left which was killed: nobody answers there."""
    if not address.startswith("/"):
        return
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(os.lstat(address).st_mode):
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as caller:
            try:
                caller.connect(address)
            except ConnectionRefusedError:
                Path(address).unlink()


def _why_not(address: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"can't listen on {address}: another process does; end it, or set another NOTIFY_SOCKET"
    return f"can't listen on {address}: {error.strerror or error}"
