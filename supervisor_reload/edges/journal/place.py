"""The directory of our state, and the names in it: ours alone, made where it is missing.

Supervisor's default puts it under ``/tmp``, where anybody may have been first; so a directory that is
somebody else's, or a link, is refused and never changed. This module deletes nothing but what an older self
set aside.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
from pathlib import Path

from ...core.errors import ReloadError

log = logging.getLogger(__name__)

JOURNAL, NEW, RESERVE = "journal", "journal.new", "journal.reserve"
DAMAGED, OTHER_VERSION = "journal.damaged", "journal.version-{}"
"""What was set aside, for people to look at; we never read it."""

OURS, OF_OTHERS = 0o700, 0o022
"""the mode of a directory of ours; what nobody else may have in any"""

PASSING = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)
"""What may be over in a while, and is no mistake of a configuration."""


class JournalError(ReloadError):
    """The directory can't be the place of our state; the text says why, and what to do."""


def within(directory: str, name: str) -> str:
    """The path of one of our files."""
    return str(Path(directory, name))


def prepare(directory: str) -> None:
    """See that the directory exists and is ours.

    One that we make has the mode 0700, and so has one that was empty. Where other things are in it, it only
    loses what lets others write. Raises JournalError, and OSError for a disk that is full or broken.
    """
    try:
        Path(directory).mkdir(OURS, parents=True, exist_ok=True)
    except FileExistsError:
        raise JournalError(_refused(directory, "is not a directory")) from None
    except OSError as error:
        if error.errno in PASSING:
            raise
        raise JournalError(_refused(directory, f"can't be made: {error.strerror}")) from error
    if Path(directory).is_symlink():
        raise JournalError(_refused(directory, "is a symbolic link, which somebody could turn elsewhere"))
    try:
        descriptor = os.open(Path(directory), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise JournalError(_refused(directory, f"can't be opened: {error.strerror}")) from error
    try:
        _own(directory, descriptor)
    finally:
        os.close(descriptor)


def _own(directory: str, descriptor: int) -> None:
    found = os.fstat(descriptor)
    if found.st_uid != os.geteuid():
        raise JournalError(_refused(directory, f"belongs to user {found.st_uid}, not to us ({os.geteuid()})"))
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o777 == OURS:
        return
    wanted = (mode | OURS) & ~OF_OTHERS if _is_used(descriptor) else OURS
    if wanted == mode:
        return
    try:
        os.fchmod(descriptor, wanted)
    except PermissionError as error:  # a file system without modes, such as vfat
        if mode & OF_OTHERS:
            raise JournalError(_refused(directory, f"can be written by others: {error.strerror}")) from error
    else:
        log.warning("%s had the mode %o: it is %o now", directory, mode, wanted)


def _is_used(descriptor: int) -> bool:
    with os.scandir(descriptor) as entries:
        return any(True for _ in entries)


def _refused(directory: str, why: str) -> str:
    return f"state_dir {directory} {why}: set state_dir in [reload] to a directory that is only ours"


def set_aside(directory: str, name: str) -> str:
    """Keep a journal that can't be used under another name, in place of the one kept before.

    A file stays where it is, too, until another takes its place: there is a journal at any moment. The
    sentence that is returned says what became of it; it never raises.
    """
    journal, aside = Path(directory, JOURNAL), Path(directory, name)
    try:
        _clear(aside)
        if journal.is_dir() and not journal.is_symlink():
            journal.rename(aside)
        else:
            os.link(journal, aside, follow_symlinks=False)
    except OSError as error:
        return f"it could not be kept as {aside}: {error.strerror}"
    return f"it is kept as {aside}"


def _clear(path: Path) -> None:
    """Make room for a name. An empty directory goes; one that is not stays, and OSError says so."""
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)
