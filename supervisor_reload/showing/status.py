"""The verb ``status``: how each target stands, and each of its processes. It only shows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TextIO

from supervisor.options import make_namespec

from ..core.condition import Condition
from ..core.model import Value
from ..core.secrets import Redaction, secrets_of
from ..edges.processes import born
from .asked import asked
from .knowledge import Knowledge, Process, Standing
from .page import FORMAT, plain, say, say_json, utc
from .place import UNKNOWN, Place, place_of
from .reading import Reading, look
from .words import age, clock

OK = 0
"""Exit status where nothing needs anybody."""

NOT_WELL = 3
"""Exit status where something does; ``supervisorctl status`` has the same for what does not run."""

GOES_ON = frozenset(
    each.value
    for each in (
        Condition.READY,
        Condition.STARTING,
        Condition.ROLLING,
        Condition.CHECKING,
        Condition.WAITING,
    )
)
"""Nobody is needed: as STARTING and BACKOFF, with which ``supervisorctl status`` ends with 0."""

NARROWEST = 30
"""Characters of the column of names, as supervisorctl's."""


def show_status(
    config_file: str | None, names: Sequence[str], stream: TextIO, errors: TextIO, *, as_json: bool = False
) -> int:
    """Write how the targets of these names (all without any) stand; returns the exit status.

    Raises ConfigErrors, and Unknown where there is nothing to tell.
    """
    place = place_of(config_file)
    reading = look(place)
    hide = Redaction(secrets_of(None, os.environ))
    knowledge = Knowledge(
        reading.records, at=reading.at, born=None if reading.is_current else born, hide=hide
    )
    wanted = asked(names, knowledge.targets, {name: knowledge.processes(name) for name in knowledge.targets})
    for line in wanted.refused:
        say(errors, line)
    standings = [knowledge.standing(name) for name in wanted.names]
    if as_json:
        say_json(stream, _object(place, reading, knowledge.degraded, standings))
    else:
        for line in (*_head(reading, knowledge.degraded), *lines(standings)):
            say(stream, line)
    if wanted.refused:
        return UNKNOWN
    is_well = reading.is_current and not knowledge.degraded
    return OK if is_well and all(one.condition in GOES_ON for one in standings) else NOT_WELL


def _head(reading: Reading, degraded: str) -> Iterator[str]:
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


def lines(standings: Sequence[Standing]) -> Iterator[str]:
    """A line for each target and each of its processes, in supervisorctl's columns."""
    rows: list[tuple[str, str, str]] = []
    for one in standings:
        rows.append((one.name, one.condition, _target_words(one)))
        rows += [(f"  {_namespec(each)}", each.state, _process_words(each)) for each in one.processes]
    width = max((NARROWEST, *(len(name) for name, _, _ in rows))) + 3
    yield from (f"{name:<{width}}{word:<10}{rest}" for name, word, rest in rows)


def _namespec(process: Process) -> str:
    group, _, name = process.name.partition(":")
    return str(make_namespec(group, name or group))


def _target_words(target: Standing) -> str:
    rollout = target.rollout
    if rollout is not None:
        for_so_long = f", {clock(rollout.seconds)}" if rollout.seconds is not None else ""
        serves = f"{rollout.ready} of {rollout.wanted} ready"
        return f"rollout {rollout.id} to {rollout.revision}: {serves}{for_so_long}"
    if target.condition == Condition.CHECKING.value:
        return f"revision {target.why}"
    words = [f"revision {target.revision}"] if target.revision else []
    words += [target.why] if target.why else []
    again = f"; trying again in {target.retry_in:.0f} s" if target.retry_in else ""
    return ": ".join(words) + again


def _process_words(process: Process) -> str:
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
    if process.note:
        words.append(process.note)
    return ", ".join(words)


def _object(place: Place, reading: Reading, degraded: str, standings: Sequence[Standing]) -> Value:
    """What ``--json`` writes; docs/status.md has every key."""
    return {
        "format": FORMAT,
        "state_dir": place.directory,
        "listener": {
            "is_running": reading.listener is not None,
            "pid": reading.listener or None,
            "is_current": reading.is_current,
        },
        "written": utc(reading.written),
        "age": round(reading.age, 3),
        "is_this_boot": reading.at is not None,
        "degraded": degraded,
        "damage": reading.damage,
        "targets": [plain(asdict(one)) for one in standings],
    }
