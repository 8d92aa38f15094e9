"""New inputs out of old ones: bits, bytes, numbers, tokens, lines, and parts of other inputs.

It exists because a random input rarely gets past the first line of a reader. All chance comes from the
``Random`` that it is given, so that a seed makes the same inputs again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

from .reader import LONGEST, Reader

NUMBERS = [
    b"0", b"-1", b"1", b"-0", b"00", b"+1", b"1.5", b"1e9", b"1e400", b"nan", b"inf", b"0x10", b"1_0",
    b"255", b"256", b"4095", b"4096", b"4097", b"65535", b"65536", b"65537", b"999999999", b"1000000000",
    b"2147483647", b"2147483648", b"4294967296", b"9223372036854775807", b"9223372036854775808",
    b"99999999999999999999999999", b"9" * 5000, "\u0663".encode(), "\u00b2".encode(), b"",
]  # fmt: skip
BYTES = [
    b"\0", b"\n", b"\r\n", b"\r", b"\t", b" ", b":", b"=", b"%", b"%(", b"[", b"]", b"<", b"&", b"\x1b[2J",
    b"\xff", b"\xc3", "\u2028".encode(), "\U0001f600".encode(), b"\xed\xa0\x80", b"\xef\xbb\xbf",
]  # fmt: skip

REPEATS = (*(1,) * 15, *(2,) * 10, *(20,) * 4, 3000)
"""Long inputs cost time: they are rare."""

Mutation = Callable[[bytes, Random, Reader], bytes]


def mutated(data: bytes, chance: Random, reader: Reader) -> bytes:
    """One to five changes."""
    for _ in range(min(5, 1 + int(chance.expovariate(0.7)))):
        data = chance.choice(MUTATIONS)(data, chance, reader)[:LONGEST]
    return data


def next_input(chance: Random, reader: Reader, corpus: Sequence[bytes]) -> bytes:
    """A fresh input, or a changed one of the corpus, or a changed fresh one."""
    dice = chance.random()
    data = reader.fresh(chance)[:LONGEST] if dice < 0.4 else chance.choice(corpus)
    return data if dice < 0.15 else mutated(data, chance, reader)


def _place(data: bytes, chance: Random) -> int:
    return chance.randint(0, len(data))


def _span(data: bytes, chance: Random) -> tuple[int, int]:
    start = _place(data, chance)
    return start, min(len(data), start + int(chance.expovariate(1 / 20)) + 1)


def _flip(data: bytes, chance: Random, _: Reader) -> bytes:
    if not data:
        return b"\0"
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def _insert(data: bytes, chance: Random, _: Reader) -> bytes:
    at = _place(data, chance)
    return data[:at] + chance.choice(BYTES) * chance.choice((1, 1, 1, 2, 50)) + data[at:]


def _token(data: bytes, chance: Random, reader: Reader) -> bytes:
    start, end = _span(data, chance)
    if chance.random() < 0.7:
        end = start
    return data[:start] + chance.choice(reader.tokens) + data[end:]


def _number(data: bytes, chance: Random, _: Reader) -> bytes:
    """Another number in the place of one."""
    found = list(re.finditer(rb"[0-9]+", data))
    if not found:
        return data
    one = chance.choice(found)
    return data[: one.start()] + chance.choice(NUMBERS) + data[one.end() :]


def _remove(data: bytes, chance: Random, _: Reader) -> bytes:
    start, end = _span(data, chance)
    return data[:start] + data[end:]


def _repeat(data: bytes, chance: Random, _: Reader) -> bytes:
    start, end = _span(data, chance)
    return data[:end] + data[start:end] * chance.choice(REPEATS) + data[end:]


def _cut(data: bytes, chance: Random, _: Reader) -> bytes:
    return data[: _place(data, chance)]


def _lines(data: bytes, chance: Random, _: Reader) -> bytes:
    """Two lines change their places, or one goes, or comes twice."""
    lines = data.split(b"\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one : one + 1] = chance.choice(([], [lines[other]], [lines[one], lines[other]]))
    return b"\n".join(lines)


def _splice(data: bytes, chance: Random, reader: Reader) -> bytes:
    other = chance.choice(reader.seeds)
    return data[: _place(data, chance)] + other[_place(other, chance) :]


MUTATIONS: tuple[Mutation, ...] = (
    _flip, _insert, _token, _token, _number, _number, _remove, _repeat, _cut, _lines, _lines, _splice
)  # fmt: skip
