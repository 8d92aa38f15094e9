"""Writes a configuration file anew so that it is never half written, never somebody else's work, and never
lost.

The new file is made beside the old one, with its mode, owner and attributes, and takes its name; the old one
stays under a name of its own. Between the last look and the renaming somebody could still save the file:
that is a matter of microseconds, and what he saved is in the backup then.
"""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import glob
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from ..core.errors import ReloadError

REASONS = {
    errno.EBUSY: "it is mounted by itself, as containers do with single files: write it where it comes from",
    errno.EROFS: "the file system is read-only",
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
}


class NotWritten(ReloadError):
    """The file is as it was; the text says why, and what to do."""

    code = 1


class File:
    """One configuration file, as it was when it was read.

    Raises NotWritten where it can't be read.
    """

    def __init__(self, path: str, included: Sequence[str] = ()) -> None:
        """``included``: absolute glob patterns of what supervisord would read too."""
        self.path = path
        self.real = os.path.realpath(path)
        self._included = included
        try:
            with Path(self.real).open("rb") as file:
                self.stat = os.fstat(file.fileno())
                self.content = file.read()
        except OSError as error:
            raise NotWritten(f"{path} can't be read: {error.strerror}") from error

    def write(self, content: bytes) -> str:
        """Replace the content; answers the path of the backup. Raises NotWritten, and then nothing has
        changed."""
        backup = self._backup_name()
        try:
            new = self._beside(content)
        except OSError as error:
            raise NotWritten(self._refusal(error)) from error
        try:
            self._look_again()
            _keep(self.real, backup)
            Path(new).rename(self.real)
        except OSError as error:
            with contextlib.suppress(OSError):
                Path(new).unlink()
            raise NotWritten(self._refusal(error)) from error
        except NotWritten:
            Path(new).unlink()
            raise
        _sync(str(Path(self.real).parent))
        return backup

    def _backup_name(self) -> str:
        name = f"{self.real}.bak-{time.strftime('%Y%m%d-%H%M%S')}"
        for pattern in self._included:
            if _would_match(pattern, name):
                raise NotWritten(
                    f"supervisord would read the backup {name} too, because [include] names {pattern}: let "
                    "it name *.conf only"
                )
        if os.path.lexists(name):
            raise NotWritten(f"{name} exists already: try again in a second")
        return name

    def _beside(self, content: bytes) -> str:
        """A new file with this content, and with everything else as the old one has it. Raises OSError."""
        directory, name = os.path.split(self.real)
        descriptor, path = tempfile.mkstemp(prefix=f".{name}.", suffix=".new", dir=directory)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                if (self.stat.st_uid, self.stat.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(file.fileno(), self.stat.st_uid, self.stat.st_gid)
                os.fchmod(file.fileno(), stat.S_IMODE(self.stat.st_mode))
                _copy_attributes(self.real, path)
                os.fsync(file.fileno())
        except OSError:
            Path(path).unlink()
            raise
        return path

    def _look_again(self) -> None:
        """Raises NotWritten where the file is not as it was any more."""
        if os.path.realpath(self.path) != self.real or Path(self.real).read_bytes() != self.content:
            raise NotWritten(f"{self.path} was changed meanwhile, and is left as it is: run init again")

    def _refusal(self, error: OSError) -> str:
        where = self.path if self.path == self.real else f"{self.path} (a link to {self.real})"
        why = REASONS.get(error.errno or 0, error.strerror or str(error))
        if error.errno in (errno.EACCES, errno.EPERM):
            why = (
                f"{why}: run it as the owner of the file and of {Path(self.real).parent}, mostly root (sudo)"
            )
        return f"{where} can't be written: {why}"


def _keep(real: str, backup: str) -> None:
    """The old file under a second name: the same bytes, mode, owner and times. Raises OSError."""
    try:
        os.link(real, backup, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:
        # a file system without hard links, or a kernel that protects them (fs.protected_hardlinks)
        _copy(real, backup)


def _copy(real: str, backup: str) -> None:
    """A copy under a name that nobody has. Raises OSError, and then there is none."""
    kept = os.open(backup, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with Path(real).open("rb") as old, os.fdopen(kept, "wb") as new:
            was = os.fstat(old.fileno())
            shutil.copyfileobj(old, new)
            new.flush()
            with contextlib.suppress(OSError):  # somebody else's file, which we may read
                os.fchown(new.fileno(), was.st_uid, was.st_gid)
            os.fchmod(new.fileno(), stat.S_IMODE(was.st_mode))
            os.utime(new.fileno(), ns=(was.st_atime_ns, was.st_mtime_ns))
            os.fsync(new.fileno())
    except OSError:
        Path(backup).unlink()
        raise
    _copy_attributes(real, backup)


def _would_match(pattern: str, name: str) -> bool:
    """Whether a file of this name, which has no link in its path, would be one of a pattern's."""
    directory, base = os.path.split(pattern)
    above, own = os.path.split(name)
    return fnmatch.fnmatchcase(own, base) and any(
        os.path.realpath(found) == above
        for found in glob.glob(directory or ".")  # noqa: PTH207 - as supervisord does it
    )


def _copy_attributes(old: str, new: str) -> None:
    """Access control lists and security labels, where the file system has them and we may."""
    if not hasattr(os, "listxattr"):
        return
    with contextlib.suppress(OSError):
        for name in os.listxattr(old):
            with contextlib.suppress(OSError):
                os.setxattr(new, name, os.getxattr(old, name))


def _sync(directory: str) -> None:
    """The new name is on the disk, too; where a directory can't be synced, it soon will be."""
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
