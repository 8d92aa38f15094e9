"""What applications said of themselves: the words of sd_notify, and who said them last.

It exists so that a datagram and an event of supervisord's are read by one parser into one bounded memory.
It believes the pids that it is given, and never decides whether a process is ready.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from .ancestry import Origin, origin

TEXT_LIMIT = 4096
"""Characters (bytes of a datagram) of one message; systemd's own limit."""

STATUS_LIMIT = 200
"""Characters of a status that are kept."""

PROCESSES = 256
"""How many processes are remembered; those that have gone are forgotten first."""

SENDERS = 256
"""How many of a process's descendants may have a number of their own; the others share one."""

NUMBER = re.compile(r"[0-9]{1,9}")

READINESS = {"READY": True, "RELOADING": False, "STOPPING": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One message. None is what it does not say."""

    is_ready: bool | None = None
    status: str | None = None
    active: int | None = None
    """pieces of work in hand"""
    sender: int = 0
    """the pid that the message itself gives; 0 for none"""


def parse(text: str) -> Words:
    """The assignments of a message (sd_notify(3)) that count for us; all else in it is ignored."""
    said = Words()
    for line in text[:TEXT_LIMIT].split("\n"):
        name, _, value = line.rstrip("\r").partition("=")
        if name in READINESS and value == "1":
            said = replace(said, is_ready=READINESS[name])
        elif name == "STATUS":
            said = replace(said, status=printable(value[:STATUS_LIMIT]))
        elif name == "X_ACTIVE" and NUMBER.fullmatch(value):
            said = replace(said, active=int(value))
        elif name == "X_PID" and NUMBER.fullmatch(value):
            said = replace(said, sender=int(value))
    return said


def printable(text: str) -> str:
    """The text without anything that could move a terminal's cursor or begin a line of a log."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """All that a process, with its descendants, has said so far."""

    started: int
    """of the process, in ticks: a pid may be used again"""
    at: float = 0.0
    """monotonic seconds of the newest word"""
    is_ready: bool | None = None
    """None: it said nothing about that"""
    status: str = ""
    active: dict[int, int] = field(default_factory=dict)
    """pieces of work in hand, by who said it; never changed, only replaced"""

    @property
    def in_hand(self) -> int | None:
        """Pieces of work in hand, of all who said a number; None: nobody did."""
        return sum(self.active.values()) if self.active else None


class Sayings:
    """A bounded memory of who said what. One thread adds; any thread may ask."""

    def __init__(self, *, look: Callable[[int], Origin | None] = origin) -> None:
        self._said: dict[int, Said] = {}
        self._look = look

    def of(self, pid: int) -> Said | None:
        """What this very process said; None where it said nothing, or has gone."""
        said = self._said.get(pid)
        if said is None:
            return None
        now = self._look(pid)
        return said if now is not None and now.started == said.started else None

    def add(self, process: Origin, sender: int, words: Words) -> None:
        """Remember a message of ``sender``, which is ``process`` or descends from it."""
        known = self._said.get(process.pid)
        if known is None or known.started != process.started:
            self._make_room()
            known = Said(started=process.started)
        self._said[process.pid] = replace(  # in one step: another thread may be asking
            known,
            at=time.monotonic(),
            is_ready=known.is_ready if words.is_ready is None else words.is_ready,
            status=known.status if words.status is None else words.status,
            active=self._active(known.active, sender, words),
        )

    def _active(self, known: dict[int, int], sender: int, words: Words) -> dict[int, int]:
        if words.active is None:
            if words.is_ready and sender in known:  # it takes work again: its last number says nothing now
                return {pid: count for pid, count in known.items() if pid != sender}
            return known
        # A number outlives its sender only until the next word: a script may send each from a process of
        # its own, while a worker that died with work in hand has none any more.
        alive = {
            pid: count
            for pid, count in known.items()
            if pid and (pid == sender or self._look(pid) is not None)
        }
        has_room = sender in alive or len(alive) < SENDERS
        return {**alive, sender if has_room else 0: words.active}

    def _make_room(self) -> None:
        if len(self._said) < PROCESSES:
            return
        for pid in [pid for pid in self._said if self.of(pid) is None]:
            del self._said[pid]
        if len(self._said) >= PROCESSES:
            del self._said[min(self._said, key=lambda pid: self._said[pid].at)]


class Hearing(Protocol):
    """What the probes ask of whoever hears the words."""

    def said(self, pid: int) -> Said | None:
        """What this very process, with its descendants, has said; None: nothing."""

    def may_have_missed(self, pid: int, address: str) -> bool:
        """Whether the process may have spoken before anybody listened there ('': for events)."""

    def why_deaf(self, address: str) -> str:
        """Why nothing can be heard on a socket, as a sentence; '' where all is well."""
