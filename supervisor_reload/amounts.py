"""What may stand behind an option that wants a number or a revision, and the sentence where it is none.

argparse shows a sentence of ours only where it is an ArgumentTypeError: a bare ValueError would show the name
of a function. It reads words and knows no option.
"""

from __future__ import annotations

import argparse

LONGEST = 24 * 3600
"""Seconds: a longer limit on the command line is a slip of the finger."""

MOST = 1_000_000
"""how many anybody may ask for"""


def seconds(text: str) -> float:
    """A length of time. Raises ArgumentTypeError."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to {LONGEST}")
    return number


def whole_seconds(text: str) -> int:
    """The same without a fraction, and not 0. Raises ArgumentTypeError."""
    number = _whole(text)
    if not 1 <= number <= LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of seconds from 1 to {LONGEST}")
    return number


def count(text: str) -> int:
    """How many. Raises ArgumentTypeError."""
    number = _whole(text)
    if not 1 <= number <= MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MOST}")
    return number


def port(text: str) -> int:
    """A TCP port. Raises ArgumentTypeError."""
    number = _whole(text)
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1 to 65535")
    return number


def revision(text: str) -> str:
    """The first letters of one. Raises ArgumentTypeError; an empty variable in a script is none."""
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty: name a revision, or leave --revision out")
    return text.strip()


def _whole(text: str) -> int:
    """-1 where it is no whole number; no number that is meant here is that long."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
