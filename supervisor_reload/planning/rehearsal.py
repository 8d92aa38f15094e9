"""What the core does when a change comes, step by step, and between which limits: three plays on a stage.

Once everything answers at once, once just before its limit, once the new code does not start. The steps are
those that the core orders; nothing here knows a strategy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..core.facts import ChangeKind, FileChanged, RevisionComputed
from ..core.model import LIGHT, Revision, SlotName
from ..core.orders import (
    BeginDraining,
    BeginProbing,
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
from ..core.revision import Weight
from ..core.target import Target
from .change import Change
from .stage import Moment, Pace, Stage

Recall = Callable[[], Target]
"""Makes the target as it stands now, anew for each play."""

NEXT = "next"
"""what stands for the digest of code that nobody has written yet"""

ENDS = frozenset({"rollout complete", "rollout halted", "rollout aborted", "rollout withdrawn"})
"""The stories of a rollout's end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that is done, to one process or to several at once."""

    what: str
    """run, check, before, start, ready, quiesce, drain, stop, retire or signal"""
    slots: tuple[SlotName, ...] = ()
    signal: str = ""
    rule: int = -1
    """of run: its position in ``run_on``"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What would happen."""

    steps: tuple[Step, ...]
    outcome: str
    """the story's word for how it would end; '' where no rollout would begin"""
    serving: int
    """processes that serve before it"""
    fewest: int
    """processes that serve at the worst moment of it"""
    shortest: float
    """seconds from the first step to the end, where every answer comes at once"""
    longest: float | None
    """the same where every limit is used up; None: that has no end"""
    left: int
    """processes that serve when the new code did not start, and that was the end of it"""


def rehearse(recall: Recall, disk: Revision, change: Change, now: float) -> Rehearsal:
    """Play it. ``disk`` is what lies there now; ``now`` is in the clock of the target."""
    fast, slow, broken = (_play(recall(), disk, change, now, pace) for pace in Pace)
    return Rehearsal(
        steps=_steps(fast.acts),
        outcome=fast.outcome,
        serving=fast.serving,
        fewest=min(fast.fewest, slow.fewest),
        shortest=fast.seconds,
        longest=slow.seconds if slow.outcome == fast.outcome else None,
        left=broken.left,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Played:
    """What came of one play."""

    acts: tuple[Moment, ...]
    outcome: str
    serving: int
    fewest: int
    seconds: float
    left: int


def _play(target: Target, disk: Revision, change: Change, now: float, pace: Pace) -> _Played:
    stage = Stage(target, disk, now)
    stage.play()  # what is under way comes to its end first
    target.is_paused, target.restraint.obstacle, target.restraint.begun = False, "", []
    first, begun, serving = len(stage.moments), len(stage.ready), stage.ready[-1][1]
    stage.pace = pace
    path = change.paths[0] if change.paths else target.settings.watch.paths[0]
    stage.change(_reading(target.settings.name, disk, change))
    stage.put(FileChanged(target=target.settings.name, path=path, kind=ChangeKind.SETTLED))
    stage.play()
    moments = stage.moments[first:]
    acts = tuple(moment for moment in moments if not isinstance(moment.order, Tell))
    ends = [moment for moment in moments if _event(moment) in ENDS]
    ended_at = ends[0].at if ends else stage.now
    counts = [count for at, count in stage.ready[begun:] if at <= ended_at]
    return _Played(
        acts=acts,
        outcome=_event(ends[0]) if ends else "",
        serving=serving,
        fewest=min(counts),
        seconds=ended_at - acts[0].at if acts else 0.0,
        left=counts[-1],
    )


def _reading(name: str, disk: Revision, change: Change) -> RevisionComputed:
    """What a reading of the changed files tells."""
    code, _, light = disk.partition(LIGHT)
    if change.weight is Weight.NONE:
        revision = disk
    elif change.weight is Weight.LIGHT:
        revision = Revision(f"{code}{LIGHT}{NEXT}")
    else:
        revision = Revision(f"{NEXT}{LIGHT}{light}" if light else NEXT)
    changed = change.paths or (NEXT,)
    return RevisionComputed(target=name, revision=revision, changed=changed, rules=change.rules, mark=NEXT)


def _event(moment: Moment) -> str:
    return moment.order.story.event if isinstance(moment.order, Tell) else ""


def _steps(acts: tuple[Moment, ...]) -> tuple[Step, ...]:
    """The orders; what is ordered at once for several processes is one step."""
    found: list[Step] = []
    at: float | None = None
    for act in acts:
        step = _step(act)
        if found and act.at == at and step == replace(found[-1], slots=step.slots):
            found[-1] = replace(step, slots=(*found[-1].slots, *step.slots))
        else:
            found.append(step)
        at = act.at
    return tuple(found)


def _step(act: Moment) -> Step:
    order = act.order
    match order:
        case RunCommand():
            return Step(what="run", rule=order.rule)
        case SignalProcess():
            what = "signal" if act.phase is None or act.phase.is_booting else _LEAVING[act.phase]
            return Step(what=what, slots=(order.name,), signal=order.signal)
        case StartProcess() | StopProcess() | BeginProbing() | BeginDraining():
            return Step(what=_WORDS[type(order)], slots=(order.name,))
        case _:
            return Step(what=_WORDS[type(order)])


_LEAVING = {Phase.QUIESCING: "quiesce", Phase.DRAINING: "stop"}

_WORDS: dict[type[Order], str] = {
    RunCheck: "check",
    RunHook: "before",
    StartProcess: "start",
    BeginProbing: "ready",
    BeginDraining: "drain",
    StopProcess: "retire",
}
