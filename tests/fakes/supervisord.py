"""An in-memory supervisord: same states, same faults, its own clock. It never talks to a process."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from supervisor_reload.core.configfacts import (
    GroupsCompared,
)
from supervisor_reload.core.errors import SupervisorFault
from supervisor_reload.core.model import Process, ProcessState, SlotName

S = ProcessState

ASKS = ("USR1", "USR2")
"""Signals that the programs handle without leaving"""


class FakeClock:
    """Time that passes only when a test says so (seconds)."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True, kw_only=True)
class Boot:
    """How a process that starts now will behave."""

    dies_after: float | None = None
    ready_after: float | None = 0.0
    drains_in: float | None = 0.05
    """seconds from TERM to its exit; None: it ignores TERM"""
    exit_code: int = 0
    survives_hup: bool = True


@dataclass(kw_only=True, eq=False)
class Program:
    """One fake process, with the keys of its program section."""

    name: SlotName
    boot: Callable[[], Boot]
    startsecs: float = 1.0
    stopwaitsecs: float = 10.0
    autostart: bool = True
    autorestart: str = "unexpected"
    startretries: int = 3
    state: ProcessState = S.STOPPED
    pid: int = 0
    detail: str = ""
    began: float = 0.0
    behaviour: Boot = Boot()
    ends_at: float | None = None
    kill_at: float | None = None
    retry_at: float | None = None
    tries: int = 0
    killed: bool = False
    ended_pid: int = 0
    boots: int = 0
    signals: list[tuple[int, str]] = field(default_factory=list)

    def is_ready(self, now: float) -> bool:
        """Whether its process answers its probe."""
        after = self.behaviour.ready_after
        return bool(self.pid) and after is not None and now >= self.began + after


