"""Monotonic time: the only clock that decides anything (a wall clock that jumps changes nothing)."""

from __future__ import annotations

import time


def monotonic() -> float:
    """Seconds since some moment in the past."""
    return time.monotonic()
