"""Whether a rollout of a target should begin now, and why. What follows is the target's and the policy's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from . import story
from .facts import HookFailed, HookSucceeded
from .intake import Goal
from .orders import CancelHook, Order, RunHook, Tell
from .pool import Pool, runs
from .restraint import ECHOES
from .rollout import Rollout
from .trigger import Trigger

if TYPE_CHECKING:
    from .target import Target


def begin(target: Target, now: float) -> list[Order]:
    """Begin a rollout, where one is due; where nothing could take part in it, that is told."""
    goal, settings = target.intake.goal, target.settings
    if target.rollout is not None or goal is None or not _is_due(target, goal, now):
        return []
    pool = Pool(tuple(target.slots.values()), goal.revision, now)
    wanted = pool.wanted(settings)
    is_stuck = settings.has_spare and not settings.max_unavailable and not pool.has_room(wanted)
    if wanted == 0 or is_stuck:
        told, target.unserved = target.unserved == goal.revision, goal.revision
        is_news = any(slot.is_by_hand and slot.revision != goal.revision for slot in pool.slots)
        return [Tell(story=story.unserved(target, goal, wanted))] if is_news and not told else []
    target.rollout = Rollout(
        id=target.next_id,
        revision=goal.revision,
        began=now,
        wanted=wanted,
        trigger=_trigger(target, goal),
        changed=goal.changed,
        is_final=goal.is_final,
    )
    target.next_id += 1
    target.restraint.begin(now, goal.changed)
    stories = [story.began(target, target.rollout)]
    if target.restraint.echoes == ECHOES:
        stories.append(story.echoed(target, target.rollout))
    return [Tell(story=each) for each in stories]


def prepare(target: Target) -> list[Order]:
    """Have done what must be done before a rollout, once; after our death once more."""
    rollout = target.rollout
    if rollout is None or rollout.is_prepared or target.preparing == rollout.id:
        return []
    if target.is_fresh or target.is_paused or target.is_frozen:
        return []
    if not target.settings.hooks.before:
        target.rollout = replace(rollout, is_prepared=True)
        return []
    target.preparing = rollout.id
    name = target.settings.name
    return [RunHook(target=name, rollout=rollout.id, revision=rollout.revision, changed=rollout.changed)]


def stop_preparing(target: Target) -> list[Order]:
    """An operator ends the rollout: what is done before it is not to be finished."""
    rollout = target.rollout
    if rollout is None or rollout.is_prepared or target.preparing != rollout.id:
        return []
    return [CancelHook(target=target.settings.name, rollout=rollout.id)]


def hear(target: Target, fact: HookSucceeded | HookFailed, now: float) -> list[Order]:
    """What came of it. Where it failed, its code is no good until files change, or an operator asks."""
    rollout = target.rollout
    if rollout is None or fact.rollout != rollout.id or rollout.is_prepared:
        return []
    if isinstance(fact, HookSucceeded):
        target.rollout = replace(rollout, is_prepared=True)
        return []
    target.intake.refuse(rollout.revision, "before_rollout", fact.reason)
    return target.end(story.unprepared(target, fact), now)


def _is_due(target: Target, goal: Goal, now: float) -> bool:
    """Whether a rollout of the goal should begin now."""
    intake, restraint = target.intake, target.restraint
    is_refused = intake.rejected == goal.revision
    may = restraint.permits(now) and not (target.is_waiting or target.is_paused or is_refused)
    if not may or (goal.is_final and not intake.is_settled):
        return False
    is_early = target.settings.has_spare and not target.settings.hooks.before
    if not goal.is_final and (not is_early or intake.rejected is not None):
        return False
    filled = Pool(tuple(target.slots.values()), goal.revision, now).in_use
    in_use = [slot for slot in filled if not slot.is_retiring]
    if filled and not in_use:
        return False  # all of them leave, for an update of their group: nothing is to be replaced
    is_retry = restraint.failures > 0
    return is_retry or not in_use or any(not runs(slot, goal.revision) for slot in in_use)


def _trigger(target: Target, goal: Goal) -> Trigger:
    if target.restraint.failures:
        return Trigger.RETRY
    if any(slot.is_due for slot in target.slots.values()):
        return Trigger.OPERATOR
    return Trigger.FILES if goal.changed else Trigger.RECOVERY
