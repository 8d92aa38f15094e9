"""The one thread that owns all state: next facts, a look at supervisord, the core's decision, its orders.

Everything else only puts facts into the inbox. The engine may wait for an RPC (short, limited), never for
a program; and it decides nothing itself.
"""

from __future__ import annotations

import logging
import queue
from collections.abc import Iterable, Mapping
from dataclasses import replace

from .core.configfacts import (
    GroupRefused,
    GroupReplaced,
    RereadRefused,
)
from .core.coordinator import Coordinator
from .core.errors import SupervisorFault, SupervisorUnavailable
from .core.facts import (
    Fact,
    ListenerClosed,
    OrderRefused,
    ProcessesObserved,
    ProcessObserved,
    SignalSent,
    SupervisorStopping,
    Ticked,
)
from .core.memory import Memory
from .core.model import Process, Record, SlotName
from .core.orders import (
    DropEyes,
    Order,
    PrepareEyes,
    ReplaceGroup,
    RereadConfiguration,
    SignalProcess,
    StartProcess,
    StopProcess,
    TakeOver,
)
from .core.phase import Phase
from .outside import Outside, allow
from .surroundings import Build, Surroundings

log = logging.getLogger(__name__)

BATCH = 1000
"""Facts that are taken before the next decision, at most: a checkout of 60,000 files is 360,000 events."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between two tries to reach a supervisord that does not answer."""

DEAF_AFTER = 30.0
"""Seconds without a TICK_5 after which supervisord must have stopped talking to us."""

Inbox = queue.SimpleQueue[Fact]
"""The one inbox; ``put`` is safe from any thread and from signal handlers."""


