"""What the story of the processes says in numbers: how long they boot, drain and stop, and what is cut.

Each process is followed from its first word of a way in or out to its last; none of them is ever named.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ...core.orders import Story
from ...core.ports import Clock
from .definitions import CUT, DRAINED, FAILURES, LEFT, PHASE_SECONDS
from .tally import Tally

BOOT, DRAIN, STOP = "boot", "drain", "stop"
FINISHED, STOPPED, KILLED = "finished", "stopped", "killed"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Booting:
    """A process on its way in."""

    pid: object
    since: float | None = None
    """when it was told to read its files again (monotonic seconds); None: it was started, and the story tells
    how long ago"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leaving:
    """A process on its way out."""

    phase: str
    since: float
    """when that phase began (monotonic seconds)"""
    busy: int | None = None
    """its busy connections when it began to leave; None where nobody could count them"""
    cut: int = 0
    """those that were left when its time was over"""
    how: str = FINISHED


class Processes:
    """The processes of all targets; used by the engine's thread alone."""

    def __init__(self, tally: Tally, clock: Clock) -> None:
        self._tally, self._clock = tally, clock
        self._booting: dict[tuple[str, str], _Booting] = {}
        self._leaving: dict[tuple[str, str], _Leaving] = {}
        self._rules: dict[str, Callable[[Story, tuple[str, str]], None]] = {
            "slot started": self._start,
            "slot signalled": self._start,
            "slot ready": self._ready,
            "slot failed": self._fail,
            "slot quiescing": self._begin_to_leave,
            "slot draining": self._begin_to_leave,
            "slot retiring": self._begin_to_leave,
            "boot replaced": self._begin_to_leave,
            "slot drained": self._drained,
            "drain timed out": self._time_out,
            "stop signal ignored": self._time_out,
            "stop timed out": self._time_out,
            "slot left": self._leave,
            "slot kept": self._forget,
            "slot stopped by hand": self._forget,
            "spare slot stopped by hand": self._forget,
            "slot removed": self._forget,
        }

    def tell(self, story: Story) -> None:
        """Count what it says of a process, if it says something of one."""
        rule = self._rules.get(story.event)
        if rule is not None:
            rule(story, (story.target, str(story.values["slot"])))

    def keep(self, targets: set[str]) -> None:
        """Forget every other target."""
        self._booting = {slot: each for slot, each in self._booting.items() if slot[0] in targets}
        self._leaving = {slot: each for slot, each in self._leaving.items() if slot[0] in targets}

    def _start(self, story: Story, slot: tuple[str, str]) -> None:
        since = self._clock() if story.event == "slot signalled" else None
        self._leaving.pop(slot, None)
        self._booting[slot] = _Booting(pid=story.values["pid"], since=since)

    def _ready(self, story: Story, slot: tuple[str, str]) -> None:
        booting = self._booting.pop(slot, None)
        told = story.values["seconds"]
        if booting is None or booting.pid != story.values["pid"] or not isinstance(told, float | int):
            return  # found running, or ready again: nobody waited for it
        seconds = told if booting.since is None else self._clock() - booting.since
        self._tally.observe(PHASE_SECONDS, seconds, slot[0], BOOT)

    def _fail(self, _: Story, slot: tuple[str, str]) -> None:
        self._tally.add(FAILURES, slot[0])
        self._end(slot)
        self._booting.pop(slot, None)

    def _begin_to_leave(self, story: Story, slot: tuple[str, str]) -> None:
        self._booting.pop(slot, None)
        if slot in self._leaving:
            return  # asked to take no new work before
        is_stop = story.event in ("slot retiring", "boot replaced")
        busy = _count(story)
        self._leaving[slot] = _Leaving(phase=STOP if is_stop else DRAIN, since=self._clock(), busy=busy)

    def _drained(self, _: Story, slot: tuple[str, str]) -> None:
        leaving = self._leaving.get(slot)
        if leaving is not None:
            self._leaving[slot] = self._turned_to_stop(leaving, slot[0])

    def _time_out(self, story: Story, slot: tuple[str, str]) -> None:
        """It did not leave in time. What is counted last is what is cut: some work may still be finished."""
        leaving = self._leaving.get(slot) or _Leaving(phase=STOP, since=self._clock())
        how = KILLED if story.event == "stop timed out" else STOPPED
        turned = self._turned_to_stop(leaving, slot[0])
        count = _count(story)
        self._leaving[slot] = replace(turned, how=how, cut=turned.cut if count is None else count)

    def _leave(self, _: Story, slot: tuple[str, str]) -> None:
        self._end(slot)

    def _end(self, slot: tuple[str, str]) -> None:
        """It has left, or never will: what is known of its way out is counted."""
        leaving = self._leaving.pop(slot, None)
        if leaving is None:
            return
        self._tally.observe(PHASE_SECONDS, self._clock() - leaving.since, slot[0], leaving.phase)
        self._tally.add(LEFT, slot[0], leaving.how)
        self._tally.add(CUT, slot[0], by=leaving.cut)
        self._tally.add(DRAINED, slot[0], by=max(0, (leaving.busy or 0) - leaving.cut))

    def _turned_to_stop(self, leaving: _Leaving, target: str) -> _Leaving:
        if leaving.phase == STOP:
            return leaving
        now = self._clock()
        self._tally.observe(PHASE_SECONDS, now - leaving.since, target, DRAIN)
        return replace(leaving, phase=STOP, since=now)

    def _forget(self, _: Story, slot: tuple[str, str]) -> None:
        self._booting.pop(slot, None)
        self._leaving.pop(slot, None)


def _count(story: Story) -> int | None:
    told = story.values.get("in_flight")
    return told if isinstance(told, int) else None
