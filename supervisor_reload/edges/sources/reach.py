"""How far symbolic links in a target's trees may lead, and the opening of what they lead to.

A link that leads out of the watched paths is followed only where the operator says so: who can make a link in
a tree must not have the listener, which may be root, read any file. What is opened is gone to from a watched
path down, one name after the other and through no link, so a link that is exchanged between the judgement and
the opening slips nothing in. It reads nothing.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

OPEN = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
"""how a file is opened, whatever it turns out to be: without waiting for it"""

_PASS = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
"""how a directory on the way is opened: it need not be readable"""

_ATTEMPTS = 3
"""times that a link is followed anew which is exchanged meanwhile"""


class Reach:
    """What links in the trees of one target may lead to.

    Args:
        paths: the watched paths, absolute, as configured; they themselves are followed wherever they lead.
        is_open: ``follow_symlinks``: links may lead anywhere.
    """

    def __init__(self, paths: Sequence[str], *, is_open: bool) -> None:
        self.is_open = is_open
        self._paths = paths
        self._roots: tuple[str, ...] = ()

    def refresh(self) -> None:
        """See where the watched paths lead now."""
        self._roots = tuple(os.path.realpath(path) for path in self._paths)

    def open_linked(self, path: str) -> int | None:
        """The descriptor of the regular file that a link leads to; None where it may not be followed.

        Raises OSError: it leads nowhere, to no regular file, or to one that can't be opened.
        """
        if self.is_open:
            return _open_regular(path, None, 0)
        for _ in range(_ATTEMPTS):
            below = self._below(os.path.realpath(path, strict=True))
            if below is None:
                return None
            try:
                return _open_beneath(*below)
            except (FileNotFoundError, NotADirectoryError, _ExchangedError):
                continue  # it is another place by now
        return None

    def linked_directory(self, path: str) -> str | None:
        """The real path of the directory that a link leads to; None where it leads to none, or may not."""
        if not self.is_open or not os.path.islink(path):  # noqa: PTH114
            return None
        try:
            real = os.path.realpath(path, strict=True)
            return real if stat.S_ISDIR(os.lstat(real).st_mode) else None
        except OSError:
            return None

    def is_apart(self, real: str) -> bool:
        """Whether a real path is neither in a watched path nor above one."""
        return not any(is_in(real, root) or is_in(root, real) for root in self._roots)

    def _below(self, real: str) -> tuple[str, str] | None:
        """The watched path, resolved, and the name below it; None where the real path is in none."""
        for is_doubted in (False, True):
            if is_doubted:
                self.refresh()  # a watched path may itself have been exchanged since
            for root in self._roots:
                if is_in(real, root):
                    return root, real[len(root) :].strip("/")
        return None


class _ExchangedError(OSError):
    """A link is where none was a moment ago."""


def is_in(path: str, directory: str) -> bool:
    """Whether a real path is a directory's own or one below it."""
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def _open_beneath(root: str, relative: str) -> int:
    """Open a regular file through no link. Raises OSError."""
    if not relative:
        return _open_regular(root, None, os.O_NOFOLLOW)
    *directories, name = relative.split("/")
    descriptor = os.open(root, _PASS)
    try:
        for directory in directories:
            inner = os.open(directory, _PASS, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        return _open_regular(name, descriptor, os.O_NOFOLLOW)
    finally:
        os.close(descriptor)


def _open_regular(name: str, directory: int | None, flags: int) -> int:
    """Open what is no device and no FIFO, also if it becomes one meanwhile. Raises OSError."""
    found = os.stat(name, dir_fd=directory, follow_symlinks=not flags)
    if stat.S_ISLNK(found.st_mode):
        raise _ExchangedError
    if not stat.S_ISREG(found.st_mode):
        raise IsADirectoryError
    descriptor = os.open(name, OPEN | flags, dir_fd=directory)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise IsADirectoryError
