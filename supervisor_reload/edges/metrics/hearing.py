"""What the story leaves out, overheard where facts and orders pass by: checks, commands, saves, and files.

It stands in the place of a port, or of the inbox, and gives everything on as it is, at once.
"""

from __future__ import annotations

import logging
import threading

from ...core.facts import (
    CheckFailed,
    CheckPassed,
    CommandFailed,
    CommandSucceeded,
    Fact,
    HookFailed,
    HookSucceeded,
    RevisionComputed,
)
from ...core.model import Revision
from ...core.ports import Checks, Clock, Commands, Hooks, Put
from .definitions import DIRECTORIES, FILES, PHASE_SECONDS
from .saves import Saves
from .tally import Tally

log = logging.getLogger(__name__)

CHECK, COMMAND, HOOK = "check", "run_on", "before_rollout"


class Hearing:
    """Hears facts from any thread."""

    def __init__(self, tally: Tally, saves: Saves, clock: Clock) -> None:
        self._tally, self._saves, self._clock = tally, saves, clock
        self._lock = threading.Lock()
        self._began: dict[tuple[str, str, int], float] = {}
        """by what runs, for which target and which rollout: when it began (monotonic seconds)"""

    def begin(self, what: str, target: str, rollout: int = 0) -> None:
        """A check, a command or a hook is about to run; only hooks stand in line, and have a ``rollout``."""
        with self._lock:
            self._began[what, target, rollout] = self._clock()

    def forget(self, what: str, target: str, rollout: int = 0) -> None:
        """It was cancelled."""
        with self._lock:
            self._began.pop((what, target, rollout), None)

    def hear(self, fact: Fact) -> None:
        """Take note of a fact."""
        match fact:
            case CheckPassed() | CheckFailed():
                self._end(CHECK, fact.target)
            case CommandSucceeded() | CommandFailed():
                self._end(COMMAND, fact.target)
            case HookSucceeded() | HookFailed():
                self._end(HOOK, fact.target, fact.rollout)
            case RevisionComputed():
                self._count(fact)
        self._saves.hear(fact)

    def _count(self, fact: RevisionComputed) -> None:
        if fact.counted is not None:
            files, directories = fact.counted
            self._tally.set(FILES, files, fact.target)
            self._tally.set(DIRECTORIES, directories, fact.target)

    def _end(self, what: str, target: str, rollout: int = 0) -> None:
        with self._lock:
            began = self._began.pop((what, target, rollout), None)
            for overtaken in [key for key in self._began if key[:2] == (what, target) and key[2] < rollout]:
                del self._began[overtaken]  # it was never run, so nothing is told of it
        if began is not None:
            self._tally.observe(PHASE_SECONDS, self._clock() - began, target, what)


def heard(put: Put, hearing: Hearing) -> Put:
    """A ``put`` that is overheard."""

    def put_heard(fact: Fact) -> None:
        put(fact)
        try:
            hearing.hear(fact)
        except Exception:  # a number must never keep a fact from anybody
            log.exception("a fact could not be counted")

    return put_heard


class HeardChecks:
    """The port Checks, overheard."""

    def __init__(self, checks: Checks, hearing: Hearing) -> None:
        self._checks, self._hearing = checks, hearing
        self.tick, self.close = checks.tick, checks.close

    def run(self, target: str, revision: Revision, changed: tuple[str, ...]) -> None:
        """CheckPassed or CheckFailed follows."""
        self._hearing.begin(CHECK, target)
        self._checks.run(target, revision, changed)

    def cancel(self, target: str) -> None:
        """No fact follows."""
        self._checks.cancel(target)
        self._hearing.forget(CHECK, target)


class HeardCommands:
    """The port Commands, overheard."""

    def __init__(self, commands: Commands, hearing: Hearing) -> None:
        self._commands, self._hearing = commands, hearing
        self.tick, self.close = commands.tick, commands.close

    def run(self, target: str, rule: int, revision: Revision, changed: tuple[str, ...]) -> None:
        """CommandSucceeded or CommandFailed follows."""
        self._hearing.begin(COMMAND, target)
        self._commands.run(target, rule, revision, changed)


class HeardHooks:
    """The port Hooks, overheard."""

    def __init__(self, hooks: Hooks, hearing: Hearing) -> None:
        self._hooks, self._hearing = hooks, hearing
        self.tick, self.close = hooks.tick, hooks.close

    def run(self, target: str, rollout: int, revision: Revision, changed: tuple[str, ...]) -> None:
        """HookSucceeded or HookFailed follows."""
        self._hearing.begin(HOOK, target, rollout)
        self._hooks.run(target, rollout, revision, changed)

    def cancel(self, target: str, rollout: int) -> None:
        """No fact follows."""
        self._hooks.cancel(target, rollout)
        self._hearing.forget(HOOK, target, rollout)
