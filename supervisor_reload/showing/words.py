"""One word for how a process stands, such as an operator knows it: Supervisor's where it has one, else ours.

It decides nothing, and knows no target.
"""

from __future__ import annotations

from datetime import timedelta

from ..core.model import ProcessState
from ..core.phase import Phase
from ..core.slot import Slot

UNKNOWN = ProcessState.UNKNOWN.value
"""what can't be told"""

TO_BE_STARTED = "to be started"
BY_HAND = "by hand"
BOOTING = "not ready yet"
SOAKING = "ready, and must stay so"

WORDS: dict[Phase, tuple[str, str]] = {
    Phase.SPARE: ("SPARE", ""),
    Phase.QUIESCING: ("QUIESCING", ""),
    Phase.DRAINING: ("DRAINING", ""),
    Phase.STOPPING: ("STOPPING", ""),
    Phase.VACANT: ("STOPPED", TO_BE_STARTED),
    Phase.STARTING: ("STARTING", ""),
    Phase.PROBING: ("STARTING", BOOTING),
    Phase.SOAKING: ("STARTING", SOAKING),
    Phase.READY: ("READY", ""),
    Phase.FAILED: ("FAILED", ""),
}
"""A phase's word, and what it does not say."""

TROUBLE = (ProcessState.BACKOFF, ProcessState.EXITED, ProcessState.FATAL)
"""what supervisord itself calls a process that failed"""


def word_of(slot: Slot) -> tuple[str, str]:
    """The word, and what it does not say; '' where it says all."""
    if slot.phase is Phase.SPARE and slot.is_by_hand:
        return "STOPPED", BY_HAND
    if slot.phase is Phase.FAILED:
        return (slot.state if slot.state in TROUBLE else slot.phase).value, slot.reason
    word, note = WORDS[slot.phase]
    return ("RELOADING" if slot.is_reloading else word), note


LONGEST = 100 * 365 * 86400
"""Seconds; more is nobody's uptime"""


def clock(seconds: float) -> str:
    """``0:00:12``, as supervisorctl tells an uptime."""
    return str(timedelta(seconds=int(min(seconds, LONGEST))))


def age(seconds: float) -> str:
    """``3 min``: in one unit, cut."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"
