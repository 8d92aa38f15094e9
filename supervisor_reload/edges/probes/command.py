"""Readiness by a command of the operator's: exit status 0. Argv, no shell, limits on time and output."""

from __future__ import annotations

import threading

from ...core.model import ReadySettings
from ..spawning import run, tail


def command(ready: ReadySettings, pid: int, limit: float, ended: threading.Event) -> str | None:
    """Whether the command says that the process is ready; None, or why not. It is killed once ``ended``."""
    environment = {"SUPERVISOR_RELOAD_PID": str(pid)}
    outcome = run(ready.command, limit=limit, environment=environment, cancelled=ended, rights=ready.rights)
    return None if outcome.code == 0 else f"{outcome.reason}: {tail(outcome.output)}".rstrip(": ")
