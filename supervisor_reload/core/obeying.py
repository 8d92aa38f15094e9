"""What an operator's request makes of a target: whether it can be obeyed, and what is noted for ``decide``.

It touches no process: what was asked for is on record before anything is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from . import story
from .orders import CancelCheck, Order, Tell
from .phase import Phase
from .requests import Answer, Requested, Verb
from .target import Target

UNKNOWN_TARGET = "no such target"
CROWDED = "too many want it read: ask again"


def answer_to(asked: Requested, targets: Mapping[str, Target]) -> tuple[Answer, list[Order]]:
    """Do it for each target that is named; one that refuses does not keep the others from it."""
    done: dict[str, str] = {}
    refused: dict[str, str] = {}
    orders: list[Order] = []
    for name in dict.fromkeys(asked.targets or targets):
        if name not in targets:
            refused[name] = UNKNOWN_TARGET
            continue
        try:
            done[name], follow = obey(targets[name], asked.verb, is_forced=asked.is_forced)
            orders += follow
        except Already as already:
            if asked.targets:  # who names nobody wants all to be so
                refused[name] = str(already)
            else:
                done[name] = str(already)
        except Refused as refusal:
            refused[name] = str(refusal)
    return Answer(id=asked.id, done=tuple(done.items()), refused=tuple(refused.items())), orders


def read_by(answer: Answer, targets: Mapping[str, Target]) -> Answer | None:
    """What a reading told; None while something is read, or files change."""
    done: list[tuple[str, str]] = []
    refused = [*answer.refused]
    for name, _ in answer.done:
        if name not in targets:
            refused.append((name, UNKNOWN_TARGET))
            continue
        intake = targets[name].intake
        if intake.gathering.unreadable:
            refused.append((name, intake.gathering.blindness))
        elif not intake.gathering.is_quiet:
            return None
        else:
            done.append((name, intake.disk or ""))
    return replace(answer, done=tuple(done), refused=tuple(refused))


class Refused(Exception):
    """The request can't be obeyed; the text says why."""


class Already(Refused):
    """It is so already."""


def obey(target: Target, verb: Verb, *, is_forced: bool) -> tuple[str, list[Order]]:
    """Note what an operator wants; returns what to answer, and the orders that can't wait. Raises Refused."""
    match verb:
        case Verb.START:
            return _start(target, is_forced=is_forced)
        case Verb.PAUSE:
            return _pause(target)
        case Verb.RESUME:
            return _resume(target)
        case Verb.READ:
            return "read", target.intake.gathering.read_all()
        case Verb.ABORT:
            return _abort(target)


def _start(target: Target, *, is_forced: bool) -> tuple[str, list[Order]]:
    restraint = target.restraint
    if target.rollout is not None:
        raise Refused(f"rollout {target.rollout.id} is under way; abort it first")
    if target.is_paused:
        raise Refused("paused; resume it first")
    if restraint.obstacle:
        raise Refused(restraint.obstacle)
    if restraint.is_held and not is_forced:
        raise Refused(f"held: {restraint.reason}; --force starts it all the same")
    in_use = [slot for slot in target.slots.values() if slot.phase is not Phase.SPARE and not slot.is_by_hand]
    if not in_use:
        raise Refused("every process was stopped by hand; start one with supervisorctl start")
    restraint.forget()
    restraint.is_urgent = True
    for slot in in_use:
        target.slots[slot.name] = replace(slot, is_due=True)
    return "started", [Tell(story=story.asked(target, Verb.START)), *target.intake.check_again()]


def _pause(target: Target) -> tuple[str, list[Order]]:
    if target.is_paused:
        raise Already("already paused")
    target.is_paused = True
    return "paused", [Tell(story=story.asked(target, Verb.PAUSE))]


def _resume(target: Target) -> tuple[str, list[Order]]:
    if not target.is_paused:
        raise Already("not paused")
    target.is_paused = False
    return "resumed", [Tell(story=story.asked(target, Verb.RESUME))]


def _abort(target: Target) -> tuple[str, list[Order]]:
    intake, told = target.intake, Tell(story=story.asked(target, Verb.ABORT))
    if target.rollout is not None:
        target.is_abort_asked = True
        return "aborted", [told]
    checked, intake.checking = intake.checking, None
    if checked is None:
        raise Refused("no rollout is under way")
    for slot in target.slots.values():  # nor what was asked for before
        target.slots[slot.name] = replace(slot, is_due=False)
    target.restraint.is_urgent = False
    if checked.revision != intake.accepted:  # that serves already, and is good
        intake.refuse(checked.revision, "abort", "an operator said so")
    return "aborted", [CancelCheck(target=target.settings.name), told]
