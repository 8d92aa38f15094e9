"""The compact form in which the content of a file is remembered: one ``bytes`` object.

A tree may hold hundreds of thousands of files, so a file has no object of its own here: 72 bytes tell its
digest and its signature. This module only packs and unpacks; it never looks at the disk.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping

_SIGNATURE = struct.Struct("<qqqQQ")
"""time of the content, size, time of the inode (both in nanoseconds), inode, device"""

_DIGEST_SIZE = 32
SIGNATURE_SIZE = _SIGNATURE.size
RECORD_SIZE = _DIGEST_SIZE + SIGNATURE_SIZE
"""bytes; the digest comes first"""

SHORT_SIZE = 16
"""bytes of a digest that are enough to see whether a file is the one that it was"""

_NS = 1_000_000_000
_HALF, _WHOLE = 2**63, 2**64


def signature(found: os.stat_result) -> bytes:
    """What the directory tells of a file; equal signatures mean equal content."""
    return _pack(found, found.st_ino, found.st_dev)


def unsure(found: os.stat_result) -> bytes:
    """The signature of a file whose next look shall read it; no file has it, as no device is 0."""
    return _pack(found, 0, 0)


def is_current(record: bytes, found: os.stat_result) -> bool:
    """Whether the file still has the signature that it was read with."""
    return record.endswith(signature(found))


def digest(record: bytes) -> bytes:
    """The digest of the content: the first 32 bytes."""
    return record[:_DIGEST_SIZE]


def changed_at(record: bytes) -> int:
    """When the file was written, renamed or given other rights (nanoseconds since 1970): its inode's time."""
    _, _, changed, *_ = _SIGNATURE.unpack_from(record, _DIGEST_SIZE)
    return int(changed)


def short_digests(table: Mapping[str, bytes]) -> dict[str, bytes]:
    """Of the names in a directory those of files, each with the beginning of its digest."""
    return {name: value[:SHORT_SIZE] for name, value in table.items() if len(value) == RECORD_SIZE}


def key(record: bytes) -> tuple[int, int]:
    """(whole seconds of the time, size in bytes): what Python knows a source by.

    Rounded as ``importlib._bootstrap_external`` does it: the time goes through a float.
    """
    written, size, *_ = _SIGNATURE.unpack_from(record, _DIGEST_SIZE)
    seconds, rest = divmod(written, _NS)
    return int(seconds + 1e-9 * rest), size


def _pack(found: os.stat_result, inode: int, device: int) -> bytes:
    written, changed = found.st_mtime_ns, found.st_ctime_ns
    try:
        return _SIGNATURE.pack(written, found.st_size, changed, inode, device)
    except struct.error:  # a time beyond the year 2262, which some file systems can hold
        return _SIGNATURE.pack(_wrapped(written), found.st_size, _wrapped(changed), inode, device)


def _wrapped(number: int) -> int:
    return (number + _HALF) % _WHOLE - _HALF
