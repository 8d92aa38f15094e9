"""A world of one target in which what is ordered comes to pass, as fast or as slowly as the limits allow.

It plays supervisord, the files, the probes, the commands and the clock to the real core; no process, file or
socket is touched.
"""

from __future__ import annotations

import enum
import heapq
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..core.facts import (
    CheckPassed,
    CommandSucceeded,
    Fact,
    GitHeld,
    HookSucceeded,
    ProbePassed,
    ProcessObserved,
    RevisionComputed,
    SignalSent,
    WorkDrained,
)
from ..core.model import Process, ProcessState, Revision, SlotName
from ..core.orders import (
    AskGit,
    BeginDraining,
    BeginProbing,
    ComputeRevision,
    Order,
    RunCheck,
    RunCommand,
    RunHook,
    SignalProcess,
    StartProcess,
    StopProcess,
    Tell,
)
from ..core.phase import Phase
from ..core.target import Target

JUST = 0.001
"""Seconds before a limit at which the slowest answer comes."""

LONGEST = 7 * 24 * 3600.0
"""Seconds after which nobody waits for the end of a rehearsal."""

MOST_TURNS = 100_000


class Pace(enum.Enum):
    """How things go."""

    FAST = "fast"
    """every answer comes at once"""
    SLOW = "slow"
    """every answer comes just before its limit, and no work in hand ends by itself"""
    BROKEN = "broken"
    """at once, and the new code does not start"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What was ordered, and when."""

    at: float
    order: Order
    phase: Phase | None = None
    """of the slot that it is about"""


