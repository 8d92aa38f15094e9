"""Reads one file into a digest, whatever it turns out to be, without ever being held up by it.

Never opens what is not a regular file (a FIFO would block), never believes a content that changed while it
was read, and never fails on a file that it may not read: that one counts by what its directory tells of it.
"""

# Names are exact strings here (any bytes), which Path would normalise; and this runs per file.
# ruff: noqa: PTH115, PTH116

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path

LARGE_FILE = 64 * 1024 * 1024
"""bytes; a larger file is told apart by its size and time, not by its content"""

_ATTEMPTS = 3
"""times that a file which changes while it is read is read, before its content is taken as it came"""

_YOUNG_NS = 100_000_000
"""A file written this short a time ago may be written again without its time changing: the kernel's clock for
file times steps by up to 10 ms, that of network file systems by more. Its signature proves nothing then."""

_CHUNK = 1024 * 1024
_OPEN = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY

Signature = tuple[int, ...]
"""What the directory tells of a file; equal signatures mean equal content."""

UNSURE: Signature = ()
"""The signature of a file that was too young to be believed; no file has it."""


@dataclass(frozen=True, slots=True)
class Content:
    """What was read of one file."""

    signature: Signature
    digest: bytes
    key: tuple[int, int]
    """(whole seconds of the time, size in bytes): what Python knows a source by"""
    readable: bool = True


def read(path: str, known: Content | None, *, hinted: bool) -> Content | None:
    """The content of a file now; None where there is none, or nothing that can have one.

    What is ``known`` is believed where the signature is the same, unless the file is ``hinted`` and of a size
    that is cheap to read.
    """
    try:
        found = os.lstat(path)
    except OSError as error:
        return _without_content(error, known, UNSURE, (0, 0))
    if stat.S_ISLNK(found.st_mode):
        return _read_link(path, found, known)
    if not stat.S_ISREG(found.st_mode):
        return None
    is_cheap = found.st_size <= _CHUNK
    if known is not None and known.signature == _signature(found) and not (hinted and is_cheap):
        return known
    return _read_file(path, found, os.O_NOFOLLOW, known)


def read_text(path: str) -> str | None:
    """The text of a small regular file such as a ``.gitignore``; None where it can't be read."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return None
        return Path(path).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None


def _read_file(path: str, found: os.stat_result, flags: int, known: Content | None) -> Content | None:
    try:
        return _read_steady(path, flags)
    except OSError as error:
        return _without_content(error, known, _signature(found), _key(found))


def _without_content(
    error: OSError, known: Content | None, signature: Signature, key: tuple[int, int]
) -> Content | None:
    """What to believe of a file that could not be read."""
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return None
    if error.errno not in (errno.EACCES, errno.EPERM) and known is not None:
        return known  # too many open files, a disk that fails: no reason to say that the content changed
    digest = hashlib.sha256(b"unreadable:%r" % (signature,)).digest()
    return Content(signature, digest, key, readable=False)


def _read_steady(path: str, flags: int) -> Content | None:
    """Read until the file was the same before and after, a bounded number of times."""
    descriptor = os.open(path, _OPEN | flags)
    try:
        before = os.fstat(descriptor)
        for _ in range(_ATTEMPTS):
            if not stat.S_ISREG(before.st_mode):
                return None
            digest = _digest(descriptor, before)
            after = os.fstat(descriptor)
            if _signature(after) == _signature(before):
                young = time.time_ns() - after.st_ctime_ns < _YOUNG_NS
                return Content(UNSURE if young else _signature(after), digest, _key(after))
            before = after
        return Content(UNSURE, digest, _key(before))
    finally:
        os.close(descriptor)


def _digest(descriptor: int, found: os.stat_result) -> bytes:
    if found.st_size > LARGE_FILE:
        return hashlib.sha256(b"large:%d:%d" % (found.st_size, found.st_mtime_ns)).digest()
    hashed = hashlib.sha256()
    offset = 0
    # A file that grows while it is read must not hold the worker for ever.
    while offset <= LARGE_FILE and (chunk := os.pread(descriptor, _CHUNK, offset)):
        hashed.update(chunk)
        offset += len(chunk)
    return hashed.digest()


def _read_link(path: str, found: os.stat_result, known: Content | None) -> Content | None:
    """A link counts by where it points and, where that is a file, by the content there."""
    try:
        hashed = hashlib.sha256(b"link:" + os.fsencode(os.readlink(path)))
    except OSError as error:
        return _without_content(error, known, _signature(found), _key(found))
    behind = None
    try:
        target = os.stat(path)
        if stat.S_ISREG(target.st_mode):
            behind = _read_file(path, target, 0, None)
    except OSError:  # it leads nowhere, or round in a circle
        pass
    if behind is None:
        return Content(_signature(found), hashed.digest(), _key(found))
    hashed.update(b"\0" + behind.digest)
    # The content behind it has no signature here, so every look reads it.
    return Content(UNSURE, hashed.digest(), behind.key, behind.readable)


def _signature(found: os.stat_result) -> Signature:
    return (found.st_mtime_ns, found.st_size, found.st_ino, found.st_ctime_ns, found.st_dev)


def _key(found: os.stat_result) -> tuple[int, int]:
    return (int(found.st_mtime), found.st_size)
