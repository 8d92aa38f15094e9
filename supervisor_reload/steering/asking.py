"""The verbs ``start``, ``pause``, ``resume`` and ``abort``: ask for it, and tell what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TextIO

from ..core.obeying import UNKNOWN_TARGET
from ..core.requests import Answer, Verb
from ..showing.asked import ALL
from ..showing.page import FORMAT, say, say_json
from ..showing.place import place_of
from .request import GENERIC, INVALID_ARGS, answer_to, request, send


def steer(
    verb: str,
    config_file: str | None,
    names: Sequence[str],
    stream: TextIO,
    *,
    is_forced: bool = False,
    as_json: bool = False,
) -> int:
    """Ask for it, for these targets (every one without any), and write what became of it.

    Returns the exit status. Raises ConfigErrors, Unknown, Unanswered.
    """
    place = place_of(config_file)
    targets = () if ALL in names else tuple(names)
    asked = request(Verb(verb), targets, is_forced=is_forced)
    send(place, asked)
    answer = answer_to(place, asked)
    if as_json:
        done, refused = dict(answer.done), dict(answer.refused)
        say_json(stream, {"format": FORMAT, "done": {**done}, "refused": {**refused}})
    else:
        for line in lines(answer):
            say(stream, line)
    return code_of(answer)


def lines(answer: Answer) -> Iterator[str]:
    """A line for each target, in supervisorctl's words."""
    yield from (f"{name}: {what}" for name, what in answer.done)
    yield from (f"{name}: ERROR ({why})" for name, why in answer.refused)


def code_of(answer: Answer) -> int:
    """The exit status: 0 where everything was done."""
    reasons = [why for _, why in answer.refused]
    if UNKNOWN_TARGET in reasons:
        return INVALID_ARGS
    return GENERIC if reasons else 0
