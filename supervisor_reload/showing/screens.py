"""Where ``status --watch`` is shown: a terminal that is drawn anew, a log of blocks, or objects of JSON.

They know when there is nothing new to show, and nothing of what it means.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TextIO

from ..core.model import Value
from .page import say, shown

ENTER, LEAVE = "\x1b[?1049h\x1b[?25l\x1b[?7l", "\x1b[?7h\x1b[?25h\x1b[?1049l"
"""the terminal's other screen, without a cursor and without a second line for what is too long; and back"""

HOME, END_OF_LINE, END = "\x1b[H", "\x1b[K", "\x1b[J"
"""go to the first line; clear what is right of here, what is below"""

VOLATILE = frozenset({"age", "written", "seconds", "uptime", "deadline_in", "retry_in"})
"""Keys that change with the time alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One look, to be shown."""

    lines: Sequence[str]
    told: dict[str, Value]
    """the same for programs"""
    code: int
    """the exit status that goes with it"""


class Screen(Protocol):
    """Shows one view after the other."""

    def show(self, view: View) -> None:
        """Show this now."""

    def close(self, last: View) -> None:
        """Leave this behind."""


class Terminal:
    """Draws each view over the last, in the screen that a terminal has for that."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._drawn: object = None
        stream.write(ENTER)

    def leave(self) -> None:
        """Give the terminal to somebody else for a while; also from a signal handler."""
        self._order(LEAVE)

    def enter(self) -> None:
        """Have it again: nothing of ours is on it."""
        self._order(ENTER)
        self._drawn = None

    def _order(self, order: str) -> None:
        """Past the stream's buffer, which may be in use just now."""
        with contextlib.suppress(OSError, ValueError):
            os.write(self._stream.fileno(), order.encode("ascii"))

    def show(self, view: View) -> None:
        """Draw it, cut to the size that the terminal has now; nothing, where it is drawn already."""
        size = _size(self._stream)
        drawn = (size, tuple(view.lines))
        if drawn == self._drawn:
            return
        self._drawn = drawn
        lines = [shown(self._stream, line) for line in _fitting(view.lines, size.lines)]
        self._stream.write(HOME + "\n".join(line + END_OF_LINE for line in lines) + END)
        self._stream.flush()

    def close(self, last: View) -> None:
        """Go back to what was there before, and leave the last view below it."""
        self._stream.write(LEAVE)
        for line in last.lines:
            say(self._stream, line)
        self._stream.flush()


class Blocks:
    """Writes a view whenever anything but the time changed, below a line with the time of day."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._told: Value = None

    def show(self, view: View) -> None:
        """Write it, where it is another."""
        told = lasting(view.told)
        if told == self._told:
            return
        say(self._stream, f"{datetime.now().isoformat(' ', 'seconds')}:")
        for line in view.lines:
            say(self._stream, line)
        self._stream.write("\n")
        self._stream.flush()
        self._told = told

    def close(self, last: View) -> None:
        """What changed since."""
        self.show(last)


class Objects:
    """Writes a JSON object, in one line, whenever anything but the time changed."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._told: Value = None

    def show(self, view: View) -> None:
        """Write it, where it is another."""
        told = lasting(view.told)
        if told != self._told:
            self._stream.write(json.dumps(view.told) + "\n")
            self._stream.flush()
            self._told = told

    def close(self, last: View) -> None:
        """What changed since."""
        self.show(last)


def lasting(told: Value) -> Value:
    """What does not change with the time alone."""
    match told:
        case dict():
            return {key: lasting(value) for key, value in told.items() if key not in VOLATILE}
        case list():
            return [lasting(each) for each in told]
    return told


def _size(stream: TextIO) -> os.terminal_size:
    try:
        size = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        return os.terminal_size((80, 24))
    return size if size.lines > 0 else os.terminal_size((80, 24))


def _fitting(lines: Sequence[str], most: int) -> Sequence[str]:
    if len(lines) <= most:
        return lines
    hidden = len(lines) - most + 1
    return [*lines[: most - 1], f"... and {hidden} more lines: name targets to see fewer"]