class Engine:
    """Runs until the listener's life is over."""

    def __init__(
        self,
        coordinator: Coordinator,
        inbox: Inbox,
        outside: Outside,
        build: Build | None = None,
        kept: Mapping[str, Record] | None = None,
    ) -> None:
        """``build`` makes the ports of changed settings; without it none is taken over.

        ``kept`` is what the journal holds.
        """
        self._core = coordinator
        self._inbox = inbox
        self._memory = Memory(dict(kept or {}), hide=outside.hide)
        self._outside = outside = replace(outside, observers=(*outside.observers, self._memory.witness))
        self._clock = outside.clock
        self._surroundings = Surroundings(outside, tuple(coordinator.targets), coordinator.target_of, build)
        self._watched: dict[SlotName, Process] = {}
        """the process of each slot whose exit is watched, with what no look at supervisord tells"""
        self._ticked_at = self._decided_at = self._clock()
        self._pause = 0.0
        self._blocked_until = 0.0
        self._is_stopping = False

    @property
    def unfinished(self) -> tuple[tuple[SlotName, str], ...]:
        """The slots that are on their way out or empty because of us, each with its phase, when we leave."""
        if self._is_stopping:
            return ()
        slots = (slot for target in self._core.targets.values() for slot in target.slots.values())
        return tuple((s.name, s.phase.value) for s in slots if s.phase.is_leaving or s.phase is Phase.VACANT)

    def close(self) -> None:
        """Close what was built for settings that changed while we ran."""
        self._surroundings.close()

    def run(self) -> ListenerClosed:
        """Work until the end; returns why it came."""
        while True:
            end = self.turn(self._next_facts())
            if end is not None:
                return end

    def turn(self, facts: Iterable[Fact]) -> ListenerClosed | None:
        """Take these facts and do what follows from them; why the end came, once it has."""
        for fact in facts:
            if isinstance(fact, ListenerClosed):
                return fact
            self._take(fact)
        now = self._clock()
        if now > self._ticked_at + DEAF_AFTER:
            reason = f"no TICK_5 from supervisord for {DEAF_AFTER:g} s: we are deaf"
            return ListenerClosed(reason=reason, is_expected=False)
        if not self._is_stopping and now >= self._blocked_until:
            self._advance()
        return None

    def _advance(self) -> None:
        try:
            self._look()
        except SupervisorUnavailable as error:
            self._lose(error)
            return
        blocked_until = self._blocked_until
        self._decided_at = self._clock()
        orders = self._core.decide(self._decided_at)
        self._keep()  # before it is done
        self._carry_out(orders)
        self._keep()
        if self._pause and self._blocked_until == blocked_until:  # what was ordered came through, too
            self._pause, self._core.unreachable = 0.0, ""
            self._keep()
            log.info("supervisord answers again")

    def _keep(self) -> None:
        """Have the journal hold what must be known if we die now."""
        news = self._memory.news(self._core, self._outside.wall())
        if news:
            self._outside.journal.write(news)

    def _lose(self, error: SupervisorUnavailable) -> None:
        """supervisord does not answer: nothing is ordered until it does."""
        if not self._pause:
            log.warning("%s; trying again", error)
        self._core.unreachable = str(error)
        self._pause = min(LONGEST_PAUSE, self._pause * 2 or FIRST_PAUSE)
        self._blocked_until = self._clock() + self._pause
        self._core.take(Ticked(), self._clock())  # whatever was believed must be looked at anew
        self._keep()  # for whoever asks how we are

    def _next_facts(self) -> Iterable[Fact]:
        wait = self.wakes_at(self._clock()) - self._clock()
        facts: list[Fact] = []
        try:
            facts.append(self._inbox.get(timeout=wait) if wait > 0 else self._inbox.get_nowait())
            while len(facts) < BATCH:
                facts.append(self._inbox.get_nowait())
        except queue.Empty:
            pass
        return facts

    def wakes_at(self, now: float) -> float:
        """When to go on, though no fact comes (monotonic seconds)."""
        deaf_at = self._ticked_at + DEAF_AFTER + 0.1
        if self._is_stopping:
            return deaf_at  # not when a slot asks for a look: it would ask without end, and nobody looks
        if self._core.must_look_at_all:
            return self._blocked_until
        wakes_at = self._core.wakes_at(self._decided_at)
        return max(deaf_at if wakes_at is None else min(deaf_at, wakes_at), self._blocked_until)

    def _take(self, fact: Fact) -> None:
        if isinstance(fact, Ticked):
            self._ticked_at = self._clock()
            self._surroundings.tick()
            self._outside.journal.tick()
        if isinstance(fact, SupervisorStopping):
            log.info("supervisord is stopping: nothing more is ordered")
            self._is_stopping = True
        if isinstance(fact, ProcessObserved):
            fact = replace(fact, process=self._identified(fact.process))
        if isinstance(fact, ProcessesObserved):
            fact = replace(fact, processes=tuple(map(self._identified, fact.processes)))
        self._carry_out(self._core.take(fact, self._clock()))

    def _look(self) -> None:
        """Ask supervisord what must be known before a decision. Raises SupervisorUnavailable."""
        if self._core.must_look_at_all:
            self._take(ProcessesObserved(processes=self._outside.supervisor.processes()))
        for name in self._core.looks_due(self._clock()):
            self._look_at(name)

    def _look_at(self, name: SlotName) -> None:
        try:
            self._take(ProcessObserved(process=self._outside.supervisor.process(name)))
        except SupervisorFault as fault:
            self._take(OrderRefused(name=name, code=fault.code, message=str(fault)))

    def _identified(self, process: Process) -> Process:
        """The process with what no other of its pid has; its exit is watched from its first look on."""
        if not process.pid or not self._core.target_of(process.name):
            return process
        known = self._watched.get(process.name)
        if known is None or known.pid != process.pid:
            exits, pid = self._outside.exits, process.pid
            known = replace(process, born=exits.born(pid), started=exits.started(pid))
            self._watched[process.name] = known
            exits.watch(process.name, pid)
        return replace(process, born=known.born, started=known.started)

    def _carry_out(self, orders: Iterable[Order]) -> None:
        for order in orders:
            if isinstance(order, StartProcess | StopProcess | SignalProcess):
                self._command(order)
            elif isinstance(order, RereadConfiguration | ReplaceGroup):
                self._reconfigure(order)
            elif isinstance(order, PrepareEyes | DropEyes | TakeOver):
                self._surroundings.change(order)
            else:
                self._surroundings.carry_out(order)

    def _command(self, order: StartProcess | StopProcess | SignalProcess) -> None:
        """Command by RPC, learn by a look: an answer never changes state; a refusal is a fact of its own."""
        supervisor = self._outside.supervisor
        if self._clock() < self._blocked_until:  # an order before this one found out
            self._take(OrderRefused(name=order.name, code="UNAVAILABLE", message="supervisord is away"))
            return
        try:
            match order:
                case StartProcess():
                    self._surroundings.discard_stale_bytecode(self._core.target_of(order.name))
                    supervisor.start(order.name)
                    self._look_at(order.name)
                case StopProcess():
                    supervisor.stop(order.name)
                case SignalProcess():
                    self._signal(order)
        except SupervisorFault as fault:
            self._take(OrderRefused(name=order.name, code=fault.code, message=str(fault)))
        except SupervisorUnavailable as error:
            self._take(OrderRefused(name=order.name, code="UNAVAILABLE", message=str(error)))
            self._lose(error)

    def _reconfigure(self, order: RereadConfiguration | ReplaceGroup) -> None:
        """Have supervisord read its configuration, or exchange a group; here the answer is the fact."""
        if self._clock() < self._blocked_until:
            self._refuse(order, "UNAVAILABLE", "supervisord is away")
            return
        try:
            if isinstance(order, RereadConfiguration):
                self._take(self._outside.supervisor.reread())
            else:
                self._replace(order)
        except SupervisorFault as fault:
            self._refuse(order, fault.code, str(fault))
        except SupervisorUnavailable as error:
            self._refuse(order, "UNAVAILABLE", str(error))
            self._lose(error)

    def _replace(self, order: ReplaceGroup) -> None:
        """Remove and add in one go: what is removed must not be missed for longer than that takes."""
        supervisor = self._outside.supervisor
        if order.remove:
            allow("BAD_NAME", lambda: supervisor.remove_group(order.group))  # somebody was faster
        if order.add:
            for target in self._core.targets:
                self._surroundings.discard_stale_bytecode(target)
            allow("ALREADY_ADDED", lambda: supervisor.add_group(order.group))
        self._take(GroupReplaced(group=order.group))
        for name in order.start:
            self._command(StartProcess(name=name))

    def _refuse(self, order: RereadConfiguration | ReplaceGroup, code: str, message: str) -> None:
        if isinstance(order, ReplaceGroup):
            self._take(GroupRefused(group=order.group, code=code, message=message))
        else:
            self._take(RereadRefused(code=code, message=message))

    def _signal(self, order: SignalProcess) -> None:
        """Signal the very process that was meant, unless somebody stopped or replaced it meanwhile.

        Without this look an operator's stop of a moment ago and our signal would be two TERMs.
        """
        process = self._outside.supervisor.process(order.name)
        if process.pid != order.pid or not process.state.is_up:
            self._take(ProcessObserved(process=process))
            return
        try:
            self._outside.supervisor.signal(order.name, order.signal)
        except SupervisorUnavailable as error:  # it may have come through: that is not "never sent"
            self._take(OrderRefused(name=order.name, code="UNANSWERED", message=str(error)))
            self._lose(error)
            return
        self._take(SignalSent(name=order.name, pid=order.pid))
