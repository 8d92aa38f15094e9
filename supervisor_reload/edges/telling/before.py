"""``before_rollout``: runs what must succeed before a rollout touches anything, and tells how it ended.

It never decides what follows. Of one target no two run at once, also not with one that an earlier listener
left behind.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable

from ...core.facts import HookFailed, HookSucceeded
from ...core.model import Revision, TargetSettings
from ...core.ports import Put
from ..spawning import KILL_LIMIT, Outcome
from ..unfinished import Unfinished
from .documents import Documents, Report
from .line import Line, close_all
from .running import run_hook, tell_end

log = logging.getLogger(__name__)

KEY = "before_rollout"

KILLING = KILL_LIMIT + 1.0
"""Seconds within which a command that is cancelled has ended, and been reaped."""


class Preparing:
    """The port ``Hooks``."""

    def __init__(
        self, targets: Iterable[TargetSettings], put: Put, documents: Documents, state_dir: str = ""
    ) -> None:
        """``state_dir``: where is kept what runs, for the listener after us; '' for nowhere."""
        self._unfinished = Unfinished(state_dir, KEY)
        self._hooks = {target.name: target.hooks for target in targets}
        self._put, self._documents = put, documents
        self._lines: dict[str, Line[Report]] = {}
        self._newest: dict[str, int] = {}
        """by target: the rollout that was asked for last; nobody hears what is said of another"""
        self._ended: dict[str, list[Line[Report]]] = {}
        """of rollouts that were cancelled: their commands are being killed"""

    def run(self, target: str, rollout: int, revision: Revision, changed: tuple[str, ...]) -> None:
        """HookSucceeded or HookFailed follows within ``hook_timeout``.

        One that runs for this target already, also of an earlier listener, is awaited before; that is over
        after as long again.
        """
        self._newest[target] = rollout
        line = self._lines.setdefault(target, Line(f"{KEY} {target}", self._run))
        line.put(self._documents.before(target, rollout, revision, changed))

    def cancel(self, target: str, rollout: int) -> None:
        """End what runs for this rollout, with its children, or never begin; nothing is told of it."""
        line = self._lines.get(target)
        if line is None or self._newest.get(target) != rollout:
            return
        self._newest[target] = 0
        line.end()
        left = [one for one in self._ended.get(target, []) if one.is_working]
        self._ended[target] = [*left, line]
        del self._lines[target]

    def tick(self) -> None:
        """Make the files again that tell of what runs, where somebody removed them."""
        self._unfinished.tick()

    def close(self) -> None:
        """End everything; waits up to 1 s for the threads, which must kill their commands before we leave."""
        close_all([*self._lines.values(), *(line for lines in self._ended.values() for line in lines)])

    def _run(self, report: Report, closing: threading.Event) -> None:
        if report.rollout != self._newest[report.target]:
            return
        for line in self._ended.get(report.target, []):
            line.join(KILLING)
        settings = self._hooks[report.target]
        try:
            outcome = run_hook(settings.before, settings, report, self._unfinished, closing)
        except Exception as error:
            # A defect of ours must not leave a rollout without an answer for ever.
            log.exception("%s could not be run", KEY)
            outcome = Outcome(code=1, reason=f"it could not be run: {error!r}", output="")
        if closing.is_set():
            return
        assert report.rollout is not None
        if outcome.code == 0:
            tell_end(KEY, report, outcome)
            self._put(HookSucceeded(target=report.target, rollout=report.rollout))
            return
        self._put(
            HookFailed(
                target=report.target, rollout=report.rollout, reason=outcome.reason, output=outcome.output
            )
        )
