"""One message to a chat, a mailbox or whatever else the library apprise knows.

The library works in a process of its own, which is ended at its limit: it has plugins of many authors, and a
thread can't be ended. What is secret travels on stdin. Nothing of ours imports it here.
"""

from __future__ import annotations

import json
import sys
import threading
from functools import lru_cache

from ...core.model import Rights
from ...core.notifying import Event
from ..spawning import Outcome, run, tail
from .documents import Report
from .posting import Verdict

LIMIT = 30.0
"""Seconds for one message; apprise gives up most services after 4 s of silence."""

UNKNOWN, ABSENT = 3, 4
"""Exit statuses: no URL that apprise knows; no apprise."""

LINES = 5
"""Lines of an output that a message quotes, the last ones."""

CODE = f"""
import json, logging, sys
told = json.load(sys.stdin)
try:
    import apprise
except ImportError:
    sys.exit({ABSENT})
logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
told_to = apprise.Apprise(asset=apprise.AppriseAsset(app_id="supervisor_reload", secure_logging=True))
if not told_to.add(told["url"]):
    sys.exit({UNKNOWN})
text = apprise.NotifyFormat.TEXT
done = told_to.notify(title=told["title"], body=told["body"], notify_type=told["kind"], body_format=text)
sys.exit(0 if done else 1)
"""

CHECK = f"""
import json, logging, sys
try:
    import apprise
except ImportError:
    sys.exit({ABSENT})
logging.disable()
made = [apprise.Apprise.instantiate(url, suppress_exceptions=True) for url in json.load(sys.stdin)]
print(json.dumps([number for number, one in enumerate(made) if one is None]))
"""

INSTALL = "pip install 'supervisor_reload[notify]'"

KINDS = {
    Event.COMPLETE: "success",
    Event.HALTED: "failure",
    Event.REFUSED: "failure",
    Event.ABORTED: "warning",
}
"""apprise's words; all else is info"""


class LibraryError(Exception):
    """The library could not be asked; the text says why, and what to do."""


def send(url: str, report: Report, cancelled: threading.Event) -> Verdict:
    """Send a message once. Takes LIMIT seconds at most. Never raises."""
    title, body = worded(report)
    told = {"url": url, "title": title, "body": body, "kind": KINDS.get(report.kind, "info")}
    outcome = _run(CODE, told, cancelled)
    if outcome.code == UNKNOWN:
        return Verdict("it is no URL that apprise knows", is_final=True)
    if outcome.code == ABSENT:
        return Verdict(f"apprise is not installed: {INSTALL}", is_final=True)
    if outcome.code:
        said = tail(" ".join(outcome.output.split()))
        return Verdict(f"apprise: {said or outcome.reason}")
    return Verdict()


@lru_cache(maxsize=64)
def unknown(urls: tuple[str, ...]) -> tuple[int, ...]:
    """The positions of the URLs that apprise does not know. Raises LibraryError."""
    outcome = _run(CHECK, urls, None)
    if outcome.code == ABSENT:
        raise LibraryError(f"needs apprise: {INSTALL}")
    try:
        numbers = json.loads(outcome.output.splitlines()[-1])
    except (ValueError, IndexError):
        raise LibraryError(f"apprise can't be asked what it knows: {outcome.reason}") from None
    return tuple(number for number in numbers if isinstance(number, int))


def _run(code: str, told: object, cancelled: threading.Event | None) -> Outcome:
    return run(
        [sys.executable, "-W", "ignore", "-c", code],
        limit=LIMIT,
        directory="/",  # from which -c would import
        stdin=json.dumps(told).encode("ascii"),
        cancelled=cancelled,
        rights=Rights(trust_writable=True),  # it is the interpreter that runs us
    )


def worded(report: Report) -> tuple[str, str]:
    """The title and the text of a message."""
    what = f"rollout {report.rollout} {report.event}" if report.rollout else report.event
    lines = [f"revision {report.revision}" if report.revision else ""]
    if report.files:
        more = f" and {report.files - 1} more" if report.files > 1 else ""
        lines.append(f"changed: {report.changed[0].rpartition('/')[2]}{more}")
    lines.append(f"reason: {report.reason}" if report.reason else "")
    lines.append("held: it is left alone until the files change" if report.is_held else "")
    lines.append(f"after {report.seconds:g} s" if report.seconds else "")
    lines += [f"> {line}" for line in report.output.rstrip().splitlines()[-LINES:]]
    return f"{report.target}: {what} ({report.host})", "\n".join(line for line in lines if line)
