"""Readiness by an answer, proved to be the new process's: tcp and unix sockets accept, ``http://`` says 2xx.

A probe is one attempt within one limit on the wall's clock; it reads no body and follows no redirect.
"""

from __future__ import annotations

import threading
import time
from functools import partial

from ...core.model import ReadySettings
from ..asking import Question, asked, attempt, get
from ..serving import waits


def accepted(ready: ReadySettings, pid: int, limit: float, ended: threading.Event) -> str | None:
    """Whether the process accepts connections, on ``tcp://`` or ``unix://``; None, or why not."""
    return attempt(_question(ready, pid, limit, ended), limit, _is_accepted)


def http(ready: ReadySettings, pid: int, limit: float, ended: threading.Event) -> str | None:
    """Whether the process answers a GET with 2xx; None, or why not."""
    return attempt(_question(ready, pid, limit, ended), limit, _is_well)


def _question(ready: ReadySettings, pid: int, limit: float, ended: threading.Event) -> Question:
    return Question(ready.address, pid, time.monotonic() + limit, ended, "ready", partial(waits, pid))


def _is_accepted(question: Question) -> None:
    with asked(question):
        return


def _is_well(question: Question) -> str | None:
    status = get(question, has_body=False).status
    return None if 200 <= status < 300 else f"HTTP status {status}"
