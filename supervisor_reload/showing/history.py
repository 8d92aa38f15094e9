"""The verb ``history``: the rollouts that ended, the newest last. It only shows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TextIO

from ..core.model import Value
from ..core.secrets import Redaction, secrets_of
from .asked import asked
from .credentials import Server
from .knowledge import Knowledge
from .looking import looking
from .page import FORMAT, files, plain, say, say_json, utc
from .place import UNKNOWN
from .standing import Ended

OK = 0


def show_history(
    config_file: str | None,
    names: Sequence[str],
    stream: TextIO,
    errors: TextIO,
    *,
    most: int,
    server: Server | None = None,
    as_json: bool = False,
) -> int:
    """Write the newest rollouts, ``most`` of them, of these targets (of all without any).

    Returns the exit status. Raises ConfigErrors, and Unknown where there is nothing to tell.
    """
    reading = looking(config_file, server)()
    knowledge = Knowledge(reading.records, born=None, hide=Redaction(secrets_of(None, os.environ)))
    ended = knowledge.history()
    known = sorted({*knowledge.targets, *(one.target for one in ended)})  # also of one that is gone
    wanted = asked(names, known, {name: knowledge.processes(name) for name in known})
    newest = [one for one in ended if one.target in wanted.names][-most:]
    for line in (*wanted.refused, *([f"warning: {reading.damage}"] if reading.damage else [])):
        say(errors, line)
    if as_json:
        say_json(stream, {"format": FORMAT, "rollouts": [_object(one, knowledge.targets) for one in newest]})
    else:
        for line in lines(newest, knowledge.targets):
            say(stream, line)
        if not newest and wanted.names:
            say(errors, "no rollout has ended yet")
    return UNKNOWN if wanted.refused else OK


def lines(ended: Sequence[Ended], targets: Sequence[str]) -> Iterator[str]:
    """A line for each rollout, in columns; what is none of ``targets`` any more is marked."""
    rows = [_cells(one, targets) for one in ended]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        *cells, last = row
        yield "  ".join([*(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=False)), last])


def _cells(ended: Ended, targets: Sequence[str]) -> tuple[str, ...]:
    outcome = ended.outcome
    what = files(outcome.changed, ended.files) or f"({outcome.trigger.value})"
    return (
        datetime.fromtimestamp(ended.ended).isoformat(" ", "seconds"),
        ended.target if ended.target in targets else f"{ended.target} (removed)",
        f"{outcome.id:>4}",
        outcome.revision,
        outcome.outcome,
        f"{outcome.seconds:>7.2f} s",
        what + (f": {outcome.reason}" if outcome.reason else ""),
    )


def _object(ended: Ended, targets: Sequence[str]) -> Value:
    outcome = ended.outcome
    return {
        "target": ended.target,
        "is_removed": ended.target not in targets,
        "id": outcome.id,
        "revision": outcome.revision,
        "trigger": outcome.trigger.value,
        "outcome": outcome.outcome,
        "reason": outcome.reason,
        "seconds": outcome.seconds,
        "changed": plain(outcome.changed),
        "files": ended.files,
        "ended": utc(ended.ended),
    }
