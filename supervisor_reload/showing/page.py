"""What is written to a terminal or a pipe: lines that can't be forged, in letters that it can show."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TextIO

from ..core.model import Value
from ..edges.observers.logs import escaped

FORMAT = 1
"""Number of the form of what ``--json`` writes; it grows when a key goes or gets another meaning."""


def say(stream: TextIO, line: str) -> None:
    """Write one line, whatever its names hold."""
    stream.write(shown(stream, line) + "\n")


def shown(stream: TextIO, line: str) -> str:
    """A line as a stream can show it, and nothing in it is an order to a terminal."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return escaped(line).encode(encoding, "backslashreplace").decode(encoding).rstrip()


def is_terminal(stream: TextIO) -> bool:
    """Whether somebody may look at it, on a terminal that can be written anew."""
    try:
        return stream.isatty() and os.environ.get("TERM", "dumb") not in ("", "dumb")
    except (AttributeError, ValueError):  # closed, or supervisorctl's own
        return False


def say_json(stream: TextIO, value: Value) -> None:
    """Write one JSON object, in ASCII."""
    stream.write(json.dumps(value, indent=2) + "\n")


def utc(seconds: float) -> str:
    """A time of day as in the JSON log: ISO 8601, UTC."""
    told = datetime.fromtimestamp(seconds, timezone.utc)
    return told.strftime("%Y-%m-%dT%H:%M:%S") + f".{told.microsecond // 1000:03d}Z"


def files(changed: Sequence[str], count: int) -> str:
    """``app.py and 2 more``; '' where no file changed."""
    if not changed:
        return ""
    more = max(count, len(changed)) - 1
    return changed[0].rpartition("/")[2] + (f" and {more} more" if more else "")


def plain(value: object) -> Value:
    """Fields of our dataclasses as JSON can hold them; numbers to the millisecond."""
    match value:
        case dict():
            return {str(key): plain(each) for key, each in value.items()}
        case list() | tuple():
            return [plain(each) for each in value]
        case float():
            return round(value, 3)
        case None | bool() | int() | str():
            return value
    raise TypeError(f"{value!r} has no place in JSON")
