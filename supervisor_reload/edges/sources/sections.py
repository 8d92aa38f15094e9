"""The form in which the files of a target are remembered on disk: sections, each complete by its checksum.

A section holds groups of files, each group those of one directory with the digests of their content. A
section that is named tells with all before it what the files were at one reading. This module packs and
unpacks; it takes nothing that it reads on trust, and never opens a file.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO, NamedTuple
from zlib import crc32

from .record import SHORT_SIZE

HEAD = b"supervisor_reload files 1\n"
"""what a file begins with; another number is another form"""

LARGEST = 256 * 1024 * 1024
"""bytes of a file that is read; about five million names"""

GONE = bytes(SHORT_SIZE)
"""in place of a digest: there is no such file any more"""

_SECTION = struct.Struct("<III")
"""the sizes of its name and of the rest, in bytes, and the checksum of both"""

_GROUP = struct.Struct("<HIII")
"""the number of its watched path; bytes of the directory's name and of the files' names; how many files"""

_PIECE = 256 * 1024
"""bytes after which a section ends that is one of several"""

_NAME_LIMIT = 255


class BrokenError(ValueError):
    """This is no form of ours."""


class Group(NamedTuple):
    """The files of one directory."""

    root: int
    """the number of the watched path"""
    directory: str
    """its name below the watched path"""
    files: Mapping[str, bytes]
    """by name in the directory: 16 bytes of the digest of the content, or GONE"""


class Section(NamedTuple):
    """What was read of one section."""

    mark: str
    """its name; '' where more belongs to it"""
    body: bytes
    end: int
    """where in the file it ends"""


def head(roots: Sequence[str]) -> bytes:
    """What a file of these watched paths begins with."""
    return HEAD + _section("", b"\0".join(map(os.fsencode, roots)))


def packed(groups: Iterable[Group], mark: str) -> Iterator[bytes]:
    """These groups as sections, of which the last is named ``mark``."""
    pieces: list[bytes] = []
    size = 0
    for group in groups:
        pieces.append(_pack(group))
        size += len(pieces[-1])
        if size > _PIECE:
            yield _section("", b"".join(pieces))
            pieces, size = [], 0
    yield _section(mark, b"".join(pieces))


def sections(file: BinaryIO, roots: Sequence[str]) -> Iterator[Section]:
    """What can be read of a file of these watched paths: the sections up to the first that is damaged."""
    size = os.fstat(file.fileno()).st_size
    begin = head(roots)
    if size > LARGEST or file.read(len(begin)) != begin:
        return
    position = len(begin)
    while position + _SECTION.size <= size:
        name_size, body_size, checksum = _SECTION.unpack(file.read(_SECTION.size))
        position += _SECTION.size + name_size + body_size
        if position > size or name_size > _NAME_LIMIT:
            return
        both = file.read(name_size + body_size)
        if crc32(both) != checksum:
            return
        yield Section(both[:name_size].decode("utf-8", "replace"), both[name_size:], position)


def groups(body: bytes) -> Iterator[Group]:
    """The groups of a section; raises BrokenError."""
    position = 0
    while position < len(body):
        try:
            root, directory_size, names_size, count = _GROUP.unpack_from(body, position)
        except struct.error as error:
            raise BrokenError from error
        names_at = position + _GROUP.size + directory_size
        digests_at = names_at + names_size
        directory = os.fsdecode(body[position + _GROUP.size : names_at])
        names = os.fsdecode(body[names_at:digests_at]).split("\0")
        position = digests_at + count * SHORT_SIZE
        if position > len(body) or len(names) != count:
            raise BrokenError
        digests = (body[at : at + SHORT_SIZE] for at in range(digests_at, position, SHORT_SIZE))
        yield Group(root, directory, dict(zip(names, digests, strict=True)))


def _section(mark: str, body: bytes) -> bytes:
    name = mark.encode()
    return _SECTION.pack(len(name), len(body), crc32(name + body)) + name + body


def _pack(group: Group) -> bytes:
    directory = os.fsencode(group.directory)
    names = b"\0".join(map(os.fsencode, group.files))
    head = _GROUP.pack(group.root, len(directory), len(names), len(group.files))
    return b"".join((head, directory, names, *group.files.values()))
