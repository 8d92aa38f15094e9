"""Monotonic time, the only clock that decides anything, and the time of day, which is only ever shown."""

from __future__ import annotations

import time


def monotonic() -> float:
    """Seconds since some moment in the past."""
    return time.monotonic()


def wall() -> float:
    """The time of day, seconds since 1970; it may jump."""
    return time.time()
