"""The verb ``why``: why a target's newest code does not serve, and what runs instead. It only shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TextIO

from ..core.condition import Condition
from ..core.evidence import Evidence
from ..core.model import Value
from .credentials import Server
from .glance import Glances
from .knowledge import RESUME, Knowledge
from .lines import head, lines
from .looking import looking
from .page import plain, say, say_json
from .place import UNKNOWN
from .standing import Standing

OK = 0


def show_why(
    config_file: str | None,
    names: Sequence[str],
    stream: TextIO,
    errors: TextIO,
    *,
    server: Server | None = None,
    as_json: bool = False,
) -> int:
    """Write it for the targets of these names (all without any); returns the exit status.

    Raises ConfigErrors, and Unknown where there is nothing to tell.
    """
    glance = Glances(names).at(looking(config_file, server)())
    knowledge = glance.knowledge
    for line in glance.refused:
        say(errors, line)
    if as_json:
        say_json(stream, {**glance.told(), "targets": [_object(knowledge, one) for one in glance.standings]})
    else:
        for line in (*head(glance.reading, glance.degraded), *_pages(knowledge, glance.standings)):
            say(stream, line)
    return UNKNOWN if glance.refused else OK


def _pages(knowledge: Knowledge, standings: Sequence[Standing]) -> Iterator[str]:
    for one in standings:
        yield from lines([one])
        evidence = _failure(knowledge, one)
        if one.waits_for == RESUME:
            yield f"  it waits for {RESUME}: supervisor-reload resume {one.name}"
        if evidence is None:
            yield "  nothing failed"
        else:
            yield from _words(evidence)


def _failure(knowledge: Knowledge, standing: Standing) -> Evidence | None:
    """What failed last; None where the newest code serves by now, whoever brought it there."""
    serves = standing.condition == Condition.READY.value and all(
        one.is_newest is not False for one in standing.processes
    )
    return None if serves else knowledge.evidence(standing.name)


def _words(evidence: Evidence) -> Iterator[str]:
    attempt = f", attempt {evidence.attempt} of {evidence.limit}" if evidence.limit else ""
    of = f" of {evidence.revision}" if evidence.revision else ""
    yield f"  {evidence.event}{of}{attempt}" + (f": {evidence.reason}" if evidence.reason else "")
    if evidence.changed:
        yield f"  changed: {', '.join(evidence.changed)}" + _more(evidence)
    if evidence.serving:
        yield f"  older code is served by {', '.join(evidence.serving)}"
    if evidence.output:
        yield "  it printed:"
        yield from _quoted(evidence.output)
    if evidence.last_words:
        yield f"  last lines of the stderr of {evidence.slot}:"
        yield from _quoted(evidence.last_words)


def _more(evidence: Evidence) -> str:
    hidden = evidence.files - len(evidence.changed)
    return f" and {hidden} more" if hidden > 0 else ""


def _quoted(text: str) -> Iterator[str]:
    return (f"    | {line}" for line in text.rstrip().splitlines())


def _object(knowledge: Knowledge, standing: Standing) -> Value:
    """As ``status``, with what failed."""
    evidence = _failure(knowledge, standing)
    told = {key: plain(value) for key, value in asdict(standing).items()}
    return {**told, "failure": None if evidence is None else plain(asdict(evidence))}
