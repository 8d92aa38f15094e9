"""Reads one file into a digest, whatever it turns out to be, without ever being held up by it.

Never opens what is not a regular file (a FIFO would block), never believes a content that changed while it
was read, never follows a link further than ``reach`` says, and never fails on a file that it may not read:
that one counts by what its directory tells of it.
"""

# Names are exact strings here (any bytes), which Path would normalise; and this runs per file.
# ruff: noqa: PTH115

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from typing import NamedTuple

from .reach import OPEN, Reach
from .record import SIGNATURE_SIZE, is_current, signature, unsure
from .record import digest as digest_of

LARGE_FILE = 64 * 1024 * 1024
"""bytes; a larger file is told apart by its size and time, not by its content"""

_ATTEMPTS = 3
"""times that a file which changes while it is read is read, before its content is taken as it came"""

_YOUNG_NS = 100_000_000
"""A file written this short a time ago may be written again without its time changing: the kernel's clock for
file times steps by up to 10 ms, that of network file systems by more. Its signature proves nothing then."""

_CHUNK = 1024 * 1024
_PAGE = 4096
_NOTHING = bytes(SIGNATURE_SIZE)
"""the signature of a file that could not even be looked at"""


class Content(NamedTuple):
    """What was read of one file."""

    record: bytes
    is_readable: bool = True


def read(path: str, known: bytes | None, reach: Reach, *, hinted: bool) -> Content | None:
    """The content of a file now; None where there is none, or nothing that can have one.

    What is ``known`` (its record) is believed where the signature is the same, unless the file is ``hinted``
    and of a size that is cheap to read.
    """
    try:
        found = os.lstat(path)
    except OSError as error:
        return _without_content(error, known, None)
    return read_found(path, found, known, reach, hinted=hinted)


def read_found(
    path: str, found: os.stat_result, known: bytes | None, reach: Reach, *, hinted: bool
) -> Content | None:
    """As read, for a file that was just looked at."""
    if stat.S_ISLNK(found.st_mode):
        return _read_link(path, found, known, reach)
    if not stat.S_ISREG(found.st_mode):
        return None
    is_cheap = found.st_size <= _CHUNK
    if known is not None and is_current(known, found) and not (hinted and is_cheap):
        return Content(known)
    try:
        return _read_steady(os.open(path, OPEN | os.O_NOFOLLOW), found)
    except OSError as error:
        return _without_content(error, known, found)


def read_text(path: str, reach: Reach) -> str | None:
    """The text of a small regular file such as a ``.gitignore``; None where it can't or may not be read."""
    try:
        found = os.lstat(path)
        if stat.S_ISLNK(found.st_mode):
            descriptor = reach.open_linked(path)
        else:
            descriptor = os.open(path, OPEN | os.O_NOFOLLOW) if stat.S_ISREG(found.st_mode) else None
        if descriptor is None:
            return None
        with open(descriptor, encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
            return file.read()
    except OSError:
        return None


def _without_content(error: OSError, known: bytes | None, found: os.stat_result | None) -> Content | None:
    """What to believe of a file that could not be read."""
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return None
    if error.errno not in (errno.EACCES, errno.EPERM) and known is not None:
        return Content(known)  # too many open files, a disk that fails: no reason to say that it changed
    told = signature(found) if found is not None else _NOTHING
    return Content(hashlib.sha256(b"unreadable:" + told).digest() + told, is_readable=False)


def _read_steady(descriptor: int, before: os.stat_result) -> Content | None:
    """Read until the file was the same ``before`` and after, a bounded number of times; closes it."""
    try:
        for _ in range(_ATTEMPTS):
            digest = _digest(descriptor, before)
            after = os.fstat(descriptor)
            told = signature(after)
            if told == signature(before):
                is_young = time.time_ns() - after.st_ctime_ns < _YOUNG_NS
                return Content(digest + (unsure(after) if is_young else told))
            if not stat.S_ISREG(after.st_mode):
                return None
            before = after
        return Content(digest + unsure(before))
    finally:
        os.close(descriptor)


def _digest(descriptor: int, found: os.stat_result) -> bytes:
    if found.st_size > LARGE_FILE:
        return hashlib.sha256(b"large:%d:%d" % (found.st_size, found.st_mtime_ns)).digest()
    hashed = hashlib.sha256()
    offset = 0
    # One byte more than there should be: where that is not had, the file has ended, without another look. And
    # a file that grows while it is read must not hold the worker for ever.
    wanted = min(max(found.st_size + 1, _PAGE), _CHUNK)
    while offset <= LARGE_FILE and (chunk := os.pread(descriptor, wanted, offset)):
        hashed.update(chunk)
        offset += len(chunk)
        if offset == found.st_size and len(chunk) < wanted:
            break
    return hashed.digest()


def _read_link(path: str, found: os.stat_result, known: bytes | None, reach: Reach) -> Content | None:
    """A link counts by where it points and, where that is a file within reach, by the content there."""
    try:
        hashed = hashlib.sha256(b"link:" + os.fsencode(os.readlink(path)))
    except OSError as error:
        return _without_content(error, known, found)
    behind, target = _behind(path, found, reach)
    if behind is None:
        return Content(hashed.digest() + unsure(target))  # what comes behind it changes no signature either
    hashed.update(b"\0" + digest_of(behind.record))
    # The content behind it has no signature here, so every look reads it.
    return Content(hashed.digest() + unsure(target), behind.is_readable)


def _behind(path: str, link: os.stat_result, reach: Reach) -> tuple[Content | None, os.stat_result]:
    """The content that a link leads to, and what the directory tells of it, else of the link."""
    try:
        descriptor = reach.open_linked(path)
        if descriptor is not None:
            target = os.fstat(descriptor)
            return _read_steady(descriptor, target), target
    except PermissionError as error:
        return _without_content(error, None, link), link
    except OSError:  # it leads nowhere, round in a circle, or to what is no file
        pass
    return None, link
