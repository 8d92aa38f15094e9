"""The story of a rollout, line by line: what an operator reads, as constant events with their values.

It only words what happened; it never decides, and it does not format (observers do).
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from .facts import CheckFailed, CommandFailed, HookFailed, RevisionComputed
from .model import UNKNOWN, Revision, TargetSettings
from .orders import Story
from .phase import Phase
from .requests import Verb
from .slot import Slot

if TYPE_CHECKING:
    from .debounce import Burst
    from .intake import Goal
    from .rollout import Rollout
    from .target import Target


def _story(target: Target, event: str, level: str = "info", **values: object) -> Story:
    rollout = 0 if target.rollout is None else target.rollout.id
    return Story(target=target.settings.name, event=event, level=level, rollout=rollout, values=values)


def began(target: Target, rollout: Rollout) -> Story:
    """A rollout began, and why."""
    return _story(
        target,
        "rollout began",
        revision=rollout.revision,
        trigger=rollout.trigger.value,
        changed=rollout.changed,
        previous=_previous(target, rollout.revision),
        attempt=target.restraint.failures + 1,
        is_known=_is_known(target, rollout.revision),
    )


def _previous(target: Target, revision: Revision) -> Revision | None:
    """What most processes run that is not this; None where none does, or nobody knows."""
    running = [slot.revision for slot in target.slots.values() if slot.pid]
    others = [each for each in running if each not in (None, UNKNOWN, revision)]
    return max(others, key=others.count, default=None)


def _is_known(target: Target, revision: Revision) -> bool:
    """Whether it is known of any process that it runs something else, or none runs at all."""
    running = [slot.revision for slot in target.slots.values() if slot.pid]
    return not running or any(each not in (None, UNKNOWN, revision) for each in running)


def asked(target: Target, verb: Verb) -> Story:
    """An operator asked for something, and it will be done."""
    return _story(target, f"{verb.value} asked")


def resumed(target: Target, rollout: Rollout) -> Story:
    """The listener before us ended in the middle of it."""
    return _story(
        target,
        "rollout resumed",
        revision=rollout.revision,
        trigger=rollout.trigger.value,
        changed=rollout.changed,
        previous=_previous(target, rollout.revision),
    )


def put_off(target: Target, rollout: Rollout, reason: str) -> Story:
    """It had begun, and nothing of it could be written down: nothing was done."""
    values: dict[str, object] = {"revision": rollout.revision, "reason": reason}
    return Story(
        target=target.settings.name,
        event="rollout put off",
        level="warning",
        rollout=rollout.id,
        values=values,
    )


def lifted(target: Target, revision: Revision) -> Story:
    """What had failed serves after all: somebody started it by hand."""
    return _story(target, "hold lifted", revision=revision)


def echoed(target: Target, rollout: Rollout) -> Story:
    """The same files change with every start: the program itself writes them."""
    return _story(target, "rollout echoed", level="warning", changed=rollout.changed)


def grew(target: Target, goal: Goal) -> Story:
    """More files came in the same burst."""
    return _story(target, "rollout grew", revision=goal.revision, changed=goal.changed)


def unprepared(target: Target, fact: HookFailed) -> Story:
    """What must be done before it failed: nothing was touched."""
    assert target.rollout is not None
    values: dict[str, object] = {"revision": target.rollout.revision, "output": fact.output}
    values |= {"reason": f"before_rollout: {fact.reason}", "changed": target.rollout.changed}
    return _story(target, "rollout refused", level="error", **values)


def superseded(target: Target, rollout: Rollout, revision: Revision) -> Story:
    """A newer revision takes a rollout's place."""
    values: dict[str, object] = {"revision": rollout.revision, "newer": revision}
    return Story(target=target.settings.name, event="rollout superseded", rollout=rollout.id, values=values)


def completed(target: Target, now: float) -> Story:
    """Every slot is ready on the new code."""
    assert target.rollout is not None
    rollout = target.rollout
    seconds = now - rollout.began
    return _story(
        target, "rollout complete", revision=rollout.revision, ready=rollout.wanted, seconds=seconds
    )


def withdrawn(target: Target, revision: Revision) -> Story:
    """The files are back to the code that serves."""
    return _story(target, "rollout withdrawn", revision=revision)


