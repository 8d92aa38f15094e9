"""The verb ``plan``: a dry run. It reads the configuration and the journal, and changes nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TextIO

from .. import config
from ..core.model import TargetSettings
from ..core.secrets import Redaction, secrets_of
from ..showing.asked import asked
from ..showing.knowledge import Knowledge
from ..showing.page import FORMAT, say, say_json
from ..showing.place import UNKNOWN, place_of
from .change import change_of
from .page import Plan, as_json, lines
from .present import Present, present
from .rehearsal import rehearse

OK = 0

READY = "READY"
"""What is assumed of a target of which nothing is known."""


def show_plan(
    config_file: str | None,
    names: Sequence[str],
    stream: TextIO,
    errors: TextIO,
    *,
    changed: Sequence[str] = (),
    is_json: bool = False,
) -> int:
    """Write what a change (of these files; of code in general without any) would do to these targets.

    Returns the exit status: 0, or 4 where a name is no target. Raises ConfigErrors.
    """
    settings = config.read(config_file).settings
    known = {target.name: target for target in settings.targets}
    wanted = asked(names, tuple(known), {name: [s.name for s in one.slots] for name, one in known.items()})
    for line in wanted.refused:
        say(errors, line)
    now, hide = present(place_of(config_file)), Redaction(secrets_of(settings, os.environ))
    plans = [plan_of(known[name], now, changed) for name in wanted.names]
    if is_json:
        say_json(stream, {"format": FORMAT, "targets": [as_json(plan) for plan in plans]})
    else:
        for line in (line for plan in plans for line in lines(plan)):
            say(stream, hide(line))
    return UNKNOWN if wanted.refused else OK


def plan_of(target: TargetSettings, now: Present, changed: Sequence[str]) -> Plan:
    """What it would do to one target."""
    change = change_of(target, changed)
    is_known = now.is_known(target.name)
    knowledge = Knowledge(now.records, at=now.at, born=None)
    return Plan(
        settings=target,
        condition=knowledge.standing(target.name).condition if is_known else READY,
        doubt=now.doubt
        or ("" if is_known else "the listener does not know it yet; supposed that all is well"),
        change=change,
        rehearsal=rehearse(lambda: now.target(target), now.disk(target), change, now.at),
        waits=tuple(_waits(target, now)),
    )


def _waits(target: TargetSettings, now: Present) -> list[str]:
    """What would keep a rollout from beginning now."""
    standing = now.target(target)
    found = [now.obstacle] if now.obstacle else []
    if standing.is_paused:
        found.append(f"for supervisor-reload resume {target.name}")
    if standing.rollout is not None:
        found.append(f"for rollout {standing.rollout.id}, which is under way")
    held = standing.restraint.interval_ends_at - now.at
    if held > 0:
        found.append(f"{held:.0f} s more, for min_interval or max_per_hour")
    return found
