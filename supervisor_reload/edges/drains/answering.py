"""Drained by the application's answer: 204, or 2xx with the body ``0`` or ``{"active": 0}``.

All else is "not yet". Only an answer of the old process itself counts; one that takes no new connections
can't be asked any more, and silence is never taken for "done".
"""

from __future__ import annotations

import json
import threading
import time
from functools import partial

from ...core.model import SlotSettings
from ..asking import BODY_LIMIT, Question, attempt, get
from ..serving import waits

NO_CONTENT = 204


def http(slot: SlotSettings, pid: int, limit: float, ended: threading.Event) -> str | None:
    """Whether the process says that it has nothing in hand; None, or why not."""
    question = Question(
        slot.drain.address, pid, time.monotonic() + limit, ended, "drain", partial(waits, pid)
    )
    refusal = attempt(question, limit, _is_done)
    if refusal is not None and "refused" in refusal:
        return f"{refusal}; while it drains it must go on answering there, or set drain=connections"
    return refusal


def _is_done(question: Question) -> str | None:
    answer = get(question, has_body=True)
    if not 200 <= answer.status < 300:
        return f"HTTP status {answer.status}"
    if answer.status == NO_CONTENT:
        return None
    if len(answer.body) > BODY_LIMIT:
        return f'an answer of more than {BODY_LIMIT} bytes, neither 0 nor {{"active": 0}}'
    active = _active(answer.body)
    if active is None:
        return f'an answer that is neither 0 nor {{"active": 0}}: {answer.body[:60]!r}'
    return None if active == 0 else f"it says that it has {active:g} in hand"


def _active(body: bytes) -> float | None:
    """The number that the application gave; None where it gave none."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if isinstance(said, dict):
        said = said.get("active")
    return said if isinstance(said, int | float) and not isinstance(said, bool) else None
