"""How things stand, as lines in supervisorctl's columns. It computes nothing and writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from supervisor.options import make_namespec

from ..core.condition import Condition
from .glance import Glance
from .reading import Reading
from .standing import Process, Rolling, Standing
from .waits import bar, sentence
from .words import age, clock

NARROWEST = 30
"""Characters of the column of names, as supervisorctl's."""


def page(glance: Glance, *, is_live: bool = False) -> Iterator[str]:
    """All of it; for somebody who looks at it (``is_live``), with bars and with what each wait is for."""
    yield from head(glance.reading, glance.degraded)
    yield from lines(glance.standings, is_live=is_live)


def head(reading: Reading, degraded: str) -> Iterator[str]:
    """What is to be known before anything else is believed."""
    if reading.damage:
        yield f"warning: {reading.damage}"
    if not reading.is_current:
        yield _last_known(reading)
    if degraded:  # behind it: of a listener that is gone, that too is what was known last
        yield f"degraded: {degraded}"


def _last_known(reading: Reading) -> str:
    known = f"last known, {age(reading.age)} ago"
    if reading.at is None:
        known += ", before this machine was started anew"
    if reading.listener is None:
        return f"the listener is down; {known}:"
    pid = f" (pid {reading.listener})" if reading.listener else ""
    return f"the listener{pid} has just come, and told nothing yet; {known}:"


def lines(standings: Sequence[Standing], *, is_live: bool = False) -> Iterator[str]:
    """A line for each target and each of its processes."""
    names = [one.name for one in standings]
    names += [f"  {_namespec(each)}" for one in standings for each in one.processes]
    width = max((NARROWEST, *map(len, names))) + 3
    for one in standings:
        yield f"{one.name:<{width}}{one.condition:<10}{_target_words(one, is_live=is_live)}"
        if is_live and one.waits_for:
            yield f"  waits for {one.waits_for}"
        for each in one.processes:
            is_told = is_live and bool(each.waits_for)  # what it waits for tells more than a note
            words = _process_words(each, note="" if is_told else each.note)
            yield f"{f'  {_namespec(each)}':<{width}}{each.state:<10}{words}"
            if is_told:
                yield f"    waits for {_wait(each)}"


def _namespec(process: Process) -> str:
    group, _, name = process.name.partition(":")
    return str(make_namespec(group, name or group))


def _target_words(target: Standing, *, is_live: bool) -> str:
    if target.rollout is not None:
        return _rollout_words(target.rollout, is_live=is_live)
    if target.condition == Condition.CHECKING.value:
        return f"revision {target.why}"
    words = [f"revision {target.revision}"] if target.revision else []
    words += [target.why] if target.why else []
    again = f"; trying again in {target.retry_in:.0f} s" if target.retry_in else ""
    return ": ".join(words) + again


def _rollout_words(rollout: Rolling, *, is_live: bool) -> str:
    for_so_long = f", {clock(rollout.seconds)}" if rollout.seconds is not None else ""
    name = f"rollout {rollout.id} to {rollout.revision}"
    if is_live:
        return f"{bar(rollout.ready, rollout.wanted)}, {name}{for_so_long}"
    return f"{name}: {rollout.ready} of {rollout.wanted} ready{for_so_long}"


def _wait(process: Process) -> str:
    answer, busy = process.answer, process.in_flight
    if not answer and busy is not None:
        answer = f"{busy} busy connection{'' if busy == 1 else 's'}"
    return sentence(process.waits_for, process.limit, process.limit_seconds, process.deadline_in, answer)


def _process_words(process: Process, *, note: str) -> str:
    words: list[str] = []
    if process.pid:
        words.append(f"pid {process.pid}" + (" (gone)" if process.is_gone else ""))
    is_ready = process.state == "READY"
    seconds = process.uptime if is_ready else process.seconds
    if seconds is not None and not process.is_gone:
        words.append(f"{'uptime' if is_ready else 'for'} {clock(seconds)}")
    if process.revision:
        mark = {None: "", True: " (newest)", False: " (old)"}[process.is_newest]
        words.append(f"revision {process.revision}{mark}")
    if note:
        words.append(note)
    return ", ".join(words)
