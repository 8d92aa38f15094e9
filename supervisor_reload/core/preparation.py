"""The commands of ``run_on`` that are owed before a revision may be checked: which, and in which order.

A rule is owed from the moment that one of its files changed until its command succeeded; it never looks at a
file, and never decides what a failure means for the revision.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Preparation:
    """The rules of one target, by their position in ``run_on``."""

    owed: set[int] = field(default_factory=set)
    running: int | None = None
    repeats: Counter[int] = field(default_factory=Counter)
    """how often each was begun since a revision was accepted"""

    @property
    def is_done(self) -> bool:
        """Whether nothing has to be run, or is being run."""
        return not self.owed and self.running is None

    def owe(self, rules: Iterable[int]) -> None:
        """Files of these rules changed: also of the one that is running, which began before."""
        self.owed |= set(rules)

    def begin(self) -> int | None:
        """The rule to run now; None where one runs already, or none is owed."""
        if self.running is not None or not self.owed:
            return None
        self.running = min(self.owed)
        self.owed.discard(self.running)
        self.repeats[self.running] += 1
        return self.running

    def succeed(self, rule: int) -> None:
        """Its command did what it is for."""
        if self.running == rule:
            self.running = None

    def fail(self, rule: int) -> None:
        """It did not: it is owed still."""
        if self.running == rule:
            self.running = None
            self.owed.add(rule)
            self.repeats.clear()