class FakeSupervisord:
    """The port ``Supervisor``, and what an operator or a crash does to its processes."""

    def __init__(self, clock: FakeClock, programs: Iterable[Program]) -> None:
        self.clock = clock
        self.programs = {program.name: program for program in programs}
        self.on_change: Callable[[SlotName], None] = lambda name: None
        self.on_exit: Callable[[SlotName, int], None] = lambda name, pid: None
        self.configured: dict[str, list[Program]] | None = None
        """what the files say, by group; None: what runs"""
        self.refusals: dict[str, SupervisorFault] = {}
        """by verb: what reread, remove_group and add_group answer instead"""
        self._read: dict[str, list[Program]] = {}
        self._pids = itertools.count(100)

    # -- the port

    def processes(self) -> tuple[Process, ...]:
        self.settle()
        return tuple(self._process(program) for program in self.programs.values())

    def process(self, name: SlotName) -> Process:
        self.settle()
        return self._process(self._find(name))

    def start(self, name: SlotName) -> None:
        self.settle()
        program = self._find(name)
        if program.state.is_up or program.state is S.BACKOFF:
            raise SupervisorFault("ALREADY_STARTED", f"ALREADY_STARTED: {name}")
        if program.state is S.STOPPING:
            return  # answers True and does nothing (FACTS)
        self._spawn(program)

    def stop(self, name: SlotName) -> None:
        self.settle()
        program = self._find(name)
        if program.state is S.BACKOFF:
            program.retry_at = None  # its tries are not forgotten
            self._change(program, S.STOPPED)
            return
        if not program.state.is_up:
            raise SupervisorFault("NOT_RUNNING", f"NOT_RUNNING: {name}")
        self._receive(program, "TERM")
        program.kill_at = self.clock() + program.stopwaitsecs
        self._change(program, S.STOPPING)

    def signal(self, name: SlotName, signal: str) -> None:
        self.settle()
        program = self._find(name)
        if not program.state.has_process:
            raise SupervisorFault("NOT_RUNNING", f"NOT_RUNNING: {name}")
        self._receive(program, signal)

    def reread(self) -> GroupsCompared:
        self._refuse("reread")
        active = self.groups()
        self._read = active if self.configured is None else self.configured
        same = {name for name in self._read.keys() & active.keys() if self._read[name] == active[name]}
        return GroupsCompared(
            added=tuple(name for name in self._read if name not in active),
            changed=tuple(name for name in self._read if name in active and name not in same),
            removed=tuple(name for name in active if name not in self._read),
        )

    def remove_group(self, group: str) -> None:
        self._refuse("remove_group")
        self.settle()
        programs = self.groups().get(group)
        if programs is None:
            raise SupervisorFault("BAD_NAME", f"BAD_NAME: {group}")
        if any(program.state.has_process or program.state is S.BACKOFF for program in programs):
            raise SupervisorFault("STILL_RUNNING", f"STILL_RUNNING: {group}")
        for program in programs:
            del self.programs[program.name]

    def add_group(self, group: str) -> None:
        self._refuse("add_group")
        if group in self.groups():
            raise SupervisorFault("ALREADY_ADDED", f"ALREADY_ADDED: {group}")
        if group not in self._read:
            raise SupervisorFault("BAD_NAME", f"BAD_NAME: {group}")
        for program in self._read[group]:
            self.programs[program.name] = program
            if program.autostart:
                self._spawn(program)

    def groups(self) -> dict[str, list[Program]]:
        """The programs that run, by group."""
        found: dict[str, list[Program]] = {}
        for program in self.programs.values():
            found.setdefault(program.name.partition(":")[0], []).append(program)
        return found

    def _refuse(self, verb: str) -> None:
        if verb in self.refusals:
            raise self.refusals[verb].with_traceback(None)

    def started(self, pid: int) -> float | None:
        """When the kernel started a process."""
        return next((program.began for program in self.programs.values() if program.pid == pid), None)

    def last_words(self, name: SlotName, size: int) -> str:
        return f"last words of {name}"[-size:] if name in self.programs else ""

    # -- the world

    def boot_all(self) -> None:
        """What supervisord does when it starts."""
        for program in self.programs.values():
            self._spawn(program)

    def crash(self, name: SlotName, *, by_signal: bool = False) -> None:
        """The process ends, now: by itself, or by somebody's SIGKILL."""
        program = self._find(name)
        if program.pid:
            program.ends_at = self.clock()
            program.killed = by_signal
            self.settle()

    def next_event_at(self) -> float | None:
        """When something changes here without anybody's doing."""
        times: list[float] = []
        for program in self.programs.values():
            times += [t for t in (program.ends_at, program.kill_at, program.retry_at) if t is not None]
            if program.state is S.STARTING:
                times.append(program.began + program.startsecs)
        return min(times, default=None)

    def settle(self) -> None:
        """Let everything happen that is due."""
        for program in self.programs.values():
            while self._settle(program):
                pass

    # -- inside

    def _settle(self, program: Program) -> bool:
        now = self.clock()
        ends = [at for at in (program.ends_at, program.kill_at) if at is not None]
        if program.pid and ends and min(ends) <= now:
            self._finish(program)
            return True
        if program.state is S.STARTING and now >= program.began + program.startsecs:
            program.tries = 0
            self._change(program, S.RUNNING)
            return True
        if program.retry_at is not None and now >= program.retry_at:
            program.retry_at = None
            self._spawn(program)
            return True
        return False

    def _finish(self, program: Program) -> None:
        pid, program.pid = program.pid, 0
        program.ended_pid = pid
        program.ends_at = program.kill_at = None
        self.on_exit(program.name, pid)
        if program.state is S.STOPPING:
            self._change(program, S.STOPPED)
        elif self.clock() < program.began + program.startsecs:
            self._back_off(program)
        else:
            program.tries = 0
            status = f"exited with status {program.behaviour.exit_code}"
            program.detail = "ended by a signal" if program.killed else status
            self._change(program, S.EXITED)
            expected = program.behaviour.exit_code == 0 and not program.killed
            if program.autorestart == "true" or (program.autorestart == "unexpected" and not expected):
                self._spawn(program)

    def _back_off(self, program: Program) -> None:
        program.tries += 1
        program.detail = "Exited too quickly (process log may have details)"
        if program.tries > program.startretries:
            program.tries = 0
            self._change(program, S.FATAL)
        else:
            program.retry_at = self.clock() + program.tries
            self._change(program, S.BACKOFF)

    def _spawn(self, program: Program) -> None:
        program.behaviour = program.boot()
        program.pid, program.began, program.detail = next(self._pids), self.clock(), ""
        program.retry_at = program.kill_at = program.ends_at = None
        program.killed = False
        program.boots += 1
        if program.behaviour.dies_after is not None:
            program.ends_at = self.clock() + program.behaviour.dies_after
        self._change(program, S.STARTING)

    def _receive(self, program: Program, signal: str) -> None:
        program.signals.append((program.pid, signal))
        if signal == "HUP" and program.behaviour.survives_hup:
            program.behaviour = program.boot()
            if program.behaviour.dies_after is not None:
                program.ends_at = self.clock() + program.behaviour.dies_after
        elif signal in ASKS:
            pass
        elif program.behaviour.drains_in is not None:
            at = self.clock() + program.behaviour.drains_in
            program.ends_at = at if program.ends_at is None else min(at, program.ends_at)

    def _change(self, program: Program, state: ProcessState) -> None:
        program.state = state
        self.on_change(program.name)

    def _find(self, name: SlotName) -> Program:
        if name not in self.programs:
            raise SupervisorFault("BAD_NAME", f"BAD_NAME: {name}")
        return self.programs[name]

    def _process(self, program: Program) -> Process:
        return Process(name=program.name, state=program.state, pid=program.pid, detail=program.detail)
