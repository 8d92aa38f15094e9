"""The socket on which the numbers are asked for: on loopback, or a file that a group may use.

A file is made in a directory of our own and moved out when its permissions are as they shall be, so that
nobody can exchange it meanwhile. It reads and writes nothing.
"""

# A directory's descriptor stands for it here, which Path has not.
# ruff: noqa: PTH106

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ...core.publication import Publication

BACKLOG = 64
ASK_LIMIT = 1.0
"""Seconds for whoever may listen on a socket's file already."""

_INSIDE = "s"


@dataclass(frozen=True, slots=True)
class Opened:
    """A listening socket, which never blocks."""

    socket: socket.socket
    path: str = ""
    """of its file; '' where it has none"""
    identity: tuple[int, int] = (0, 0)

    @property
    def is_intact(self) -> bool:
        """Whether its file is still there, and still its own."""
        if not self.path:
            return True
        try:
            found = os.lstat(self.path)
        except OSError:
            return False
        return stat.S_ISSOCK(found.st_mode) and _identity(found) == self.identity

    def close(self) -> None:
        """Close it, and remove its file if that is still ours."""
        self.socket.close()
        if self.path and self.is_intact:
            with contextlib.suppress(OSError):
                Path(self.path).unlink()


def open_socket(place: Publication) -> Opened:
    """Listen there. Raises OSError, with words for the operator."""
    try:
        return _open_file(place) if place.scheme == "unix" else _open_port(place)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise OSError(
                error.errno, "something else listens there: end it, or choose another address"
            ) from None
        raise


def _open_port(place: Publication) -> Opened:
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    # SO_REUSEADDR is set by it: what the listener before us has closed is no hindrance
    listening = socket.create_server((place.host, place.port), family=family, backlog=BACKLOG)
    listening.setblocking(False)
    return Opened(listening)


def _open_file(place: Publication) -> Opened:
    _remove_stale(place.path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.setblocking(False)
        identity = _bind(listening, place)
        listening.listen(BACKLOG)
    except BaseException:
        listening.close()
        raise
    return Opened(listening, place.path, identity)


def _bind(listening: socket.socket, place: Publication) -> tuple[int, int]:
    made = tempfile.mkdtemp(prefix=".m-", dir=str(Path(place.path).parent))
    ours = os.open(made, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(ours)
        if found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise PermissionError(errno.EPERM, "somebody exchanges what is made there")
        listening.bind(f"{made}/{_INSIDE}")
        os.chmod(_INSIDE, place.mode, dir_fd=ours)
        os.rename(_INSIDE, place.path, src_dir_fd=ours)
        return _identity(os.lstat(place.path))
    finally:
        os.close(ours)
        with contextlib.suppress(OSError):
            os.rmdir(made)


def _remove_stale(path: str) -> None:
    """Remove the file of a listener that was killed: nobody answers there. Raises OSError where it is not."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise FileExistsError(errno.EEXIST, "there is a file that is no socket: remove it")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.settimeout(ASK_LIMIT)
        try:
            caller.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink()
            return
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
