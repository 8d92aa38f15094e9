"""One command around a rollout, run to its end or its limit, and what the log tells of it.

It knows no rollout and no thread; when a command is run, its callers know.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from functools import partial

from ...core.model import HookSettings
from ..observers.logs import escaped
from ..spawning import Outcome, run
from ..unfinished import Unfinished
from .documents import Report

log = logging.getLogger(__name__)

DOCUMENT = "SUPERVISOR_RELOAD_DOCUMENT"
"""the variable that names a file with what a command gets on stdin"""

QUOTED = 15
"""Lines of a command's output that are quoted, the last ones."""


def run_hook(
    argv: Sequence[str],
    settings: HookSettings,
    report: Report,
    unfinished: Unfinished,
    cancelled: threading.Event,
) -> Outcome:
    """Run one command; what an earlier listener left running of its kind is awaited before, and then ended.

    Takes twice ``hook_timeout`` at most. Never raises for what the command does.
    """
    refusal = unfinished.see_off(report.target, settings.timeout, cancelled)
    if refusal:
        return Outcome(code=126, reason=f"not run: {refusal}", output="")
    return run(
        argv,
        limit=settings.timeout,
        environment=report.environment(),
        directory=settings.directory,
        stdin=report.to_json(),
        named_in=DOCUMENT,
        cancelled=cancelled,
        rights=settings.rights,
        keep=partial(unfinished.kept, report.target, settings.timeout),
    )


def tell_end(key: str, report: Report, outcome: Outcome) -> None:
    """Tell in the log how a command ended, with its last lines."""
    head = f"{report.target}: " + (f"rollout {report.rollout}: " if report.rollout else "")
    quoted = "".join(f"\n    | {escaped(line)}" for line in outcome.output.rstrip().splitlines()[-QUOTED:])
    if outcome.code == 0:
        log.info("%s%s is done%s", head, key, quoted)
    else:
        log.warning("%s%s failed (%s)%s", head, key, escaped(outcome.reason), quoted)
