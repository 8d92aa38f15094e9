"""The revision: one short digest of a set of files, kept up to date at the price of the files that changed.

It is a sum of one hash per file, so it depends on neither order nor history (a multiset hash: Clarke and
others, "Incremental Multiset Hash Functions", 2003). This module never reads a file.
"""

from __future__ import annotations

from hashlib import sha256

from .model import Revision

DIGITS = 12
"""hexadecimal digits of a revision: 48 bits, as git's longer short names"""

_MODULUS = 2**256


class Fingerprint:
    """The set of a target's files, each with the digest of its content."""

    __slots__ = ("_count", "_sum")

    def __init__(self) -> None:
        self._sum = 0
        self._count = 0

    def add(self, root: int, relative: str, content: bytes) -> None:
        """Put a file in: the number of its watched path, its name below it, and its content's digest."""
        self._sum = (self._sum + _entry(root, relative, content)) % _MODULUS
        self._count += 1

    def remove(self, root: int, relative: str, content: bytes) -> None:
        """Take a file out that was put in with the same values."""
        self._sum = (self._sum - _entry(root, relative, content)) % _MODULUS
        self._count -= 1

    def revision(self) -> Revision:
        """The short digest of the set."""
        whole = self._sum.to_bytes(32, "big") + self._count.to_bytes(8, "big")
        return Revision(sha256(whole).hexdigest()[:DIGITS])


def _entry(root: int, relative: str, content: bytes) -> int:
    """A number for one file; the lengths keep two different files from being written the same way."""
    name = relative.encode("utf-8", "surrogatepass")
    head = b"%d:%d:%d:" % (root, len(name), len(content))
    return int.from_bytes(sha256(head + name + content).digest(), "big")
