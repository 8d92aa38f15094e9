"""When not to roll out: a revision that failed too often, an operator's hand, too many rollouts an hour.

It counts and remembers; it never looks at a slot or a file.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .model import Revision, TargetSettings

RETRY_CAP = 60.0
"""Seconds: the longest pause before a failed revision is tried again."""

HOUR = 3600.0

STOPPED_BY_HAND = "a process was stopped by hand in the middle of a rollout"
ABORTED = "its rollout was aborted by an operator"
"""Why a target is left alone."""

ECHO = 3.0
"""Seconds: a rollout that begins so soon after the last one, for the same files, may be its echo."""

ECHOES = 5
"""so many of them are a program that writes into its own watched tree"""


@dataclass(slots=True)
class Restraint:
    """What speaks against a rollout of one target now. Times are monotonic seconds."""

    settings: TargetSettings
    seen: Revision | None = None
    """the wanted revision that the fields below speak of"""
    failures: int = 0
    retry_at: float | None = None
    is_held: bool = False
    """failed as often as ``failure_limit`` allows: left alone until the files change"""
    failed_at: float = 0.0
    """when a rollout failed last"""
    is_urgent: bool = False
    """an operator wants one now: no limit counts"""
    is_left_alone: bool = False
    """an operator ended its rollout"""
    reason: str = ""
    """why it failed last, or is left alone"""
    begun: list[float] = field(default_factory=list)
    """when the newest rollouts of the last hour began, as many as ``max_per_hour`` counts"""
    changed: tuple[str, ...] = ()
    echoes: int = 0
    """rollouts in a row, each at once after the other, that the same files caused"""
    obstacle: str = ""
    """why nothing new may begin, whatever the revision: such as a journal that can't be written"""

    def turn_to(self, revision: Revision) -> None:
        """The files changed: what was held against the last revision does not count for this one."""
        if revision != self.seen:
            is_urgent, self.seen = self.is_urgent, revision
            self.forget()
            self.is_urgent = is_urgent  # who wants one now wants the newest

    def forget(self) -> None:
        """The revision serves, or another one is wanted."""
        self.failures, self.retry_at, self.reason = 0, None, ""
        self.is_held = self.is_left_alone = self.is_urgent = False

    def leave_alone(self, reason: str) -> None:
        """An operator ended its rollout: nothing more until the files change, or he asks for it."""
        self.is_left_alone, self.reason = True, reason

    def begin(self, now: float, changed: tuple[str, ...]) -> None:
        """A rollout began."""
        is_echo = bool(self.begun) and now < self.begun[-1] + ECHO and changed == self.changed != ()
        self.echoes = self.echoes + 1 if is_echo and not self.failures else 0
        self.changed = changed
        self.retry_at, self.is_urgent = None, False
        recent = [at for at in self.begun if at > now - HOUR] + [now]
        self.begun = recent[-max(1, self.settings.max_per_hour) :]

    def fail(self, now: float, reason: str, *, is_last: bool) -> None:
        """A rollout failed; ``is_last``: supervisord itself has tried often enough (FATAL)."""
        self.failures, self.reason, self.failed_at = self.failures + 1, reason, now
        self.is_held = is_last or self.failures >= self.settings.failure_limit
        pause: float = min(RETRY_CAP, 2.0 ** (self.failures - 1))
        self.retry_at = None if self.is_held else now + pause

    def permits(self, now: float) -> bool:
        """Whether a rollout may begin."""
        if self.is_held or self.is_left_alone or self.obstacle:
            return False
        return self.is_urgent or now >= max(self.retry_at or 0.0, self.interval_ends_at)

    @property
    def interval_ends_at(self) -> float:
        """When ``min_interval`` and ``max_per_hour`` allow the next rollout."""
        if not self.begun:
            return 0.0
        most = self.settings.max_per_hour
        crowded_until = self.begun[-most] + HOUR if most and len(self.begun) >= most else 0.0
        return max(self.begun[-1] + self.settings.min_interval, crowded_until)
