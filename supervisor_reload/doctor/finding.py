"""What the doctor finds, in words: how bad it is, what it is about, and what to do. It looks at nothing."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Level(str, enum.Enum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    """it works, but not as well as it could, or it could not be looked at"""
    ERROR = "error"
    """reloads don't work, or will not soon"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the report."""

    topic: str
    """one word, the same for all findings of one check"""
    level: Level
    text: str
    remedy: tuple[str, ...] = ()
    """what to do: sentences, commands, or lines of a configuration"""


def ok(topic: str, text: str) -> Finding:
    """All is well."""
    return Finding(topic=topic, level=Level.OK, text=text)


def warning(topic: str, text: str, *remedy: str) -> Finding:
    """It works, but."""
    return Finding(topic=topic, level=Level.WARNING, text=text, remedy=remedy)


def error(topic: str, text: str, *remedy: str) -> Finding:
    """It does not work."""
    return Finding(topic=topic, level=Level.ERROR, text=text, remedy=remedy)
