"""States as records of the journal, and back: every field that differs from its default, by its name.

A record may come from a damaged file or from another version of this program, so nothing in it is taken on
trust: what is no value of its field makes the whole record unusable. This module reads and writes no file.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, TypeVar

from .model import ProcessState, Record, Value
from .phase import Phase
from .requests import Verb
from .trigger import Trigger

State = TypeVar("State")


def to_record(state: Any, leave_out: Collection[str] = ()) -> Record:
    """The fields of a dataclass's instance that differ from their defaults."""
    record: Record = {}
    for field in fields(state):
        value = getattr(state, field.name)
        if field.name not in leave_out and value != _default(field):
            record[field.name] = _plain(value)
    return record


def from_record(of: type[State], record: Mapping[str, Value], **given: object) -> State:
    """The state that a record tells; ``given`` are fields that it does not hold.

    Raises:
        ValueError: it is no record of such a state.
    """
    values = dict(given)
    for field in fields(of):  # type: ignore[arg-type]
        if field.name in record and field.name not in given:
            values[field.name] = _READERS[str(field.type)](record[field.name])
    try:
        return of(**values)
    except TypeError as error:
        raise ValueError(str(error)) from error


def _default(field: Field[Any]) -> object:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _plain(value: object) -> Value:
    if isinstance(value, enum.Enum):
        return str(value.value)
    if isinstance(value, tuple | list | set):
        return [_plain(one) for one in sorted(value)] if isinstance(value, set) else [*map(_plain, value)]
    assert value is None or isinstance(value, str | int | float | bool), value
    return value


def number(value: Value) -> float:
    """A finite number; anything else raises ValueError, here and below."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is no number")
    try:
        found = float(value)
    except OverflowError as error:  # a whole number of some hundred digits
        raise ValueError(str(error)) from error
    if not math.isfinite(found):
        raise ValueError(f"{value!r} is no number")
    return found


def whole(value: Value) -> int:
    """A whole number of a size that a pid or a count may have."""
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 2**53:
        raise ValueError(f"{value!r} is no whole number")
    return value


def text(value: Value) -> str:
    """A string."""
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def truth(value: Value) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return value


def several(one: Callable[[Value], State]) -> Callable[[Value], tuple[State, ...]]:
    """Any number of these."""

    def read(value: Value) -> tuple[State, ...]:
        if not isinstance(value, list):
            raise ValueError(f"{value!r} is no list")
        return tuple(one(each) for each in value)

    return read


def pair(value: Value) -> tuple[str, str]:
    """Two texts."""
    one, other = several(text)(value)
    return one, other


def optional(one: Callable[[Value], State]) -> Callable[[Value], State | None]:
    """One of these, or None."""
    return lambda value: None if value is None else one(value)


_READERS: Mapping[str, Callable[[Value], object]] = {
    "float": number,
    "float | None": optional(number),
    "int": whole,
    "str": text,
    "bool": truth,
    "Revision": text,
    "Revision | None": optional(text),
    "tuple[str, ...]": several(text),
    "list[float]": lambda value: list(several(number)(value)),
    "Phase": lambda value: Phase(text(value)),
    "ProcessState": lambda value: ProcessState(text(value)),
    "Trigger": lambda value: Trigger(text(value)),
    "Verb": lambda value: Verb(text(value)),
    "tuple[tuple[str, str], ...]": several(pair),
}
"""by the annotation of a field"""
