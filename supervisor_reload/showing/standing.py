"""What is shown of targets, processes and rollouts: words only, which also name the keys of ``--json``.

Nothing here is computed; ``knowledge`` fills it from the records of a journal.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..core.rollout import Outcome
from .words import UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process of a target. Lengths of time are seconds; None where they can't be told."""

    name: str
    """``group:process``"""
    state: str = UNKNOWN
    """one word: Supervisor's where it has one"""
    note: str = ""
    """what the word does not say; why it failed"""
    phase: str | None = None
    pid: int = 0
    is_gone: bool = False
    """no such process lives any more"""
    seconds: float | None = None
    """for which it has been so"""
    uptime: float | None = None
    revision: str | None = None
    """the code that it was started on; None where there is no process, or the files were changing"""
    is_newest: bool | None = None
    is_by_hand: bool = False
    waits_for: str = ""
    """what it is in the way of its next phase; '' where nothing is"""
    answer: str = ""
    """what its probe, or the look at its work, said last; '' where that is not known"""
    limit: str = ""
    """the key of the configuration that ends the wait; '' where there is none"""
    limit_seconds: float | None = None
    deadline_in: float | None = None
    """seconds until then"""
    in_flight: int | None = None
    """connections in use, while it leaves; None where nobody can tell"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolling:
    """A rollout that is under way."""

    id: int
    revision: str
    ready: int
    """processes that serve the new code"""
    wanted: int
    """processes that shall"""
    trigger: str
    seconds: float | None
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a target stands."""

    name: str
    condition: str = UNKNOWN
    why: str = ""
    revision: str | None = None
    """the newest code"""
    retry_in: float | None = None
    """seconds until a revision that failed is tried again"""
    waits_for: str = ""
    """what its next step needs that is no process's; '' where nothing"""
    rollout: Rolling | None = None
    processes: tuple[Process, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """One rollout of the history."""

    target: str
    outcome: Outcome
    files: int
    ended: float
    """seconds since 1970"""
