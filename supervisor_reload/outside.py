"""Everything outside the engine, as ports, and which of them an order goes to.

Orders that never touch a process are carried out here and can't fail; those that do are the engine's, which
learns from supervisord's answer. It decides nothing; how ports change while we run is ``surroundings``'.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from .core.errors import SupervisorFault, SupervisorUnavailable
from .core.model import SlotName
from .core.orders import (
    AskGit,
    BeginDraining,
    BeginProbing,
    CancelCheck,
    CancelHook,
    ComputeRevision,
    EndDraining,
    EndProbing,
    RunCheck,
    RunCommand,
    RunHook,
    Story,
    Tell,
)
from .core.ports import (
    Checks,
    Clock,
    Commands,
    Draining,
    ExitWatch,
    Hooks,
    Journal,
    Observer,
    Probing,
    Sources,
    Supervisor,
    Watch,
)

log = logging.getLogger(__name__)

LAST_WORDS = 2000
"""Bytes of a failed process's stderr that are shown."""

Following = BeginProbing | EndProbing | BeginDraining | EndDraining
Harmless = (
    Following | ComputeRevision | RunCheck | CancelCheck | RunCommand | RunHook | CancelHook | AskGit | Tell
)
"""the orders that never touch a process"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What the engine needs from outside; every field is a port."""

    supervisor: Supervisor
    sources: Sources
    watch: Watch
    checks: Checks
    commands: Commands
    hooks: Hooks
    probing: Probing
    draining: Draining
    exits: ExitWatch
    observers: Sequence[Observer]
    clock: Clock
    journal: Journal
    hide: Callable[[str], str] = str
    """hides the secrets in what is written down"""
    in_the_way: Callable[[str, str], str] = lambda address, words: ""
    """(a program's address, its last words) -> which stranger listens there, as a sentence; '' for none"""
    tick: Callable[[], None] = lambda: None
    """what else looks every few seconds whether all is where it was"""
    wall: Clock
    """the time of day, seconds since 1970: for what is shown, never for a decision"""

    def carry_out(self, order: Harmless) -> None:
        """Do what was ordered; answers, where there are any, come as facts."""
        match order:
            case BeginProbing() | EndProbing() | BeginDraining() | EndDraining():
                self._follow(order)
            case ComputeRevision():
                self._compute(order)
            case RunCheck():
                self.checks.run(order.target, order.revision, order.changed)
            case CancelCheck():
                self.checks.cancel(order.target)
            case RunCommand():
                self.commands.run(order.target, order.rule, order.revision, order.changed)
            case RunHook() | CancelHook():
                self._prepare(order)
            case AskGit():
                self.sources.ask_git(order.target)
            case Tell():
                self._tell(order.story)
            case _ as never:
                _refuse_unknown(never)

    def _compute(self, order: ComputeRevision) -> None:
        self.sources.compute(order.target, order.hints, full=order.full, final=order.final, since=order.since)

    def _prepare(self, order: RunHook | CancelHook) -> None:
        match order:
            case RunHook():
                self.hooks.run(order.target, order.rollout, order.revision, order.changed)
            case CancelHook():
                self.hooks.cancel(order.target, order.rollout)

    def _follow(self, order: Following) -> None:
        match order:
            case BeginProbing():
                self.probing.begin(order.name, order.pid)
            case EndProbing():
                self.probing.end(order.name)
            case BeginDraining():
                self.draining.begin(order.name, order.pid)
            case EndDraining():
                self.draining.end(order.name)

    def _tell(self, story: Story) -> None:
        if story.last_words_of is not None:
            words = self._last_words(story.last_words_of)
            story = replace(story, values={**story.values, "last_words": words})
        if story.holder_of is not None:
            told = self._holder(*story.holder_of)
            story = replace(story, values={**story.values, "holder": told})
        if story.in_flight_of is not None:
            count = self._in_flight(*story.in_flight_of)
            story = replace(story, values={**story.values, "in_flight": count})
        for observer in self.observers:
            try:
                observer(story)
            except Exception:  # an observer must never end a rollout
                log.exception("an observer failed on %s", story.event)

    def _in_flight(self, name: SlotName, pid: int) -> int | None:
        try:
            return self.draining.in_flight(name, pid)
        except Exception:  # a count for the log must never end a rollout
            log.exception("the connections of %s could not be counted", name)
            return None

    def _holder(self, name: SlotName, address: str) -> str:
        try:
            return self.in_the_way(address, self._last_words(name))
        except Exception:  # a line of the log must never end a rollout
            log.exception("who is in the way of %s could not be found out", name)
            return ""

    def _last_words(self, name: SlotName) -> str:
        try:
            return self.supervisor.last_words(name, LAST_WORDS)
        except (SupervisorUnavailable, SupervisorFault):
            return ""  # a story without evidence is better than none


def _refuse_unknown(order: NoReturn) -> NoReturn:
    """mypy finds an order that nobody carries out (``typing.assert_never``, which Python 3.10 lacks)."""
    raise AssertionError(f"nobody carries out {order!r}")


def allow(code: str, ask: Callable[[], None]) -> None:
    """Ask supervisord; a fault of this code says that it was so already. Raises SupervisorFault of others."""
    try:
        ask()
    except SupervisorFault as fault:
        if fault.code != code:
            raise