def aborted(target: Target, stopped: tuple[Slot, ...]) -> Story:
    """An operator stopped a slot in the middle, or said so."""
    assert target.rollout is not None
    values: dict[str, object] = {"revision": target.rollout.revision, "changed": target.rollout.changed}
    return _story(target, "rollout aborted", level="warning", slots=tuple(s.name for s in stopped), **values)


def halted(target: Target, reason: str, slot: Slot | None, now: float) -> Story:
    """The new code failed; what still runs the old goes on."""
    assert target.rollout is not None
    values: dict[str, object] = {"revision": target.rollout.revision, "reason": reason}
    values["changed"] = target.rollout.changed
    old = [s.name for s in target.slots.values() if s.phase is Phase.READY and s is not slot]
    values["serving"] = tuple(old)
    if slot is not None:
        values |= {"slot": slot.name, "failures": target.restraint.failures}
        values["limit"] = target.settings.failure_limit
        values["held"] = target.restraint.is_held
        retry_at = target.restraint.retry_at
        values["retry_in"] = None if retry_at is None else retry_at - now
    told = _story(target, "rollout halted", level="error", **values)
    if slot is None:
        return told
    return replace(told, last_words_of=slot.name, holder_of=(slot.name, slot.settings.ready.address))


def reason_of(told: Story) -> str:
    """Why a rollout ended as it did, for the history; '' where the word says it all."""
    values = told.values
    stopped = values.get("slots", ())
    slots = values.get("slot") or ", ".join(stopped if isinstance(stopped, tuple) else ())
    reason = f"superseded by {values['newer']}" if "newer" in values else str(values.get("reason", ""))
    if told.event == "rollout aborted":
        reason = "stopped by hand" if stopped else "by an operator"
    return f"{slots}: {reason}" if slots and reason else reason


def refused(settings: TargetSettings, fact: CheckFailed, changed: tuple[str, ...]) -> Story:
    """The check refused the code on disk; nothing was touched."""
    values: dict[str, object] = {"revision": fact.revision, "reason": fact.reason, "output": fact.output}
    values["changed"] = changed
    return Story(target=settings.name, event="check failed", level="error", values=values)


def commanded(settings: TargetSettings, rule: int, changed: tuple[str, ...]) -> Story:
    """A command of ``run_on`` begins."""
    values: dict[str, object] = {"command": shown(settings, rule), "changed": changed}
    return Story(target=settings.name, event="command began", values=values)


def command_failed(settings: TargetSettings, fact: CommandFailed, wanted: Goal) -> Story:
    """A command of ``run_on`` failed: the code on disk is not rolled out; nothing was touched."""
    values: dict[str, object] = {"command": shown(settings, fact.rule), "reason": fact.reason}
    values |= {"output": fact.output, "revision": wanted.revision, "changed": wanted.changed}
    return Story(target=settings.name, event="command failed", level="error", values=values)


def shown(settings: TargetSettings, rule: int) -> str:
    """A command as it might be typed."""
    return shlex.join(settings.reactions.run_on[rule].command)


def found(settings: TargetSettings, fact: RevisionComputed) -> Story:
    """A rescan found what no event had told."""
    return Story(target=settings.name, event="change found by rescan", values={"changed": fact.changed})


def waiting_for_git(settings: TargetSettings, burst: Burst) -> Story:
    """The burst went quiet, and git is at work."""
    values: dict[str, object] = {"sign": burst.git_sign, "limit": settings.watch.git_wait}
    return Story(target=settings.name, event="waiting for git", values=values)


def unreadable(settings: TargetSettings, reason: str) -> Story:
    """The files can't be read; they are tried again."""
    return Story(target=settings.name, event="files unreadable", level="error", values={"reason": reason})


def forced(settings: TargetSettings, burst: Burst, now: float) -> Story:
    """A burst was ended by its limit: git's lock, files that nobody closes, or events without end."""
    reason = "events kept coming"
    if burst.git_held:
        reason = f"git is still at work ({burst.git_sign})"
    elif burst.is_closing:
        reason = "whether git is at work could not be seen in time"
    elif burst.writing:
        reason = f"{min(burst.writing)} is still open for writing"
    values = {"reason": reason, "seconds": now - burst.began}
    return Story(target=settings.name, event="burst ended by its limit", level="warning", values=values)


def unserved(target: Target, goal: Goal, wanted: int) -> Story:
    """Nothing runs the code that changed, or there is no spare slot for it: stopped by hand."""
    event = "no spare slot" if wanted else "nothing runs it"
    return _story(target, event, revision=goal.revision, changed=goal.changed)
