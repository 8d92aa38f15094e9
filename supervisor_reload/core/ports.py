"""What the engine needs from outside, as few small Protocols; edges provide them, tests fake them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from .configfacts import (
    GroupsCompared,
)
from .facts import (
    Fact,
)
from .model import Process, Record, Revision, SlotName
from .orders import Story

Put = Callable[[Fact], None]
"""Puts a fact into the one inbox; may be called from any thread, never blocks, never raises."""


class Supervisor(Protocol):
    """supervisord, through its XML-RPC interface. Every call has a limit of a few seconds.

    Every method raises SupervisorUnavailable, and SupervisorFault where supervisord answers with a fault.
    """

    def processes(self) -> tuple[Process, ...]:
        """All processes of all groups."""

    def process(self, name: SlotName) -> Process:
        """One process."""

    def start(self, name: SlotName) -> None:
        """Start without waiting."""

    def stop(self, name: SlotName) -> None:
        """Stop without waiting."""

    def signal(self, name: SlotName, signal: str) -> None:
        """Send a signal."""

    def last_words(self, name: SlotName, size: int) -> str:
        """The last ``size`` bytes of the process's stderr log (stdout where that is redirected), or ''."""

    def reread(self) -> GroupsCompared:
        """Read the configuration again; which groups differ from what runs. Touches no process."""

    def remove_group(self, group: str) -> None:
        """Forget a group; SupervisorFault STILL_RUNNING where it has a process."""

    def add_group(self, group: str) -> None:
        """Add a group as the last ``reread`` found it; what has autostart=true is started."""


class ExitWatch(Protocol):
    """Tells (as ProcessExited) when a process ends, sooner than supervisord does."""

    def watch(self, name: SlotName, pid: int) -> None:
        """Begin, where this system can."""

    def born(self, pid: int) -> str:
        """What no other process of this pid has, from its start to its end; '' where it can't be known."""

    def started(self, pid: int) -> float | None:
        """When the process was started (monotonic seconds); None where that can't be known."""

    def close(self) -> None:
        """Stop telling."""


class Sources(Protocol):
    """The watched files and their content. Answers come as facts, from another thread."""

    def compute(
        self, target: str, hints: tuple[str, ...], *, full: bool, final: bool, since: float | None = None
    ) -> None:
        """Read what changed; RevisionComputed or RevisionFailed follows.

        ``since``: what came to be what it is after this moment (monotonic seconds) counts as changed.
        """

    def ask_git(self, target: str) -> None:
        """GitHeld follows."""

    def discard_stale_bytecode(self, target: str) -> None:
        """Remove bytecode that Python would trust although its source was just rewritten. Never raises.

        Called right before a process is started: Python keys bytecode by the source's mtime in whole
        seconds and its size, so the second of two quick saves of one length would boot the first.
        """

    def close(self) -> None:
        """Stop reading."""


class Watch(Protocol):
    """The file events of all targets, told as FileChanged."""

    def tick(self) -> None:
        """Look whether every watched path still leads where it did; returns at once."""

    def close(self) -> None:
        """Stop watching."""


class Commands(Protocol):
    """The commands of ``run_on``. Answers come as facts, from another thread."""

    def run(self, target: str, rule: int, revision: Revision, changed: tuple[str, ...]) -> None:
        """CommandSucceeded or CommandFailed follows within ``run_timeout``.

        What an earlier listener left running for this target is awaited before, for as long again at most.
        """

    def tick(self) -> None:
        """Look whether what is known of those that run is still on file; returns at once."""

    def close(self) -> None:
        """End everything."""


class Hooks(Protocol):
    """What must be done before a rollout (``before_rollout``). Answers come as facts, from another thread."""

    def run(self, target: str, rollout: int, revision: Revision, changed: tuple[str, ...]) -> None:
        """HookSucceeded or HookFailed follows within ``hook_timeout``, unless it is cancelled."""

    def cancel(self, target: str, rollout: int) -> None:
        """End what was begun for this rollout; nothing is told of it any more."""

    def tick(self) -> None:
        """Look whether what is known of those that run is still on file; returns at once."""

    def close(self) -> None:
        """End everything."""


class Checks(Protocol):
    """The preflight check. Answers come as facts, from another thread."""

    def run(self, target: str, revision: Revision, changed: tuple[str, ...]) -> None:
        """CheckPassed or CheckFailed follows within the check's timeout, unless it is cancelled."""

    def tick(self) -> None:
        """Look whether what is known of those that run is still on file; returns at once."""

    def cancel(self, target: str) -> None:
        """End the check that runs for this target, if there is one; no fact follows."""

    def close(self) -> None:
        """End everything."""


class Probing(Protocol):
    """Readiness probes. Answers come as facts, from other threads."""

    def begin(self, name: SlotName, pid: int) -> None:
        """ProbePassed or ProbeFailed follows after every attempt, until end()."""

    def end(self, name: SlotName) -> None:
        """No more facts for this slot, but for one that is just being put; a probe's command is killed."""

    def close(self) -> None:
        """End everything."""


class Draining(Protocol):
    """Looks at in-flight work. Answers come as facts, from other threads."""

    def begin(self, name: SlotName, pid: int) -> None:
        """WorkDrained or WorkPending follows after every look, until end()."""

    def end(self, name: SlotName) -> None:
        """No more facts for this slot, but for one that is just being put; a command is killed."""

    def in_flight(self, name: SlotName, pid: int) -> int | None:
        """How many connections of this process are busy now, to count what is cut; None: can't tell.

        Never raises; returns within about 50 ms, also with 10,000 connections.
        """

    def close(self) -> None:
        """End everything."""


class Journal(Protocol):
    """What must be known after our death; written before what it is about is done."""

    def write(self, records: Mapping[str, Record | None]) -> None:
        """Keep these from now on, by key, whatever becomes of us; None forgets a key.

        Never raises: JournalFailed follows where it can't be written, again where even what was reserved is
        nearly used up, and JournalMended once it can be written again.
        """

    def tick(self) -> None:
        """Try again what failed; returns at once where nothing did."""


class Observer(Protocol):
    """Is told the story; never decides, never raises into the engine."""

    def __call__(self, story: Story) -> None:
        """Take one line."""


class Clock(Protocol):
    """Monotonic time in seconds."""

    def __call__(self) -> float:
        """Now."""
