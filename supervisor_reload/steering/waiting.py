"""The verb ``wait``: for a deploy script, until a revision serves, or it is clear that it will not.

It asks the listener to read the files anew, so that what was written before counts, and then looks at the
journal until it tells. It changes nothing.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

from ..core.condition import Condition
from ..core.obeying import UNKNOWN_TARGET
from ..core.requests import Answer, Requested, Verb
from ..showing.knowledge import Knowledge
from ..showing.page import FORMAT, say, say_json
from ..showing.place import Place, place_of
from ..showing.reading import Here, Reading
from ..showing.standing import Standing
from .asking import known, no_such
from .request import GENERIC, INVALID_ARGS, NOT_RUNNING, Unanswered, answer_to, request, send

STEP = 0.05
"""Seconds between two looks."""

AGAIN = 5.0
"""Seconds after which the reading of all files is asked for again: who was asked may have died of it."""

BACK_WITHIN = 10.0
"""Seconds for a listener that is down to come back: supervisord starts one that was killed within 3."""


class Verdict(enum.Enum):
    """What a look tells."""

    SERVES = "serves"
    FAILED = "failed"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Look:
    """What a look tells, and why."""

    verdict: Verdict
    why: str


def wait(
    config_file: str | None,
    target: str,
    stream: TextIO,
    *,
    revision: str = "",
    limit: float,
    as_json: bool = False,
) -> int:
    """Wait until every process of a target that is in use serves a revision; that on disk, if none is named.

    ``revision`` may be its first letters; ``limit`` is in seconds. Returns the exit status, 0 only where it
    serves. Raises ConfigErrors, Unknown, Unanswered.
    """
    place = place_of(config_file)
    deadline = time.monotonic() + limit
    on_disk = _on_disk(place, target, deadline)
    wanted = revision or on_disk
    here = Here(place)
    seen = _until(lambda: _look(here.look(), target, wanted), deadline)
    serves = seen.verdict is Verdict.SERVES
    why = seen.why
    if seen.verdict is Verdict.OPEN:
        why = f"not within {limit:g} s: {why}"
    if as_json:
        say_json(
            stream,
            {"format": FORMAT, "target": target, "revision": wanted, "is_serving": serves, "reason": why},
        )
    else:
        say(stream, f"{target}: {wanted} serves" if serves else f"{target}: ERROR ({why})")
    return 0 if serves else GENERIC


def _on_disk(place: Place, target: str, deadline: float) -> str:
    """The revision that is on disk now."""
    answer = _asked(place, request(Verb.READ, (target,)), deadline)
    for _, why in answer.refused:
        if why == UNKNOWN_TARGET:
            raise Unanswered(f"{target}: {no_such(known(place), target)}", INVALID_ARGS)
        raise Unanswered(f"{target}: {why}", GENERIC)
    return dict(answer.done).get(target, "")


def _asked(place: Place, asked: Requested, deadline: float) -> Answer:
    """The answer of the listener, also of one that is just being started again.

    The first may take its time whatever the deadline: else "now" (0 s) could never be asked.
    """
    within = AGAIN
    down_since: float | None = None
    while True:
        try:
            send(place, asked)
            return answer_to(place, asked, within)
        except Unanswered as unanswered:
            now = time.monotonic()
            is_down = unanswered.code == NOT_RUNNING
            down_since = (down_since or now) if is_down else None
            if now >= deadline or (down_since is not None and now >= down_since + BACK_WITHIN):
                raise
            time.sleep(STEP)
            within = max(0.0, min(AGAIN, deadline - time.monotonic()))


def _until(see: Callable[[], Look], deadline: float) -> Look:
    while True:
        seen = see()
        if seen.verdict is not Verdict.OPEN or time.monotonic() >= deadline:
            return seen
        time.sleep(min(STEP, max(0.0, deadline - time.monotonic())))


def _look(reading: Reading, target: str, wanted: str) -> Look:
    knowledge = Knowledge(reading.records, at=reading.at, born=None)
    if target not in knowledge.targets:
        raise Unanswered(f"{target}: {no_such(knowledge, target)}", INVALID_ARGS)
    if not reading.is_current:
        return Look(Verdict.OPEN, "the listener is down")
    return judge(knowledge.standing(target), wanted)


GIVEN_UP = {
    Condition.REFUSED.value: "refused",
    Condition.HELD.value: "it is held",
    Condition.ABORTED.value: "aborted",
    Condition.STOPPED.value: "every process was stopped by hand",
}
"""Nothing more will be done about the newest code by itself."""


def judge(standing: Standing, wanted: str) -> Look:
    """Whether the wanted revision serves, may serve yet, or will not."""
    newest = standing.revision or ""
    why = f"{standing.condition}: {standing.why}" if standing.why else standing.condition
    if standing.condition == Condition.PAUSED.value:
        why += f"{'; ' if standing.why else ': '}supervisor-reload resume {standing.name}"
    if not newest.startswith(wanted):
        if standing.condition == Condition.READY.value:
            return Look(Verdict.FAILED, f"{newest} serves, and is on disk")
        return Look(Verdict.OPEN, f"{newest} is on disk; {why}")
    if standing.condition == Condition.READY.value:
        return Look(Verdict.SERVES, "")
    given_up = GIVEN_UP.get(standing.condition)
    if given_up is not None:
        reason = f"{given_up}: {standing.why}" if standing.why else given_up
        if standing.condition == Condition.HELD.value:
            reason += f"; supervisor-reload why {standing.name} tells more"
        return Look(Verdict.FAILED, reason)
    return Look(Verdict.OPEN, why)
