"""One burst of file events is one change set: when it ends, and what it hints at.

It never looks at a file; whether the content changed is for the revision to say.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .facts import ChangeKind, FileChanged
from .model import WatchSettings

MANY = 4096
"""Paths above which reading everything is cheaper than reading what the events named."""

SHARE = 0.25
"""of the length of a burst so far: the least silence that ends it. A save is no longer than its quiet_period;
rsync and pip on a busy machine were seen to pause for 60 ms."""

POLLED_SILENCE = 0.2
"""Seconds between two equal readings of polled files: nothing tells that one of them is open for writing."""

GIT_INTERVAL = 0.05
"""Seconds between two looks at a git lock that is held."""


@dataclass(slots=True, kw_only=True)
class Burst:
    """Events that came so close together that they are one change. Times are monotonic seconds."""

    began: float
    last: float
    opened: float = 0.0
    """when its first event came; ``began`` is later where git ended its work in it"""
    hints: set[str] = field(default_factory=set)
    writing: set[str] = field(default_factory=set)
    """written to and not closed yet: perhaps half-written"""
    is_polled: bool = False
    """told by a look now and then: silence says nothing, only two equal readings do"""
    is_steady: bool = False
    """the newest reading was equal to the one before"""
    is_looking: bool = False
    """such a reading is under way"""
    seen: object = None
    """what the newest of them found"""
    is_full: bool = False
    """too many hints: everything must be read"""
    git_held: bool | None = None
    """None until the first answer came"""
    git_sign: str = ""
    """by what git was seen at work"""
    asking_git: bool = False
    was_git_held: bool = False
    """git was at work at the question before"""
    was_git_told: bool = False
    """the story says already that git is waited for"""
    is_closing: bool = False
    """went quiet; ends with git's answer"""
    git_answered_at: float = 0.0
    was_read_early: bool = False
    """one early reading a burst is enough"""

    def add(self, fact: FileChanged, now: float, endless: set[str]) -> None:
        """Take one event. Files in ``endless`` are never closed (a log): they hold nothing open."""
        self.last = now
        self.is_closing = self.is_steady = False
        self.is_polled |= fact.is_polled
        if len(self.hints) < MANY:
            self.hints.add(fact.path)
        else:
            self.is_full = True
        if fact.kind is ChangeKind.WRITING and fact.path not in endless:
            self.writing.add(fact.path)
        else:
            self.writing.discard(fact.path)

    def ends_at(self, settings: WatchSettings) -> float:
        """When to end it, or to ask git again, if nothing more comes."""
        latest = self.overdue_at(settings)
        if self.is_looking or (self.is_closing and self.asking_git):
            return latest
        if self.git_held:
            return min(latest, self.git_answered_at + GIT_INTERVAL)
        return latest if self.writing else min(latest, self.last + self.silence(settings))

    def silence(self, settings: WatchSettings) -> float:
        """Seconds: what pauses now and then while it writes much needs longer to be called done."""
        least = POLLED_SILENCE if self.is_polled else 0.0
        return max(settings.quiet_period, least, (self.last - self.began) * SHARE)

    def compare(self, seen: object, now: float) -> None:
        """A reading of everything was answered, while the burst was polled."""
        self.is_looking = False
        self.is_steady = self.seen == seen
        if not self.is_steady:
            self.seen, self.last = seen, now

    def overdue_at(self, settings: WatchSettings) -> float:
        """When it must end, although events still come, git holds its lock or files are open."""
        return self.began + (settings.git_wait if self.git_held else settings.max_wait)

    @property
    def may_read_early(self) -> bool:
        """Whether the first files are whole, so that a spare slot can begin to boot."""
        return not (self.was_read_early or self.writing) and self.git_held is False
