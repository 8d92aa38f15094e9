"""What a process waits for on its way, and until when: in the words and the keys of the configuration.

It reads what the journal says of a slot; it decides nothing, and looks at nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..core.model import ProcessState
from ..core.phase import Phase
from ..core.slot import KILL_MARGIN, Slot
from .words import clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """What one process waits for. Times are seconds."""

    what: str = ""
    """'' where it waits for nothing"""
    limit: str = ""
    """the key of the configuration that ends it; '' where there is none"""
    until: float | None = None
    """when it ends, in the records' own clock; None where nobody can tell"""


def waits_of(slot: Slot) -> Waits:
    """What a slot waits for."""
    match slot.phase:
        case Phase.QUIESCING:
            return Waits(what="others to notice its leaving", limit="lame_duck", until=slot.deadline)
        case Phase.DRAINING if slot.is_asked:
            limit = "stopwaitsecs" if slot.is_drained else "drain_timeout"
            return Waits(what="its end", limit=limit, until=slot.deadline)
        case Phase.DRAINING:
            return Waits(what="its work in hand", limit="drain_timeout", until=slot.deadline)
        case Phase.STOPPING:
            kill = None if slot.deadline is None else slot.deadline - KILL_MARGIN
            return Waits(what="its end", limit="stopwaitsecs", until=kill)
        case Phase.STARTING:
            return Waits(what="supervisord to start it", until=slot.deadline)
        case Phase.PROBING:
            return Waits(what="its probe", limit="ready_timeout", until=slot.deadline)
        case Phase.SOAKING:
            return _soaking(slot)
    return Waits()


def _soaking(slot: Slot) -> Waits:
    if slot.state is not ProcessState.RUNNING:
        return Waits(what="supervisord to call it RUNNING, after startsecs", until=slot.deadline)
    what = f"a while without a fall, after {slot.falls}" if slot.falls else "min_ready to pass"
    return Waits(what=what, until=slot.since + slot.soak)


def sentence(what: str, limit: str, whole: float | None, left: float | None, answer: str) -> str:
    """``its probe, 40 s left of ready_timeout=60 s: connection refused``; lengths of time are seconds.

    An answer may be long, and a terminal is not: so it comes last.
    """
    of = f" of {limit}" if limit else ""
    of += f"={whole:g} s" if limit and whole is not None else ""
    until = "" if left is None else f", {f'{left:.0f} s' if left < LONG else clock(left)} left{of}"
    return f"{what}{until}{f': {answer}' if answer else ''}"


LONG = 600
"""Seconds, from which on hours and minutes are easier to read."""

WIDTH = 10
"""Characters of a bar."""


def bar(ready: int, wanted: int) -> str:
    """``[#####.....] 3 of 6 ready``."""
    filled = max(0, min(WIDTH, ready * WIDTH // wanted if wanted > 0 else 0))
    return f"[{'#' * filled}{'.' * (WIDTH - filled)}] {ready} of {wanted} ready"
