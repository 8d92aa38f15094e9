"""The story as log lines on stderr: text for people, or one JSON object a line for machines.

Names and output come from outside: control characters are escaped, so that no file name can forge a line; and
what is secret is hidden in every line, whoever wrote it.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Mapping
from typing import Any

from supervisor.options import make_namespec

from ...core.orders import Story
from ...core.secrets import Redaction

log = logging.getLogger("supervisor_reload.story")

BY_PLACE = Redaction()
"""Hides what stands where secrets stand; it knows none."""

SHOWN = 5
"""Changed files that are named in a text line."""

DIFFERS = "the code that runs is not the code on disk"

NOT_KNOWN = "it is not known which code runs"
"""No journal tells on what the processes were started, or it is damaged there."""

QUOTED = 15
"""Lines of a process's or a check's output that are quoted, the last ones."""

LONGEST_TRACEBACK = 1000
"""Lines of a traceback that are told, the last ones."""

TEXT: Mapping[str, str] = {
    "rollout began": "{changed}: rolling out {revision}{again}",
    "rollout resumed": "going on with {revision}, where the last listener ended",
    "rollout put off": "{revision} waits: {reason}",
    "hold lifted": "{revision} serves after all: nothing is held against it any more",
    "rollout echoed": "{changed}: changes again after every start. If the program writes it, exclude= it",
    "rollout grew": "{changed}: now {revision}",
    "rollout superseded": "{revision} is superseded by {newer}",
    "rollout withdrawn": "the files are back to {revision}, which serves",
    "rollout aborted": "aborted: {why}; nothing more is done until the files change",
    "rollout refused": "{revision} is refused: {reason}; nothing was touched{output}",
    "rollout complete": "complete: {revision} serves after {seconds}",
    "rollout halted": "halted: {slot}{reason}{holder}{outlook}{last_words}",
    "check failed": "{changed}: refused by the check ({reason}); {revision} is not rolled out{output}",
    "command began": "{changed}: running {command}",
    "command failed": "{changed}: {command} failed ({reason}); {revision} is not rolled out{output}",
    "change found by rescan": "{changed}: changed without an event, found by a rescan",
    "waiting for git": "waiting for git ({sign}), at most {limit}",
    "burst ended by its limit": "not waited for longer than {seconds}: {reason}",
    "files unreadable": "the files can't be read: {reason}; trying again",
    "nothing runs it": "{changed}: changed, but every process that runs it was stopped by hand",
    "no spare slot": "{changed}: changed, but the spare slot was stopped by hand, and max_unavailable is 0",
    "slot found": "{slot} runs already (pid {pid})",
    "slot started": "{slot} started (pid {pid})",
    "slot signalled": "{slot} signalled (pid {pid})",
    "slot ready": "{slot} ready after {seconds} (pid {pid})",
    "slot quiescing": "{slot} asked by {signal} to take no new work (pid {pid})",
    "slot draining": "{slot} draining (pid {pid})",
    "slot drained": "{slot} drained (pid {pid})",
    "slot retiring": "{slot} retiring (pid {pid})",
    "boot replaced": "{slot} is booting code that is no longer wanted: replaced (pid {pid})",
    "drain timed out": "{slot} did not drain within {limit}{pending}: stopping it{in_flight} (pid {pid})",
    "stop timed out": "{slot} is still there: supervisord kills it after {limit}{in_flight} (pid {pid})",
    "stop signal ignored": "{slot} did not end within {limit} of its stop signal: stopping it (pid {pid})",
    "slot kept": "{slot} is needed still, and goes on (pid {pid})",
    "slot left": "{slot} left after {seconds} (pid {pid})",
    "slot stopped by hand": "{slot} was stopped by hand: it stays stopped until it is started by hand",
    "spare slot stopped by hand": "{slot} was stopped by hand: a spare slot again, for the next rollout",
    "slot removed": "{slot} was removed from supervisord: it is left alone until its group is added again",
    "slot failed": "{slot} failed: {reason}{holder}",
    "journal failed": "can't be written ({reason}): what is under way is finished, and nothing new begins "
    "until it can",
    "journal full": "can't be written ({reason}): nothing more is begun, not even of a rollout in hand, "
    "until it can",
    "journal mended": "is written again",
    "start asked": "an operator wants its processes replaced",
    "pause asked": "paused: nothing is begun until an operator resumes it",
    "resume asked": "resumed",
    "abort asked": "an operator ends its rollout",
    "configuration refused": "can't be used, so the last good one stays in force{output}",
    "configuration right again": "is right again",
    "configuration doubted": "was read, with a warning{output}",
    "restart needed": "{keys} changed, which a running listener can't take over: {remedy}",
    "settings taken over": "its settings changed: {keys}",
    "target added": "is watched from now on",
    "target removed": "is no longer configured, and left alone",
    "settings wait": "its settings changed: taken over after what is under way",
    "update wanted": "program sections changed ({groups}): run supervisorctl update{waiting}, "
    "or set reload_config=true in [reload]",
    "own section changed": "the section of {group} itself changed: supervisorctl update {group}",
    "group update began": "group {group} is to be {verb}",
    "group update dropped": "group {group} is not updated: it is as the files say again",
    "group update waits": "group {group} changed: updated after what is under way in {targets}",
    "group updated": "group {group} {verb} after {seconds}",
    "group left alone": "group {group} is not updated, which would start {slots}, stopped by hand: "
    "supervisorctl update {group}",
    "group not emptied": "group {group} is not updated: {slots} did not end; "
    "when it has: supervisorctl update {group}",
    "group update refused": "supervisord refused to update group {group}: {reason}; trying again in {limit}",
}
"""One template for each event; the values are worded by ``_words``."""


LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def tell(story: Story) -> None:
    """The observer: one log record."""
    log.log(LEVELS[story.level], "%s", worded(story), extra={"story": story})


def tell_uncaught(args: threading.ExceptHookArgs) -> None:
    """The ``threading.excepthook`` of a listener: through the log, which hides secrets and escapes names."""
    if args.exc_type is SystemExit:
        return  # as Python's own
    name = args.thread.name if args.thread is not None else "of nobody"
    known = None if args.exc_value is None else (args.exc_type, args.exc_value, args.exc_traceback)
    log.critical("a defect of ours ended the thread %s; please report it", escaped(name), exc_info=known)


def worded(story: Story) -> str:
    """A story as a line of text (several where a process's output is quoted)."""
    head = f"{story.target}: " + (f"rollout {story.rollout}: " if story.rollout else "")
    return head + TEXT[story.event].format_map(_words(story))


def _words(story: Story) -> dict[str, str]:
    values = story.values
    words = {key: escaped(str(value)) for key, value in values.items()}
    for key in ("slot", "slots"):
        if key in values:
            words[key] = _namespecs(values[key])
    if "changed" in values:
        words["changed"] = _files(values["changed"]) or unnamed(story.event, values)
    for key in ("seconds", "limit"):
        if isinstance(seconds := values.get(key), float):
            words[key] = _seconds(seconds)
    words["pending"] = f" ({words['reason']})" if values.get("reason") else ""
    if values.get("waiting"):
        words["waiting"] = f" (until then {words['waiting']} as before)"
    words["in_flight"] = _cut(values.get("in_flight"))
    words["holder"] = f"; {words['holder']}" if values.get("holder") else ""
    if story.event == "rollout began":
        words["again"] = "" if values["attempt"] == 1 else f", attempt {values['attempt']}"
    if story.event == "rollout halted":
        words |= _outlook(values)
    words["why"] = f"{words['slots']} was stopped by hand" if values.get("slots") else "an operator said so"
    # a revision that fails again says the same again: its last line is enough
    words["last_words"] = _quoted(values.get("last_words"), QUOTED if values.get("failures") == 1 else 1)
    words["output"] = _quoted(values.get("output"))
    return words


def _cut(in_flight: Any) -> str:
    """What is cut with a process that did not leave in time, where that could be counted."""
    if not in_flight:
        return ""
    return f", which cuts {in_flight} busy connection{'' if in_flight == 1 else 's'}"


def _outlook(values: Mapping[str, Any]) -> dict[str, str]:
    serving = _namespecs(values["serving"])
    verb = "serves" if len(values["serving"]) == 1 else "serve"
    outlook = f"; {serving} still {verb}" if serving else "; nothing is ready"
    if values.get("held"):
        outlook += ". Held: it is left alone until the files change"
    elif values.get("retry_in") is not None:
        outlook += f". Trying again in {values['retry_in']:g} s ({values['failures']} of {values['limit']})"
    slot = f"{_namespecs(values['slot'])}: " if "slot" in values else ""
    return {"slot": slot, "outlook": outlook}


def _namespecs(names: Any) -> str:
    names = (names,) if isinstance(names, str) else names
    return ", ".join(escaped(make_namespec(*name.split(":", 1))) for name in names)


def _files(paths: Any) -> str:
    names = [escaped(os.path.basename(path)) for path in paths[:SHOWN]]  # noqa: PTH119 - any bytes
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return ", ".join(names) + more


def unnamed(event: str, values: Mapping[str, Any]) -> str:
    """What is rolled out where no file is known to have changed; no more is claimed than is known."""
    if event != "rollout began":
        return "the code on disk"
    return DIFFERS if values.get("is_known", True) else NOT_KNOWN


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _quoted(text: Any, most: int = QUOTED) -> str:
    lines = [escaped(line) for line in str(text or "").rstrip().splitlines()[-most:]]
    return "".join(f"\n    | {line}" for line in lines)


def escaped(text: str) -> str:
    """The text as one safe line: control characters and bytes that are no UTF-8 are written out."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "backslashreplace").decode()
        for char in text
    )


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (ISO 8601, UTC), level, message, and a story's own values, no secrets."""

    def __init__(self, redact: Redaction = BY_PLACE) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        story = getattr(record, "story", None)
        if isinstance(story, Story):
            line |= {"target": story.target, "event": story.event, "rollout": story.rollout or None}
            line |= story.values
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        # before it is quoted: what is hidden afterwards may take a quotation mark with it
        return json.dumps(self._redact.within(line), default=lambda value: self._redact(str(value)))


class TextFormatter(logging.Formatter):
    """Time, level and message, for people; no secrets, also in tracebacks."""

    def __init__(self, redact: Redaction = BY_PLACE) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """The record as text, with ``***`` in place of every secret."""
        return self._redact(super().format(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """A traceback as quoted lines, none of which could be taken for one of ours."""
        return _quoted(super().formatException(ei), LONGEST_TRACEBACK).removeprefix("\n")
