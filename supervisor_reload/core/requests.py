"""What an operator asks of a target, and what is answered. Both are immutable; nothing here is done.

A request comes as an event of supervisord's, so it may come twice; its id tells. The answer goes into the
journal, where whoever asked finds it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

TYPE = "supervisor_reload"
"""of the event that brings a request (RemoteCommunicationEvent), whose data is its record as JSON"""

KEPT = 16
"""Answers that are kept, the newest"""


class Verb(enum.Enum):
    """What may be asked."""

    START = "start"
    """replace the processes by others on the newest code, now, whether it changed or not"""
    PAUSE = "pause"
    """begin nothing until ``resume``; changes are kept"""
    RESUME = "resume"
    """go on"""
    READ = "read"
    """read all files anew, and tell the revision: what serves later can be compared with it"""
    ABORT = "abort"
    """end the rollout in hand; what is left on the old code keeps it until the files change"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """An operator asked for something."""

    id: str
    """whoever asks makes it up; no two requests have the same"""
    verb: Verb
    targets: tuple[str, ...] = ()
    """their names; none at all means every target"""
    is_forced: bool = False
    """with START: also what failed as often as it may"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of a request."""

    id: str
    done: tuple[tuple[str, str], ...] = ()
    """target, and what was done, such as ``paused``"""
    refused: tuple[tuple[str, str], ...] = ()
    """target, and why nothing was done"""
