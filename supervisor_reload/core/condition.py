"""One word for how a target stands, and why: what ``status`` shows. It only looks."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from .model import ProcessState
from .phase import Phase

if TYPE_CHECKING:
    from .slot import Slot
    from .target import Target


class Condition(enum.Enum):
    """How a target stands."""

    READY = "READY"
    """everything that should runs the code on disk, and is ready"""
    STARTING = "STARTING"
    """nothing is rolled out, and not everything is ready yet"""
    ROLLING = "ROLLING"
    """a rollout is under way"""
    CHECKING = "CHECKING"
    """the newest code is read, prepared or checked"""
    REFUSED = "REFUSED"
    """the check, or a command, refused the code on disk; what ran before runs on"""
    WAITING = "WAITING"
    """the code on disk will be rolled out: after a pause, or when the journal can be written again"""
    HELD = "HELD"
    """the code on disk failed as often as it may: left alone until it changes or an operator helps"""
    ABORTED = "ABORTED"
    """an operator ended its rollout: left alone until the files change"""
    PAUSED = "PAUSED"
    """an operator paused it: what changes waits until it is resumed"""
    STOPPED = "STOPPED"
    """nothing runs it: every process was stopped by hand"""
    DOWN = "DOWN"
    """a process failed, and no rollout will bring it back by itself"""


def condition(target: Target) -> tuple[Condition, str]:
    """How a target stands, and why; '' where there is nothing to say."""
    restraint, intake = target.restraint, target.intake
    if target.is_paused:
        return Condition.PAUSED, _beside_the_pause(target)
    if target.rollout is not None:
        return Condition.ROLLING, f"to {target.rollout.revision}"
    if intake.rejected is not None:  # newer than what is held: that was saved before
        return Condition.REFUSED, intake.refusal
    if intake.checking is not None:
        return Condition.CHECKING, f"{intake.checking.revision}"
    if restraint.is_held:
        return Condition.HELD, restraint.reason
    if restraint.is_left_alone:
        return Condition.ABORTED, restraint.reason
    return _at_rest(target)


def _beside_the_pause(target: Target) -> str:
    """What else is to be known: a pause must hide no trouble."""
    down = _down(target)
    if down is not None:
        return f"{down.name} is down: {down.reason}"
    if target.rollout is not None:
        return f"in the rollout to {target.rollout.revision}"
    return target.intake.refusal if target.intake.rejected is not None else target.restraint.reason


def _down(target: Target) -> Slot | None:
    """A process that failed, and that supervisord does not bring back."""
    slots = target.slots.values()
    failed = (slot for slot in slots if slot.phase is Phase.FAILED and slot.state is not ProcessState.BACKOFF)
    return next(failed, None)


def _at_rest(target: Target) -> tuple[Condition, str]:
    slots, restraint, goal = target.slots.values(), target.restraint, target.intake.goal
    in_use = [slot for slot in slots if slot.phase is not Phase.SPARE and not slot.is_by_hand]
    if not in_use:
        return Condition.STOPPED, ""
    if restraint.retry_at is not None:
        return Condition.WAITING, restraint.reason
    if any(slot.revision is None and slot.is_live for slot in in_use):
        return Condition.STARTING, "the files are being read"
    is_old = goal is not None and any(slot.revision != goal.revision for slot in in_use)
    keeps = restraint.obstacle or target.intake.gathering.blindness
    if is_old and keeps:
        return Condition.WAITING, keeps
    if all(slot.phase is Phase.READY for slot in in_use):
        return (Condition.WAITING, "for min_interval or max_per_hour") if is_old else (Condition.READY, "")
    down = _down(target)
    if down is not None:
        return Condition.DOWN, down.reason
    return Condition.STARTING, ""
