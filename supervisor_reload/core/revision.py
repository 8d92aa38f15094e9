"""The revision: one short digest of a set of files, kept up to date at the price of the files that changed.

It is a sum of one hash per file, so it depends on neither order nor history (a multiset hash: Clarke and
others, "Incremental Multiset Hash Functions", 2003); one sum for each weight. This module never reads a file.
"""

from __future__ import annotations

import enum
from hashlib import sha256

from .model import LIGHT, UNKNOWN, Revision

DIGITS = 12
"""hexadecimal digits of a revision: 48 bits, as git's longer short names"""

LIGHT_DIGITS = 6
"""of its second part: it tells few contents apart, and only beside the same code"""

_MODULUS = 2**256


class Weight(enum.Enum):
    """What a change of a file asks for."""

    CODE = "code"
    """new processes (or what ``strategy`` says)"""
    LIGHT = "light"
    """a signal to the processes"""
    NONE = "none"
    """nothing"""


class Fingerprint:
    """The set of a target's files, each with the digest of its content."""

    __slots__ = ("_code", "_light")

    def __init__(self) -> None:
        self._code, self._light = _Sum(), _Sum()

    def add(self, root: int, relative: str, content: bytes, weight: Weight = Weight.CODE) -> None:
        """Put a file in: the number of its watched path, its name below it, and its content's digest."""
        if weight is not Weight.NONE:
            self._of(weight).change(_entry(root, relative, content), 1)

    def remove(self, root: int, relative: str, content: bytes, weight: Weight = Weight.CODE) -> None:
        """Take a file out that was put in with the same values."""
        if weight is not Weight.NONE:
            self._of(weight).change(-_entry(root, relative, content), -1)

    def revision(self) -> Revision:
        """The short digest of the set: of the code, and behind it of the light files, where there are any."""
        code = self._code.digest()[:DIGITS]
        if not self._light.count:
            return Revision(code)
        return Revision(f"{code}{LIGHT}{self._light.digest()[:LIGHT_DIGITS]}")

    def _of(self, weight: Weight) -> _Sum:
        return self._light if weight is Weight.LIGHT else self._code


class _Sum:
    """The files of one weight."""

    __slots__ = ("count", "total")

    def __init__(self) -> None:
        self.total = self.count = 0

    def change(self, entry: int, files: int) -> None:
        self.total = (self.total + entry) % _MODULUS
        self.count += files

    def digest(self) -> str:
        whole = self.total.to_bytes(32, "big") + self.count.to_bytes(8, "big")
        return sha256(whole).hexdigest()


def has_same_code(one: Revision | None, other: Revision | None) -> bool:
    """Whether they differ in light files at most, so that a signal is enough to get from one to the other."""
    if one is None or other is None or UNKNOWN in (one, other):
        return False
    return one.partition(LIGHT)[0] == other.partition(LIGHT)[0]


def _entry(root: int, relative: str, content: bytes) -> int:
    """A number for one file; the lengths keep two different files from being written the same way."""
    name = relative.encode("utf-8", "surrogatepass")
    head = b"%d:%d:%d:" % (root, len(name), len(content))
    return int.from_bytes(sha256(head + name + content).digest(), "big")
