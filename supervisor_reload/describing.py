"""A target's settings in words: how it is replaced, and every limit. It reads nothing."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from .core.model import CheckSettings, ReadySettings, Strategy, TargetSettings

SHOWN = 4
"""Processes that are named; of more, the first two and the last."""


def count(number: int, noun: str) -> str:
    """So many of them, in words."""
    if number != 1:
        noun = (
            noun[:-1] + "ies" if noun.endswith("y") else noun + ("es" if noun.endswith(("s", "ch")) else "s")
        )
    return f"{number} {noun}"


def duration(seconds: float) -> str:
    """A length of time, as the configuration has it."""
    return f"{seconds:g} s"


def description(target: TargetSettings) -> Iterator[str]:
    """One target in words: how it is replaced, and every limit."""
    names = [str(slot.name) for slot in target.slots]
    shown = names if len(names) <= SHOWN else [*names[:2], "...", names[-1]]
    yield f"{target.name}: {manner(target)}"
    yield f"  processes  {', '.join(shown)} ({len(names)})"
    yield (
        f"  numbers    {count(target.replicas, 'replica')}, {target.max_surge} spare, "
        f"at most {target.max_unavailable} unavailable"
    )
    yield f"  check      {_check_words(target.check)}"
    yield from _reaction_lines(target)
    yield from _hook_lines(target)
    if target.strategy is Strategy.ROLLING:
        yield from _leaving_lines(target)
    yield from _ready_lines(target)
    storm = f", at most {count(target.max_per_hour, 'rollout')} an hour" if target.max_per_hour else ""
    yield (
        f"  failures   {target.failure_limit} of one revision, then it is left alone; "
        f"{duration(target.min_interval)} between rollouts{storm}"
    )
    watch = target.watch
    yield (
        f"  burst      ends after {duration(watch.quiet_period)} of silence, or {duration(watch.max_wait)} "
        f"in all; git may hold it open for {duration(watch.git_wait)}"
    )


def manner(target: TargetSettings) -> str:
    """What the numbers of a target mean, in words."""
    total = len(target.slots)
    if target.strategy is Strategy.SIGNAL:
        return f"signal: the program gets {target.signal} and reloads itself"
    if target.max_surge and target.replicas == target.max_surge == 1:
        return "swap: a spare slot boots the new code beside the old, which stops when the new one is ready"
    if target.max_surge and target.max_surge >= target.replicas:
        return f"blue/green: {target.max_surge} spare slots boot the new code beside {target.replicas} old"
    if target.max_surge:
        boots = "slot boots" if target.max_surge == 1 else "slots boot"
        return f"surge: at most {target.max_surge} spare {boots} the new code beside the old at a time"
    if total == 1:
        return "restart: the old process finishes and stops, then the new one starts"
    return f"rolling: {target.max_unavailable} of {target.replicas} at a time, in place"


def checked(settings: CheckSettings) -> str:
    """What must pass before anything is touched."""
    if settings.python:
        return f"changed .py files compile with {settings.python}"
    return " ".join(settings.command) or "none"


def _check_words(settings: CheckSettings) -> str:
    what = checked(settings)
    return what if what == "none" else f"{what} (at most {duration(settings.timeout)})"


def _reaction_lines(target: TargetSettings) -> Iterator[str]:
    """What certain files ask for."""
    reactions = target.reactions
    for rule in reactions.run_on:
        limit = duration(reactions.run_timeout)
        yield f"  run on     {' '.join(rule.patterns)}: {shlex.join(rule.command)} (at most {limit})"
    if reactions.signal_on:
        yield f"  signal on  {' '.join(reactions.signal_on)}: {target.signal}"
    if reactions.ignore_on:
        yield f"  ignore on  {' '.join(reactions.ignore_on)}"


def _hook_lines(target: TargetSettings) -> Iterator[str]:
    """What is run around a rollout, and who is told of it; of an address no more than its host."""
    hooks, limit = target.hooks, duration(target.hooks.timeout)
    for word, argv in (("before", hooks.before), ("after", hooks.after), ("on failure", hooks.on_failure)):
        if argv:
            yield f"  {word:<10} {shlex.join(argv)} (at most {limit})"
    if target.notify.places:
        events = ", ".join(event.value for event in target.notify.events)
        yield f"  tells      {', '.join(target.notify.places)}: {events}"


def _leaving_lines(target: TargetSettings) -> Iterator[str]:
    """How a process is taken out of service, step by step."""
    if target.quiesce_signal:
        lame_duck = f", then {duration(target.lame_duck)} for others to notice" if target.lame_duck else ""
        yield f"  quiesce    {target.quiesce_signal}{lame_duck}"
    ways = dict.fromkeys(
        slot.drain.address or " ".join(slot.drain.command) or slot.drain.scheme
        for slot in target.slots
        if slot.drain.is_measured
    )
    limit = duration(target.drain_timeout)
    shown = list(ways) if len(ways) <= SHOWN else [*list(ways)[:2], "..."]
    yield from (f"  drain      {way} (at most {limit})" for way in shown)
    kill = duration(target.stop_timeout)
    if target.has_spare:
        yield f"  stop       {target.stop_signal}; supervisord kills it after {kill}"
    else:
        first = kill if ways else limit
        how = f"after {first} supervisord stops it, and kills it after {kill} more"
        yield f"  stop       {target.stop_signal}; {how}"


def _ready_lines(target: TargetSettings) -> Iterator[str]:
    """How the slots show readiness, each way once."""
    ways = dict.fromkeys(_ready_words(slot.ready) for slot in target.slots)
    shown = list(ways) if len(ways) <= SHOWN else [*list(ways)[:2], "..."]
    yield from (f"  ready      {way}" for way in shown)


def readiness(ready: ReadySettings) -> str:
    """How one slot shows readiness."""
    if ready.scheme == "notify":
        return f"notify at {ready.address}"
    if ready.scheme == "accepting" and ready.address:
        return f"accepting on {ready.address}"
    return ready.address or " ".join(ready.command) or ready.scheme


def _ready_words(ready: ReadySettings) -> str:
    soak = f", then {duration(ready.min_ready)} without failing" if ready.min_ready else ""
    return f"{readiness(ready)} (at most {duration(ready.timeout)} from the start{soak})"
