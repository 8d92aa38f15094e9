"""One line of the journal: all that one turn of the engine keeps, as bytes, and back.

A line is a checksum (CRC-32, 8 hexadecimal digits), a space, a JSON object in ASCII, and a newline. So a line
that was cut, overwritten or edited is known as such. This module never looks at a disk, and never guesses
what a bad line meant.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterable, Mapping
from typing import NoReturn

from ...core.model import Record, Value

LONGEST = 4_300
"""digits of a number; longer ones cost Python quadratic time (sys.set_int_max_str_digits)"""

_PREFIX = 9
"""bytes of the checksum and the space"""


def piece(key: str, record: Record | None) -> bytes:
    """One record under its key, to be sealed with others of its turn.

    Raises ValueError, TypeError or RecursionError for what JSON can't hold.
    """
    return _encoder.encode(key).encode() + b":" + _encoder.encode(record).encode()


def sealed(pieces: Iterable[bytes]) -> bytes:
    """A whole line."""
    return _with_checksum(b"{" + b",".join(pieces) + b"}")


def sealed_values(values: Mapping[str, Value]) -> bytes:
    """A line of plain values, such as a header."""
    return _with_checksum(_encoder.encode(values).encode())


def unsealed(line: bytes) -> dict[str, Value]:
    """The object of a line, without its newline; ValueError says why it is none."""
    body = line[_PREFIX:]
    if line[:_PREFIX] != b"%08x " % zlib.crc32(body):
        raise ValueError("its checksum is wrong")
    try:
        found = _decoder.decode(body.decode("ascii"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")
    return found


def records(values: Mapping[str, Value]) -> dict[str, Record | None]:
    """The records of a line's object; ValueError where it holds anything else."""
    found: dict[str, Record | None] = {}
    for key, value in values.items():
        if not (value is None or isinstance(value, dict)):
            raise ValueError("it holds something else than records")
        found[key] = value
    return found


def _with_checksum(body: bytes) -> bytes:
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _integer(digits: str) -> int:
    if len(digits) > LONGEST:
        raise ValueError("a number in it is too long")
    return int(digits)


def _number(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number in it is too large")
    return number


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} in it is no JSON")


_encoder = json.JSONEncoder(ensure_ascii=True, allow_nan=False, sort_keys=True, separators=(",", ":"))
_decoder = json.JSONDecoder(parse_int=_integer, parse_float=_number, parse_constant=_constant)
