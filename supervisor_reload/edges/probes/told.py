"""Readiness by the application's own word: ``notify`` (sd_notify) and ``message`` (supervisord's events).

A word counts for the process that said it and for no other. Where it may have been said before anybody
listened, nobody waits for it: the process is looked at instead. It hears nothing itself.
"""

from __future__ import annotations

import logging
import threading

from ...core.model import ReadySettings
from ..processes import may_look, tree
from ..sayings import Hearing, Said
from ..serving import served
from .accepting import accepting

log = logging.getLogger(__name__)


class Told:
    """The probe of both kinds, with what it asks: a word counts by whichever road it came."""

    def __init__(self, hearing: Hearing) -> None:
        self._hearing = hearing

    def __call__(self, ready: ReadySettings, pid: int, limit: float, ended: threading.Event) -> str | None:
        """Whether the process said READY=1 and, where it has a listening socket, accepts; or why not.

        ``ready.address`` is the name of the socket on which it is heard, '' for events. gunicorn says
        READY=1 2 s before its workers can answer where they import for 2 s: the word alone is not enough.
        """
        said = self._hearing.said(pid)
        if said is not None and said.is_ready:
            return _accepts(ready, pid, limit, ended)
        deaf = self._hearing.why_deaf(ready.address)
        if deaf:
            return deaf
        if said is not None and said.is_ready is False:
            return f"it took its READY=1 back{_with(said)}"
        if self._hearing.may_have_missed(pid, ready.address):
            log.debug("pid %d began before we listened: its READY=1 may be lost, so we look at it", pid)
            return _accepts(ready, pid, limit, ended)
        return f"it has not said READY=1 yet{_with(said)}"


def _with(said: Said | None) -> str:
    return f"; its status: {said.status}" if said is not None and said.status else ""


def _accepts(ready: ReadySettings, pid: int, limit: float, ended: threading.Event) -> str | None:
    """As the probe ``accepting``; None also for a process without a listening socket.

    And for one of another user's, whose sockets we may not see: then its word must do.
    """
    processes = tree(pid)
    if not served(processes) or not all(map(may_look, processes)):
        return None
    return accepting(ready, pid, limit, ended)
