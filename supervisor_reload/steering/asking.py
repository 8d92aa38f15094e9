"""The verbs ``start``, ``pause``, ``resume`` and ``abort``: ask for it, and tell what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TextIO

from ..core.obeying import UNKNOWN_TARGET
from ..core.requests import Answer, Verb
from ..showing.asked import ALL, no_target
from ..showing.knowledge import Knowledge
from ..showing.page import FORMAT, say, say_json
from ..showing.place import Place, place_of
from ..showing.reading import look
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
        is_unknown = UNKNOWN_TARGET in (why for _, why in answer.refused)
        for line in lines(answer, known(place) if is_unknown else None):
            say(stream, line)
    return code_of(answer)


def known(place: Place) -> Knowledge:
    """What the listener knows now. Raises Unknown."""
    return Knowledge(look(place).records, born=None)


def lines(answer: Answer, knowledge: Knowledge | None = None) -> Iterator[str]:
    """A line for each target, in supervisorctl's words; with what else there is for a name that is none."""
    yield from (f"{name}: {what}" for name, what in answer.done)
    for name, why in answer.refused:
        told = no_such(knowledge, name) if knowledge is not None and why == UNKNOWN_TARGET else why
        yield f"{name}: ERROR ({told})"


def no_such(knowledge: Knowledge, name: str) -> str:
    """That it is no target, and what was meant."""
    names = knowledge.targets
    return no_target(name, names, {each: knowledge.processes(each) for each in names})


def code_of(answer: Answer) -> int:
    """The exit status: 0 where everything was done."""
    reasons = [why for _, why in answer.refused]
    if UNKNOWN_TARGET in reasons:
        return INVALID_ARGS
    return GENERIC if reasons else 0
