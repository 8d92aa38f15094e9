"""One request to the listener, and its answer: sent as an event through supervisord, found in the journal.

It waits for the answer, with a limit; it never says what should be asked.
"""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from pathlib import Path

from ..core.errors import ReloadError, SupervisorUnavailable
from ..core.memory import ANSWER
from ..core.records import from_record, to_record
from ..core.requests import TYPE, Answer, Requested, Verb
from ..edges.journal import read
from ..edges.listening import LONGEST, MOST_TARGETS
from ..edges.lockfile import owner
from ..edges.supervisord import Supervisord
from ..showing.place import Place, is_supervisord_gone, see

ANSWER_LIMIT = 5.0
"""Seconds; an answer takes some milliseconds, while supervisord and the disk are well."""

STEP = 0.01
"""Seconds between two looks at the journal."""

GENERIC, INVALID_ARGS, NO_PRIVILEGES, NOT_RUNNING = 1, 2, 4, 7
"""Exit statuses, as supervisorctl's (LSBInitExitStatuses)"""


class Unanswered(ReloadError):
    """The request came to nothing; the text says why, and what to do."""

    def __init__(self, text: str, code: int = GENERIC) -> None:
        super().__init__(text)
        self.code = code


def request(verb: Verb, targets: tuple[str, ...], *, is_forced: bool = False) -> Requested:
    """A new request. Raises Unanswered where the listener would not read it."""
    asked = Requested(id=uuid.uuid4().hex, verb=verb, targets=targets, is_forced=is_forced)
    if len(targets) > MOST_TARGETS or len(json.dumps(to_record(asked))) > LONGEST:
        raise Unanswered(
            f"a request names {MOST_TARGETS:,} targets at most, in {LONGEST:,} characters: ask for fewer at "
            "once, or name none for all of them",
            INVALID_ARGS,
        )
    return asked


def send(place: Place, asked: Requested) -> None:
    """Send a request; one that was sent already is not done again.

    Raises Unanswered, and Unknown where no listener was ever here.
    """
    see(place)
    if owner(place.directory) is None:
        raise Unanswered(_down(place), NOT_RUNNING)
    supervisord = Supervisord(place.serverurl, place.username, place.password)
    with contextlib.closing(supervisord):
        try:
            supervisord.send(TYPE, json.dumps(to_record(asked)))
        except SupervisorUnavailable as error:
            if is_supervisord_gone(place):
                raise Unanswered(_down(place), NOT_RUNNING) from error
            raise Unanswered(str(error)) from error


def answer_to(place: Place, asked: Requested, limit: float = ANSWER_LIMIT) -> Answer:
    """Wait for the answer. Raises Unanswered after ``limit`` seconds, or where the listener ends."""
    deadline = time.monotonic() + limit
    seen: object = None
    while True:
        is_last = time.monotonic() >= deadline
        now = _signature(place.journal)
        if now != seen or is_last:
            seen = now
            for key, record in read(place.directory).records.items():
                if key.startswith(ANSWER) and record.get("id") == asked.id:
                    return from_record(Answer, record)
        if is_last and owner(place.directory) is None:
            raise Unanswered(_down(place), NOT_RUNNING)
        if is_last:
            raise Unanswered(_silent(place, limit))
        time.sleep(STEP)


def _signature(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _down(place: Place) -> str:
    if is_supervisord_gone(place):
        return f"supervisord does not run: supervisord -c {place.config_file}"
    name = place.listener or "reload"
    return f"the listener is down: supervisorctl -c {place.config_file} start {name}"


def _silent(place: Place, limit: float) -> str:
    name = place.listener or "reload"
    return (
        f"the listener did not answer within {limit:.3g} s: supervisord restarts just now, or "
        f"REMOTE_COMMUNICATION is not among the events of [eventlistener:{name}]; "
        f"supervisorctl -c {place.config_file} tail {name} stderr tells more"
    )
