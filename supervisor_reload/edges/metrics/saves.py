"""When the save came that a rollout is about: overheard from the facts about files.

A burst's first event is what counts, if what was read after it is the revision that is rolled out. Facts are
heard from several threads; nothing is changed on their way.
"""

from __future__ import annotations

import threading

from ...core.facts import Fact, FileChanged, RevisionComputed
from ...core.ports import Clock


class Saves:
    """The moments of the newest saves; safe from any thread. Times are monotonic seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._first: dict[str, float] = {}
        """by target: the first event since the last final reading"""
        self._read: dict[str, tuple[str, float | None]] = {}
        """by target: the newest revision that was read, and the first event before it"""

    def hear(self, fact: Fact) -> None:
        """Take note of a fact about files; others are none of ours."""
        if isinstance(fact, FileChanged):
            if fact.target not in self._first:  # a checkout is 360,000 of them
                with self._lock:
                    self._first.setdefault(fact.target, self._clock())
        elif isinstance(fact, RevisionComputed):
            with self._lock:
                self._bind(fact)

    def take(self, target: str, revision: str) -> float | None:
        """When the save came that brought a revision, told once; None where no event told it."""
        with self._lock:
            read, at = self._read.get(target, ("", None))
            if read != revision:
                return None
            self._read[target] = read, None  # what rolls it out again is no save
            return at

    def keep(self, targets: set[str]) -> None:
        """Forget every other target."""
        with self._lock:
            self._first = {name: at for name, at in self._first.items() if name in targets}
            self._read = {name: read for name, read in self._read.items() if name in targets}

    def _bind(self, fact: RevisionComputed) -> None:
        first = self._first.get(fact.target)
        if fact.final:
            self._first.pop(fact.target, None)
        elif not fact.changed:
            return
        if self._read.get(fact.target, ("", None))[0] != fact.revision:
            self._read[fact.target] = fact.revision, first
