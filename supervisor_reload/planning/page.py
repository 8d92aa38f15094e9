"""A rehearsal in words and as JSON: what is done, with every limit, and what is left where it fails."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..core.model import TargetSettings, Value
from ..core.revision import Weight
from ..describing import checked, duration, manner, readiness
from .change import Change
from .rehearsal import Rehearsal, Step

AFTER = Step(what="after")
COMPLETE = "rollout complete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a change would do to one target."""

    settings: TargetSettings
    condition: str
    """how it stands now: a word of ``status``"""
    doubt: str
    change: Change
    rehearsal: Rehearsal
    waits: tuple[str, ...]
    """what would keep it from beginning now"""

    @property
    def steps(self) -> tuple[Step, ...]:
        """All that is done, also when it is over."""
        is_told = self.settings.hooks.after and self.rehearsal.outcome == COMPLETE
        return (*self.rehearsal.steps, *([AFTER] if is_told else []))


def lines(plan: Plan) -> Iterator[str]:
    """The plan, a line each."""
    found = plan.rehearsal
    yield f"{plan.settings.name}: {manner(plan.settings)}"
    if plan.doubt:
        yield f"  note: {plan.doubt}"
    yield f"  now {plan.condition}, {found.serving} of {plan.settings.replicas} serve"
    yield from (f"  waits: {why}" for why in plan.waits)
    yield from (f"  {path} is not watched" for path in plan.change.unseen)
    for number, step in enumerate(plan.steps, 1):
        yield f"  {number:>3}  {_SHOWN.get(step.what, step.what):<8} {words(plan.settings, step)}"
    if not found.outcome:
        yield f"  no rollout: {nothing(plan)}"
        return
    yield f"  at least {found.fewest} of {found.serving} serve at any moment of it"
    end = f"{_seconds(found.longest)} where every limit is used up" if found.longest else "without an end"
    yield f"  it takes from {_seconds(found.shortest)}, and the boots, to {end}"
    if any(step.what == "check" for step in found.steps):
        yield "  if the check refuses the code, nothing is touched"
    left = f"{found.left} of {found.serving} serve on with the old, and the next good save goes on"
    yield f"  if the new code does not start, {left}"


def nothing(plan: Plan) -> str:
    """Why no process would be touched."""
    change = plan.change
    if not change.is_seen:
        return "what changed is not watched"
    if change.weight is Weight.NONE:
        return "what changed concerns no process (ignore_on)"
    if not plan.rehearsal.serving:
        return "every process was stopped by hand; supervisorctl start brings them back"
    return "none could begin as things stand; see supervisor-reload status"


def words(target: TargetSettings, step: Step) -> str:
    """How a step is done, and its limit."""
    limit = limit_of(target, step)
    how = _HOW[step.what](target, step)
    names = f"{', '.join(step.slots)}: " if step.slots else ""
    return names + how + (f" (at most {duration(limit)})" if limit is not None else "")


def limit_of(target: TargetSettings, step: Step) -> float | None:
    """Seconds that a step may take; None where the configuration sets none."""
    ready = [slot.ready for slot in target.slots if slot.name in step.slots]
    is_measured = any(slot.drain.is_measured for slot in target.slots if slot.name in step.slots)
    first = target.stop_timeout if is_measured else target.drain_timeout
    limits: dict[str, float] = {
        "check": target.check.timeout,
        "run": target.reactions.run_timeout,
        "before": target.hooks.timeout,
        "after": target.hooks.timeout,
        "ready": max((each.timeout + each.min_ready for each in ready), default=0.0),
        "drain": target.drain_timeout,
        "stop": first + target.stop_timeout,
        "retire": target.stop_timeout,
    }
    return limits.get(step.what)


def as_json(plan: Plan) -> Value:
    """What ``--json`` writes of one target; docs/verbs.md has every key."""
    found, change = plan.rehearsal, plan.change
    return {
        "name": plan.settings.name,
        "manner": manner(plan.settings),
        "condition": plan.condition,
        "doubt": plan.doubt,
        "waits": list(plan.waits),
        "changed": list(change.paths),
        "unwatched": list(change.unseen),
        "steps": [_step_json(plan.settings, step) for step in plan.steps],
        "is_rollout": bool(found.outcome),
        "why_not": "" if found.outcome else nothing(plan),
        "serving": found.serving,
        "fewest": found.fewest,
        "left": found.left,
        "shortest": round(found.shortest, 3),
        "longest": None if found.longest is None else round(found.longest, 3),
    }


def _step_json(target: TargetSettings, step: Step) -> Value:
    limit = limit_of(target, step)
    return {
        "what": step.what,
        "processes": list(step.slots),
        "how": words(target, step),
        "limit": None if limit is None else round(limit, 3),
    }


def _ready(target: TargetSettings, step: Step) -> str:
    return ", ".join(dict.fromkeys(readiness(slot.ready) for slot in target.slots if slot.name in step.slots))


def _drain(target: TargetSettings, step: Step) -> str:
    ways = (slot.drain for slot in target.slots if slot.name in step.slots)
    return ", ".join(dict.fromkeys(way.address or shlex.join(way.command) or way.scheme for way in ways))


def _start(target: TargetSettings, step: Step) -> str:
    startsecs = max(slot.startsecs for slot in target.slots if slot.name in step.slots)
    return f"a new process, which must live for {duration(startsecs)}"


def _stop(target: TargetSettings, step: Step) -> str:
    return f"{step.signal}, and what it has in hand; then supervisord stops it, and kills it at last"


def _quiesce(target: TargetSettings, step: Step) -> str:
    return f"{step.signal}, no new work; then {duration(target.lame_duck)} for others to notice"


_SHOWN = {"retire": "stop"}
"""The words of steps that are no words of ours elsewhere."""

_HOW: dict[str, Callable[[TargetSettings, Step], str]] = {
    "check": lambda target, step: checked(target.check),
    "run": lambda target, step: shlex.join(target.reactions.run_on[step.rule].command),
    "before": lambda target, step: shlex.join(target.hooks.before),
    "after": lambda target, step: shlex.join(target.hooks.after),
    "start": _start,
    "ready": _ready,
    "signal": lambda target, step: f"{step.signal}, on which it reloads itself",
    "quiesce": _quiesce,
    "drain": _drain,
    "stop": _stop,
    "retire": lambda target, step: "supervisord stops it, and kills it at last",
}


def _seconds(seconds: float) -> str:
    minutes, rest = divmod(round(seconds, 1), 60)
    return f"{int(minutes)} min {rest:.3g} s" if minutes else f"{rest:.3g} s"
