"""The event listener protocol: read supervisord's events, acknowledge each at once, tell them as facts.

Nothing is done inside an event: a listener that works before it answers lost 89 of 100 events. An event
is a hint, so unknown types, repeats and the events of other pools do no harm.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from typing import TextIO

from ..core.configfacts import (
    GroupsChanged,
)
from ..core.facts import (
    Fact,
    ListenerClosed,
    ProcessChanged,
    SupervisorStopping,
    Ticked,
)
from ..core.model import SlotName
from ..core.ports import Put
from ..core.records import from_record
from ..core.requests import TYPE, Requested

log = logging.getLogger(__name__)

Hear = Callable[[SlotName, int, str], None]
"""(process, its pid, what it said): told of every communication event; returns at once, never raises."""

LINE_LIMIT = 64 * 1024
"""Characters of a header; supervisord's own have about 150."""

KEPT = 1024 * 1024
"""Characters of a payload that are kept; of one that is longer, as anybody may send by XML-RPC, the rest is
read and forgotten."""

BLOCK = 64 * 1024
"""Characters that are read at once: read() makes room for all that it is asked for, before any has come."""

LONGEST, LONGEST_ID, MOST_TARGETS = 64 * 1024, 64, 1000
"""Characters of a request and of its id, and targets that it may name: the journal keeps the answer, which
repeats them."""

TOLD = 200
"""Characters that are told of what broke it."""

READY = "READY\n"
OK = "RESULT 2\nOK"


class Listener:
    """Reads events in a thread of its own until stdin ends."""

    def __init__(self, stdin: TextIO, stdout: TextIO, put: Put, hear: Hear | None = None) -> None:
        self._stdin, self._stdout, self._put, self._hear = stdin, stdout, put, hear
        # a daemon: it sits in readline, which nothing but supervisord can end
        self._thread = threading.Thread(target=self._listen, name="listener", daemon=True)

    def start(self) -> None:
        """Say that we are ready, and listen."""
        self._thread.start()

    def _listen(self) -> None:
        try:
            self._say(READY)
            while event := self._next():
                self._say(OK + READY)
                fact = read_event(*event)
                if fact is not None:
                    self._put(fact)
                words = read_words(*event)
                if words is not None and self._hear is not None:
                    self._hear(*words)
            self._put(ListenerClosed(reason="supervisord closed our stdin"))
        except (OSError, ValueError, KeyError) as error:
            reason = f"the event stream broke: {error!r}"[:TOLD]
            self._put(ListenerClosed(reason=reason, is_expected=False))

    def _next(self) -> tuple[str, str] | None:
        """The next event's name and payload; None at the end, also in the middle of an event."""
        line = self._stdin.readline(LINE_LIMIT)
        if len(line) == LINE_LIMIT:
            raise ValueError(f"a header of {LINE_LIMIT} characters or more")
        if not line.endswith("\n"):
            return None  # supervisord was killed while it wrote: what there is of a number is another number
        headers = fields_of(line)
        payload = self._payload(_length(headers["len"]))
        return None if payload is None else (headers["eventname"], payload)

    def _payload(self, length: int) -> str | None:
        """So many characters; None where they end sooner. supervisord counts them before it encodes."""
        kept, size = [], 0
        while size < length:
            block = self._stdin.read(min(length - size, BLOCK))
            if not block:
                return None
            if size < KEPT:
                kept.append(block[: KEPT - size])
            size += len(block)
        return "".join(kept)

    def _say(self, text: str) -> None:
        self._stdout.write(text)
        self._stdout.flush()


def fields_of(line: str) -> dict[str, str]:
    """The ``key:value`` fields of a header or payload; the last of a key counts.

    Not supervisor.childutils.get_headers: that raises where supervisord's ``identifier``, which stands in
    every header, holds a space or a colon.
    """
    return {key: value for key, _, value in (field.partition(":") for field in line.split())}


def _length(text: str) -> int:
    length = int(text)
    if length < 0:
        raise ValueError(f"a payload of {length} characters")  # read() would take it for "to the end"
    return length


def read_event(name: str, payload: str) -> Fact | None:
    """What an event tells us; None where it is not for us. Raises KeyError where it names no process."""
    if name.startswith("PROCESS_STATE"):
        fields = fields_of(payload)
        slot = SlotName(f"{fields['groupname']}:{fields['processname']}")
        exited = fields.get("pid", "") if name == "PROCESS_STATE_EXITED" else ""
        return ProcessChanged(name=slot, exited_pid=int(exited) if exited.isdecimal() else 0)
    if name.startswith("PROCESS_GROUP"):
        return GroupsChanged()
    if name == "REMOTE_COMMUNICATION":
        return read_request(payload)
    if name == "SUPERVISOR_STATE_CHANGE_STOPPING":
        return SupervisorStopping()
    return Ticked() if name.startswith("TICK") else None


def read_request(payload: str) -> Requested | None:
    """What an operator asks of us; None where it is none, makes no sense or is too large.

    Anybody whom supervisord lets in may send anything.
    """
    header, _, text = payload.partition("\n")
    if header.partition(":")[2] != TYPE:
        return None
    try:
        _limit("characters", len(text), LONGEST)
        record = json.loads(text)
        if isinstance(record, dict) and record.get("id"):
            return _bounded(from_record(Requested, record))
    except (ValueError, RecursionError) as error:
        log.warning("an event of the type %s is no request of ours: %s", TYPE, str(error)[:TOLD])
    return None


def _bounded(requested: Requested) -> Requested:
    """The same. Raises ValueError where its answer would be out of all proportion."""
    _limit("characters in its id", len(requested.id), LONGEST_ID)
    _limit("targets", len(requested.targets), MOST_TARGETS)
    return requested


def _limit(of: str, size: int, most: int) -> None:
    if size > most:
        raise ValueError(f"it has more than {most} {of}")


def read_words(name: str, payload: str) -> tuple[SlotName, int, str] | None:
    """Who said what in a communication event; None where it is none, or names no process."""
    if not name.startswith("PROCESS_COMMUNICATION"):
        return None
    header, _, text = payload.partition("\n")
    fields = fields_of(header)
    pid = fields.get("pid", "")
    if not (pid.isdecimal() and "groupname" in fields and "processname" in fields):
        return None
    return SlotName(f"{fields['groupname']}:{fields['processname']}"), int(pid), text
