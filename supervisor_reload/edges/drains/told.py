"""Drained by the application's own word: ``drain=message``.

A word counts for the process that said it and for no other. Silence is never taken for "done".
"""

from __future__ import annotations

import threading

from ...core.model import SlotSettings
from ..sayings import Hearing


class Told:
    """The drain ``message``, with what it asks."""

    def __init__(self, hearing: Hearing) -> None:
        self._hearing = hearing

    def __call__(self, slot: SlotSettings, pid: int, limit: float, ended: threading.Event) -> str | None:
        """Whether all of the process's newest numbers are 0; None, or why not."""
        del slot, limit, ended  # it looks into a memory: there is nothing to set, and nothing to wait for
        said = self._hearing.said(pid)
        in_hand = None if said is None else said.in_hand
        if in_hand is None:
            return "it has not said how much work it has in hand (supervisor_reload.notify.draining)"
        return None if in_hand == 0 else f"it says that it has {in_hand} in hand"
