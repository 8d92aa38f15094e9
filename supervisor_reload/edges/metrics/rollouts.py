"""What the story of the rollouts says in numbers. It keeps as much of the story as the next number needs."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...core.orders import Story
from ...core.ports import Clock
from ...core.trigger import Trigger
from .definitions import (
    BEGUN,
    DECISIVE,
    LAST_SECONDS,
    LAST_SUCCESS,
    LAST_TIME,
    MISSED,
    OUTCOMES,
    REFUSALS,
    ROLLOUT_SECONDS,
    ROLLOUTS,
    SAVE_SECONDS,
)
from .saves import Saves
from .tally import Tally

ENDS = {f"rollout {outcome}": outcome for outcome in OUTCOMES}
REFUSED_BY = {"check failed": "check", "command failed": "run_on"}
COMPLETE = "complete"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    """A rollout that is under way. Times are monotonic seconds."""

    began: float | None
    """None where another listener began it"""
    saved: float | None
    """when the first file event came; None where that is not known"""


class Rollouts:
    """The rollouts of all targets; used by the engine's thread alone."""

    def __init__(self, tally: Tally, saves: Saves, clock: Clock, wall: Clock) -> None:
        self._tally, self._saves, self._clock, self._wall = tally, saves, clock, wall
        self._running: dict[str, _Running] = {}

    def tell(self, story: Story) -> None:
        """Count what it says."""
        event, target = story.event, story.target
        if event == "rollout began":
            self._begin(story)
        elif event == "rollout grew":
            self._grow(story)
        elif event == "rollout resumed":
            self._running[target] = _Running(began=None, saved=None)
        elif event == "rollout put off":
            self._running.pop(target, None)
        elif event in ENDS:
            self._end(story, ENDS[event])
        elif event in REFUSED_BY:
            self._tally.add(REFUSALS, target, REFUSED_BY[event])
        elif event == "change found by rescan":
            self._tally.add(MISSED, target)

    def keep(self, targets: set[str]) -> None:
        """Forget every other target."""
        self._running = {name: each for name, each in self._running.items() if name in targets}

    def say_last(self, target: str, outcome: str, seconds: float, ended: float) -> None:
        """Say how a target's last rollout ended; ``ended`` in seconds since 1970."""
        self._tally.set(LAST_SECONDS, seconds, target)
        self._tally.set(LAST_TIME, ended, target)
        self._tally.set(LAST_SUCCESS, outcome == COMPLETE, target)

    def _begin(self, story: Story) -> None:
        trigger = str(story.values["trigger"])
        self._tally.add(BEGUN, story.target, trigger)
        is_save = trigger == Trigger.FILES.value
        saved = self._saves.take(story.target, str(story.values["revision"])) if is_save else None
        self._running[story.target] = _Running(began=self._clock(), saved=saved)

    def _grow(self, story: Story) -> None:
        """The same burst brought more; where its first reading was overtaken by this one, this one tells."""
        running = self._running.get(story.target)
        if running is not None and running.saved is None:
            saved = self._saves.take(story.target, str(story.values["revision"]))
            self._running[story.target] = replace(running, saved=saved)

    def _end(self, story: Story, outcome: str) -> None:
        now, target = self._clock(), story.target
        running = self._running.pop(target, _Running(began=None, saved=None))
        self._tally.add(ROLLOUTS, target, outcome)
        told = story.values.get("seconds")
        seconds = float(told) if isinstance(told, float | int) else None
        if seconds is None and running.began is not None:
            seconds = now - running.began
        if outcome == COMPLETE and seconds is not None:
            self._tally.observe(ROLLOUT_SECONDS, seconds, target)
        if outcome == COMPLETE and running.saved is not None:
            self._tally.observe(SAVE_SECONDS, now - running.saved, target)
        if outcome in DECISIVE:
            self.say_last(target, outcome, seconds or 0.0, self._wall())
