"""Turns the text of one value into what it means, or says in a sentence why it can't. It sees no more."""

from __future__ import annotations

import enum
import math
import re
import shlex
import signal
from dataclasses import dataclass
from typing import TypeVar

from supervisor.datatypes import integer, signal_number

from supervisor_reload.core.model import RunRule

from .findings import did_you_mean, nearest

Choice = TypeVar("Choice", bound=enum.Enum)

LONGEST_SECONDS = 366 * 24 * 3600.0
"""A year: longer waits are mistakes, and would overflow the clocks of poll() and friends."""


@dataclass(frozen=True, slots=True)
class Share:
    """A number of processes: absolute, or a percentage of some whole."""

    number: int
    is_percentage: bool = False

    def of(self, whole: int, *, round_up: bool) -> int:
        """How many of ``whole`` that is. Kubernetes rounds maxSurge up and maxUnavailable down."""
        if not self.is_percentage:
            return self.number
        return -(-self.number * whole // 100) if round_up else self.number * whole // 100

    def __str__(self) -> str:
        """As it is written in the configuration."""
        return f"{self.number}%" if self.is_percentage else str(self.number)


def share(text: str) -> Share:
    """``2``, ``25%``, and ``25%%`` as everywhere else in supervisord.conf."""
    matched = re.fullmatch(r"([0-9]{1,6})(%{0,2})", text.strip(), re.ASCII)
    if not matched:
        raise ValueError(f"{text!r} is neither a number of processes nor a percentage such as 25%")
    return Share(int(matched[1]), bool(matched[2]))


def seconds(text: str) -> float:
    """Seconds, zero or more."""
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number of seconds") from None
    if not math.isfinite(value) or not 0 <= value <= LONGEST_SECONDS:
        raise ValueError(f"{text!r} is not a number of seconds from 0 to {LONGEST_SECONDS:.0f}")
    return value


def seconds_or_none(text: str) -> float:
    """Seconds; ``none`` is 0."""
    return 0.0 if text.strip().lower() == "none" else seconds(text)


def limit_seconds(text: str) -> float:
    """Seconds, more than zero: a limit of nothing would always be passed."""
    value = seconds(text)
    if value <= 0:
        raise ValueError("must be more than 0 seconds")
    return value


def count(text: str) -> int:
    """A whole number, one or more."""
    try:
        value = int(integer(text))
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not a whole number") from None
    if not 1 <= value <= 1_000_000:
        raise ValueError(f"must be a number from 1 to 1000000, not {value}")
    return value


def count_or_none(text: str) -> int:
    """A whole number from one; ``none`` (no limit) is 0."""
    return 0 if text.strip().lower() in ("none", "0") else count(text)


def words(text: str) -> tuple[str, ...]:
    """A list with commas or line ends between its items, like Supervisor's; empty items don't count."""
    return tuple(item.strip() for item in re.split(r"[,\n]", text) if item.strip())


def run_rules(text: str) -> tuple[RunRule, ...]:
    """One rule a line, ``PATTERN ... -> COMMAND LINE``."""
    found = []
    for line in (line.strip() for line in text.splitlines()):
        if not line:
            continue
        patterns, arrow, command = line.partition("->")
        if not arrow:
            raise ValueError(f"{line!r} lacks the -> between its patterns and its command")
        names = tuple(re.split(r"[,\s]+", patterns.strip(", \t")))
        if not names[0]:
            raise ValueError(f"{line!r} names no pattern before the ->")
        found.append(RunRule(patterns=names, command=command_line(command.strip())))
    return tuple(found)


def some_words(text: str) -> tuple[str, ...]:
    """A list with at least one item."""
    found = words(text)
    if not found:
        raise ValueError("must name at least one")
    return found


def signal_name(text: str) -> str:
    """A signal by name (with or without SIG) or number; answers the name without SIG."""
    try:
        number = int(signal_number(text))
        return signal.Signals(number).name.removeprefix("SIG")
    except ValueError:
        known = {one.name.removeprefix("SIG").lower(): one.name.removeprefix("SIG") for one in signal.Signals}
        near = nearest(text.strip().lower().removeprefix("sig"), known)
        hint = f"; did you mean {known[near]!r}?" if near else ""
        raise ValueError(f"{text!r} is not a signal{hint}") from None


def reload_signal(text: str) -> str:
    """A signal that a program can handle."""
    name = signal_name(text)
    if name in ("KILL", "STOP"):
        raise ValueError(f"no program can handle {name}")
    return name


def quiesce_signal(text: str) -> str:
    """A signal that a program can handle; ``none`` is ''."""
    return "" if text.strip().lower() == "none" else reload_signal(text)


def one_of(choices: type[Choice], text: str) -> Choice:
    """A member of an enum, by its value."""
    try:
        return choices(text.strip().lower())
    except ValueError:
        known = [str(choice.value) for choice in choices]
        raise ValueError(f"{text!r} is not one of {', '.join(known)}{did_you_mean(text, known)}") from None


LOG_LEVELS = {
    "debug": "debug",
    "trace": "debug",
    "blather": "debug",
    "info": "info",
    "warn": "warning",
    "warning": "warning",
    "error": "error",
    "critical": "critical",
}
"""Supervisor's names and Python's."""


def log_level(text: str) -> str:
    """A log level, by Supervisor's or Python's name; answers Python's."""
    level = LOG_LEVELS.get(text.strip().lower())
    if level is None:
        raise ValueError(f"{text!r} is not a log level{did_you_mean(text, LOG_LEVELS)}")
    return level


def command_line(text: str) -> tuple[str, ...]:
    """A command split as Supervisor splits ``command=``; no shell takes part."""
    try:
        argv = tuple(shlex.split(text))
    except ValueError as why:
        raise ValueError(f"{text!r} is not a command line: {why}") from None
    if not argv or not argv[0]:
        raise ValueError("is an empty command")
    if any("\0" in word for word in argv):
        raise ValueError("a command can't hold a NUL character")
    return argv
