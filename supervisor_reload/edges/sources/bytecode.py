"""Removes bytecode that Python would trust although its source was just rewritten.

Python takes a ``.pyc`` for its source's when the source's time in whole seconds and its size are the ones in
its header (``importlib._bootstrap_external``, ``_validate_timestamp_pyc``). So the second of two saves of one
length within a second would boot the first. Removing costs one compilation; this never touches a source, and
never raises.
"""

# Names are exact strings here (any bytes), which Path would normalise; and this runs per file.
# ruff: noqa: PTH116, PTH118, PTH119, PTH120

from __future__ import annotations

import errno
import logging
import os
import struct
from collections.abc import Iterable

log = logging.getLogger(__name__)

_CACHE = "__pycache__"
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_HEADER = struct.Struct("<4xIII")
"""after the magic number: flags, the source's time in seconds, its size in bytes (PEP 552)"""

_MARGIN_NS = 2_000_000_000
"""Bytecode written this long after its source was made of it, not of the content before: nobody is that slow
between reading a file and writing what it was compiled to."""

_MASK = 0xFFFFFFFF


def discard(sources: Iterable[str]) -> int:
    """Remove the bytecode of these ``.py`` files that may be older than it says; how many files went."""
    by_directory: dict[str, list[str]] = {}
    for source in sources:
        by_directory.setdefault(os.path.dirname(source), []).append(source)
    return sum(_discard_all(directory, found) for directory, found in by_directory.items())


def _discard_all(directory: str, sources: Iterable[str]) -> int:
    """Of the sources in one directory. Never through a link: who made it may mean another's files."""
    try:
        cache = os.open(os.path.join(directory, _CACHE), _OPEN | os.O_DIRECTORY)
    except OSError as error:
        if error.errno != errno.ENOENT:
            log.debug("bytecode was left as it is (%s): in %r", error.strerror, directory)
        return 0
    removed = 0
    try:
        listing = _by_module(cache)
        for source in sources:
            module = os.path.basename(source).removesuffix(".py")
            removed += sum(_discard(cache, name, source) for name in listing.get(module, ()))
    finally:
        os.close(cache)
    return removed


def _discard(cache: int, bytecode: str, source: str) -> bool:
    try:
        if not _would_be_trusted(cache, bytecode, os.stat(source)):
            return False
        os.unlink(bytecode, dir_fd=cache)
    except OSError as error:
        log.debug("bytecode was left as it is (%s): %r of %r", error.strerror, bytecode, source)
        return False
    return True


def _by_module(cache: int) -> dict[str, list[str]]:
    """The bytecode files of a directory by their module's name: ``NAME.TAG.pyc``, ``NAME.TAG.opt-N.pyc``."""
    found: dict[str, list[str]] = {}
    try:
        names = os.listdir(cache)
    except OSError:  # it can't be read
        return found
    for name in names:
        tagged, _, suffix = name.rpartition(".")
        if suffix != "pyc":
            continue
        module, _, tag = tagged.rpartition(".")
        if tag.startswith("opt-"):
            module = module.rpartition(".")[0]
        found.setdefault(module, []).append(name)
    return found


def _would_be_trusted(cache: int, bytecode: str, source: os.stat_result) -> bool:
    descriptor = os.open(bytecode, _OPEN, dir_fd=cache)
    try:
        header = os.read(descriptor, _HEADER.size)
        written = os.fstat(descriptor).st_mtime_ns
    finally:
        os.close(descriptor)
    if len(header) < _HEADER.size:
        return False
    flags, seconds, size = _HEADER.unpack(header)
    is_by_time = not flags & 1
    is_match = seconds == int(source.st_mtime) & _MASK and size == source.st_size & _MASK
    return is_by_time and is_match and written <= source.st_ctime_ns + _MARGIN_NS
