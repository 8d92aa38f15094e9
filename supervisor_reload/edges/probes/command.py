"""Readiness by a command of the operator's: exit status 0. Argv, no shell, limits on time and output."""

from __future__ import annotations

from ...core.model import ReadySettings
from ..spawning import run


def command(ready: ReadySettings, pid: int, limit: float) -> str | None:
    """Whether the command says that the process is ready; None, or why not."""
    outcome = run(ready.command, limit=limit, environment={"SUPERVISOR_RELOAD_PID": str(pid)})
    return None if outcome.code == 0 else f"{outcome.reason}: {outcome.output.strip()[-200:]}".rstrip(": ")
