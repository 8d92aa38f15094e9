"""``after_rollout`` and ``on_failure``: commands that follow on a rollout's end. Nothing waits for them.

Those of one target are run one after the other, in the order of what they are about.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from ...core.model import HookSettings, TargetSettings
from ...core.notifying import Event
from ..unfinished import Unfinished
from .documents import Report
from .line import Line
from .running import run_hook, tell_end

MOST_WAITING = 20
"""Commands of one target."""


class Following:
    """The commands that follow on the ends of rollouts, for all targets."""

    def __init__(self, targets: Iterable[TargetSettings], state_dir: str = "") -> None:
        """``state_dir``: where is kept what runs, for the listener after us; '' for nowhere."""
        self._unfinished = Unfinished(state_dir, "after_rollout")
        self._lines: dict[str, Line[tuple[Report, HookSettings]]] = {}
        self.settle(targets)

    def settle(self, targets: Iterable[TargetSettings]) -> None:
        """From now on these settings hold; what waits already is done by those of its time."""
        self._hooks = {target.name: target.hooks for target in targets}

    def follow(self, report: Report) -> None:
        """Run what the target's settings have for such an event, if anything; returns at once."""
        settings = self._hooks.get(report.target)
        if settings is None or not _command(settings, report):
            return
        name = f"after rollouts of {report.target}"
        line = self._lines.setdefault(report.target, Line(name, self._run, MOST_WAITING))
        line.put((report, settings))

    def tick(self) -> None:
        """Make the files again that tell of what runs, where somebody removed them."""
        self._unfinished.tick()

    @property
    def lines(self) -> list[Line[tuple[Report, HookSettings]]]:
        """To be closed before we leave: the threads must kill their commands."""
        return [*self._lines.values()]

    def _run(self, job: tuple[Report, HookSettings], closing: threading.Event) -> None:
        report, settings = job
        outcome = run_hook(_command(settings, report), settings, report, self._unfinished, closing)
        tell_end("after_rollout" if report.kind is Event.COMPLETE else "on_failure", report, outcome)


def _command(settings: HookSettings, report: Report) -> tuple[str, ...]:
    if report.kind is Event.COMPLETE:
        return settings.after
    return settings.on_failure if report.kind.is_failure else ()
