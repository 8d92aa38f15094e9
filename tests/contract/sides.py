"""The two sides of the contract: one table of programs, in a real supervisord and in the fake one.

It exists so that a contract test is written once; it knows which behaviour has which name, and how time
passes on each side. It never asserts anything.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from supervisor_reload.core.model import Process, ProcessState, SlotName
from supervisor_reload.core.ports import Supervisor
from supervisor_reload.edges.supervisord import Supervisord as Edge
from tests.fakes.supervisord import Boot, FakeClock, FakeSupervisord, Program
from tests.integration.supervisord import Supervisord, short_directory, wait_for

LIMIT = 15.0
"""Seconds (of the side's own time) for anything to happen."""

OBEDIENT = Boot()
DIES = Boot(dies_after=0.2, exit_code=3)

TRAP = """\
import signal, sys, time
drains_in, exit_code = sys.argv[1:]
ends = []
signal.signal(signal.SIGTERM, lambda *_: ends.append(time.monotonic() + float(drains_in)))
print("up", file=sys.stderr, flush=True)
while not ends or time.monotonic() < ends[0]:
    time.sleep(0.02)
sys.exit(int(exit_code))
"""
"""Says when its handler is in place; a TERM that comes before would not be its own."""


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """A program: its section's keys, and what its processes do."""

    boot: Boot = OBEDIENT
    startsecs: int = 0
    startretries: int = 3
    autorestart: str = "false"
    stopwaitsecs: int = 10

    def section(self, name: str) -> str:
        """As a section of supervisord.conf."""
        return (
            f"[program:{name}]\ncommand={self._command()}\nautostart=false\nstartsecs={self.startsecs}\n"
            f"startretries={self.startretries}\nautorestart={self.autorestart}\n"
            f"stopwaitsecs={self.stopwaitsecs}\n"
        )

    def _command(self) -> str:
        if self.boot.dies_after is not None:
            words = f"echo oops >&2; sleep {self.boot.dies_after}; exit {self.boot.exit_code}"
            return f"sh -c {shlex.quote(words)}"
        drains_in = 1000 if self.boot.drains_in is None else self.boot.drains_in
        return f"{sys.executable} %(here)s/trap.py {drains_in} {self.boot.exit_code}"

    def program(self, name: str) -> Program:
        """As a fake program."""
        return Program(
            name=SlotName(f"{name}:{name}"),
            boot=lambda: self.boot,
            startsecs=float(self.startsecs),
            startretries=self.startretries,
            autorestart=self.autorestart,
            stopwaitsecs=float(self.stopwaitsecs),
        )


PROGRAMS = {
    "idle": Behaviour(),
    "lingering": Behaviour(boot=Boot(drains_in=0.5)),
    "stubborn": Behaviour(boot=Boot(drains_in=None), stopwaitsecs=1),
    "crashing": Behaviour(boot=DIES, startsecs=1, startretries=1),
    "crashing_again": Behaviour(boot=DIES, startsecs=1, startretries=1),
    "crashing_often": Behaviour(boot=DIES, startsecs=1, startretries=10),
    "crashing_later": Behaviour(boot=DIES),
    "young": Behaviour(startsecs=3),
    "reborn": Behaviour(autorestart="true"),
    "reborn_after_1": Behaviour(autorestart="unexpected", boot=Boot(exit_code=1)),
    "gone_after_0": Behaviour(autorestart="unexpected"),
}


class Side(Protocol):
    """One side: the port under test, and how to wait there."""

    supervisor: Supervisor

    def see(self, name: SlotName, *states: ProcessState, but: int = -1) -> Process:
        """Wait until it is in one of the states, with another pid than ``but``; fails after LIMIT."""

    def pass_time(self) -> None:
        """Let pass what supervisord would need to act by itself: some turns of its loop."""

    def boot(self, name: SlotName) -> Process:
        """Start it, and wait until it runs and listens to signals."""

    def count_boots(self, name: SlotName) -> int:
        """How many processes it has had."""

    def kill(self, name: SlotName) -> None:
        """End its process by SIGKILL, as somebody else would."""


@dataclass
class FakeSide:
    """The fake: its time passes when somebody waits."""

    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        programs = [behaviour.program(name) for name, behaviour in PROGRAMS.items()]
        self.supervisor = FakeSupervisord(self.clock, programs)

    def see(self, name: SlotName, *states: ProcessState, but: int = -1) -> Process:
        ends = self.clock.now + LIMIT
        while self.clock.now < ends:
            process = self.supervisor.process(name)
            if process.state in states and process.pid != but:
                return process
            self.clock.now += 0.02
        raise AssertionError(f"{process} is in none of {states} after {LIMIT} s")

    def pass_time(self) -> None:
        for _ in range(20):
            self.clock.now += 0.02
            self.supervisor.settle()

    def boot(self, name: SlotName) -> Process:
        self.supervisor.start(name)
        return self.see(name, ProcessState.RUNNING)

    def count_boots(self, name: SlotName) -> int:
        return self.supervisor.programs[name].boots

    def kill(self, name: SlotName) -> None:
        self.supervisor.crash(name, by_signal=True)


class RealSide:
    """A real supervisord, seen through the edge."""

    def __init__(self, supervisord: Supervisord) -> None:
        self.supervisor = Edge(f"unix://{supervisord.socket_file}")
        self._supervisord = supervisord

    def see(self, name: SlotName, *states: ProcessState, but: int = -1) -> Process:
        newest: list[Process] = []

        def asked() -> Process | None:
            newest[:] = [self.supervisor.process(name)]
            return newest[0] if newest[0].state in states and newest[0].pid != but else None

        try:
            found = wait_for(asked, LIMIT)
        except TimeoutError:
            raise AssertionError(f"{newest} is in none of {states}\n{self._supervisord.log()}") from None
        assert found is not None
        return found

    def pass_time(self) -> None:
        for _ in range(20):  # each call is a turn of its loop
            self.supervisor.processes()

    def boot(self, name: SlotName) -> Process:
        self.supervisor.start(name)
        process = self.see(name, ProcessState.RUNNING)
        wait_for(lambda: "up" in self.supervisor.last_words(name, 100), LIMIT, f"{name} booted")
        return process

    def count_boots(self, name: SlotName) -> int:
        return self._supervisord.stderr(name).count("oops")

    def kill(self, name: SlotName) -> None:
        os.kill(self.supervisor.process(name).pid, signal.SIGKILL)


@contextmanager
def real_side() -> Iterator[RealSide]:
    """A supervisord with all PROGRAMS, none of them started."""
    sections = "\n".join(behaviour.section(name) for name, behaviour in PROGRAMS.items())
    directory = short_directory()
    (directory / "trap.py").write_text(TRAP)
    try:
        with Supervisord(directory, sections) as supervisord:
            side = RealSide(supervisord)
            yield side
            side.supervisor.close()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
