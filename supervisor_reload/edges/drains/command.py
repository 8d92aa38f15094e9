"""Drained by a command of the operator's: exit status 0. Argv, no shell, limits on time and output."""

from __future__ import annotations

import threading

from ...core.model import SlotSettings
from ..spawning import run, tail


def command(slot: SlotSettings, pid: int, limit: float, ended: threading.Event) -> str | None:
    """Whether the command says that the work is done; None, or why not. It is killed once ``ended``."""
    environment = {"SUPERVISOR_RELOAD_PID": str(pid), "SUPERVISOR_RELOAD_SLOT": slot.name}
    outcome = run(
        slot.drain.command, limit=limit, environment=environment, cancelled=ended, rights=slot.drain.rights
    )
    return None if outcome.code == 0 else f"{outcome.reason}: {tail(outcome.output)}".rstrip(": ")