class Stage:
    """The target, and everything around it."""

    def __init__(self, target: Target, disk: Revision, now: float) -> None:
        """``target`` is as it was recalled, ``disk`` what lies on disk; ``now`` is in its own clock."""
        self.target, self.now, self.pace = target, now, Pace.FAST
        self._disk, self._changed = disk, RevisionComputed(target=target.settings.name, revision=disk)
        self._is_changed = False
        self.moments: list[Moment] = []
        self.ready: list[tuple[float, int]] = []
        """how many processes serve, from a moment on"""
        self._due: list[tuple[float, int, Fact]] = []
        self._number = itertools.count(1)
        self._processes = {name: _process(slot.name, target) for name, slot in target.slots.items()}
        for process in self._processes.values():
            self._put(ProcessObserved(process=process), 0.0)
        self._carry_out(target.intake.gathering.read_all())

    def change(self, told: RevisionComputed) -> None:
        """From now on this is on disk, and ``told`` is what every reading of it says."""
        self._disk, self._changed, self._is_changed = told.revision, told, True

    def put(self, fact: Fact) -> None:
        """Something happens now."""
        self._put(fact, 0.0)

    def play(self) -> bool:
        """Let it go on until nothing is under way any more; whether that came within the limits."""
        end = self.now + LONGEST
        for _ in range(MOST_TURNS):
            self._turn()
            at = self._next()
            if at is None or (not self._due and self.is_at_rest):
                return True
            if at > end:
                return False
            self.now = max(self.now, at)
        return False

    @property
    def is_at_rest(self) -> bool:
        """Whether only a change would bring anything."""
        target = self.target
        is_owed = any(
            slot.phase.is_booting or slot.phase.is_leaving or slot.phase is Phase.VACANT
            for slot in target.slots.values()
        )
        waits = not target.intake.is_quiet
        return target.rollout is None and not (is_owed or waits or target.restraint.retry_at is not None)

    def _next(self) -> float | None:
        wakes_at = self.target.wakes_at(self.now)
        times = [at for at in (wakes_at, self._due[0][0] if self._due else None) if at is not None]
        return min(times, default=None)

    def _turn(self) -> None:
        while self._due and self._due[0][0] <= self.now:
            fact = heapq.heappop(self._due)[2]
            if not isinstance(fact, ProcessObserved) or self._see(fact):
                self._carry_out(self.target.take(fact, self.now))
        for name in self.target.looks_due(self.now):
            fact = ProcessObserved(process=self._processes[name])
            self._carry_out(self.target.take(fact, self.now))
        orders = self.target.decide(self.now)
        serving = sum(slot.phase is Phase.READY or slot.is_reloading for slot in self.target.slots.values())
        self.ready.append((self.now, serving))
        self._carry_out(orders)

    def _put(self, fact: Fact, delay: float) -> None:
        heapq.heappush(self._due, (self.now + delay, next(self._number), fact))

    def _carry_out(self, orders: Iterable[Order]) -> None:
        for order in orders:
            match order:
                case StartProcess() | StopProcess() | SignalProcess():
                    self._note(order, self.target.slots[order.name].phase)
                    self._command(order)
                case BeginProbing() | BeginDraining():
                    self._note(order, self.target.slots[order.name].phase)
                    self._look_after(order)
                case RunCheck() | RunCommand() | RunHook():
                    self._note(order, None)
                    self._run(order)
                case ComputeRevision():
                    told = self._changed if self._is_changed else self._as_before()
                    self._put(replace(told, full=order.full, final=order.final), 0.0)
                case AskGit():
                    self._put(GitHeld(target=order.target, held=False), 0.0)
                case Tell():
                    self._note(order, None)
                case _:
                    pass

    def _as_before(self) -> RevisionComputed:
        name, mark = self.target.settings.name, self.target.intake.adoption.mark
        return RevisionComputed(target=name, revision=self._disk, mark=mark or self.target.intake.mark)

    def _note(self, order: Order, phase: Phase | None) -> None:
        self.moments.append(Moment(at=self.now, order=order, phase=phase))

    def _run(self, order: RunCheck | RunCommand | RunHook) -> None:
        settings = self.target.settings
        match order:
            case RunCheck():
                fact: Fact = CheckPassed(target=order.target, revision=order.revision)
                limit = settings.check.timeout
            case RunCommand():
                self._changed = replace(self._changed, rules=())  # what it writes is no change of its files
                fact = CommandSucceeded(target=order.target, rule=order.rule)
                limit = settings.reactions.run_timeout
            case RunHook():
                fact = HookSucceeded(target=order.target, rollout=order.rollout)
                limit = settings.hooks.timeout
        self._put(fact, max(0.0, limit - JUST) if self.pace is Pace.SLOW else 0.0)

    def _command(self, order: StartProcess | StopProcess | SignalProcess) -> None:
        """What supervisord would do."""
        settings, name = self.target.settings, order.name
        slot = self.target.slots[name]
        match order:
            case StartProcess():
                self._start(name, slot.settings.startsecs)
            case StopProcess():
                self._become(name, ProcessState.STOPPING, 0.0)
                seconds = settings.stop_timeout if self.pace is Pace.SLOW else 0.0
                self._become(name, ProcessState.STOPPED, seconds)
            case SignalProcess():
                self._put(SignalSent(name=name, pid=order.pid), 0.0)
                is_last = slot.phase is Phase.DRAINING
                is_reload = slot.phase.is_booting
                if (is_last and self.pace is not Pace.SLOW) or (is_reload and self.pace is Pace.BROKEN):
                    self._become(name, ProcessState.EXITED, 0.0)

    def _start(self, name: SlotName, startsecs: float) -> None:
        pid, now = next(self._number), self.now
        new = Process(name=name, state=ProcessState.STARTING, pid=pid, born=f"rehearsed {pid}", started=now)
        self._processes[name] = new
        self._put(ProcessObserved(process=new), 0.0)
        is_fatal = self.pace is Pace.BROKEN and self._is_changed
        self._become(name, ProcessState.FATAL if is_fatal else ProcessState.RUNNING, startsecs)

    def _become(self, name: SlotName, state: ProcessState, delay: float) -> None:
        """The process of now will be in another state."""
        old = self._processes[name]
        detail = "it did not start" if state is ProcessState.FATAL else ""
        self._put(ProcessObserved(process=replace(old, state=state, detail=detail)), delay)

    def _see(self, fact: ProcessObserved) -> bool:
        """It is in that state now; not, where its process has another one by now, or another successor."""
        new, known = fact.process, self._processes[fact.process.name]
        is_boot = new.state in (ProcessState.RUNNING, ProcessState.FATAL)
        if new.born != known.born or (is_boot and known.state not in (ProcessState.STARTING, new.state)):
            return False
        self._processes[new.name] = new if new.state.has_process else replace(new, pid=0)
        return True

    def _look_after(self, order: BeginProbing | BeginDraining) -> None:
        slot = self.target.slots[order.name]
        left = max(0.0, (slot.deadline or self.now) - self.now - JUST)
        if isinstance(order, BeginProbing):
            fact = ProbePassed(name=order.name, pid=order.pid)
            self._put(fact, left if self.pace is Pace.SLOW else 0.0)
        elif self.pace is not Pace.SLOW:
            self._put(WorkDrained(name=order.name, pid=order.pid), 0.0)


def _process(name: SlotName, target: Target) -> Process:
    slot = target.slots[name]
    return Process(name=name, state=slot.state, pid=slot.pid, born=slot.born, started=slot.started)
