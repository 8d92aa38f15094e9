"""The listener's story, told to a developer: one JSON line in, at most one short line out, on stderr.

It leaves out what only an operator of many processes wants to know, and never hides what is no JSON: that is
a traceback. It writes whole lines at once, so that they don't mix with the command's output.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import sys
from collections.abc import Mapping
from typing import Any

from supervisor_reload.core.secrets import Redaction
from supervisor_reload.edges.observers.logs import escaped, unnamed

from .request import Request

PREFIX = "[reload] "
REDACT = Redaction()
SHOWN = 3
"""Changed files that are named."""

QUOTED = 15
"""Lines of a check's output that are quoted, the last ones."""

FULL_LIMIT = 1000
"""Milliseconds to wait for a terminal or pipe that takes no more; then the line is lost."""

DIM, GREEN, YELLOW, RED = "2", "32", "33", "31"
"""Terminal colours (ECMA-48)."""


class Teller:
    """Writes our lines; remembers as much of the story as the next line needs."""

    def __init__(self, request: Request, fd: int = 2) -> None:
        self._request = request
        self._fd = fd
        self._has_colour = os.isatty(fd) and not os.environ.get("NO_COLOR")  # no-color.org
        self._rest = b""
        self._pid = 0

    def say(self, text: str, colour: str = DIM) -> None:
        """Write one line of ours (more where it quotes). What the terminal can't take is lost."""
        line = PREFIX + REDACT(text)
        if self._has_colour:
            line = f"\x1b[{colour}m{line}\x1b[0m"
        encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
        self._write(f"{line}\n".encode(encoding, "backslashreplace"))

    def take(self, block: bytes) -> None:
        """Tell what the listener wrote, line by line."""
        *lines, self._rest = (self._rest + block).split(b"\n")
        for line in lines:
            self._tell(line.decode("utf-8", "replace"))

    def _write(self, line: bytes) -> None:
        with contextlib.suppress(OSError):  # nobody reads it any more
            while line:
                try:
                    line = line[os.write(self._fd, line) :]
                except BlockingIOError:  # the command made our common terminal non-blocking
                    poll = select.poll()
                    poll.register(self._fd, select.POLLOUT)
                    if not poll.poll(FULL_LIMIT):
                        return

    def _tell(self, line: str) -> None:
        try:
            record = json.loads(line)
            event, level, message = record.get("event"), record["level"], record["message"]
        except (ValueError, KeyError, TypeError, AttributeError):
            self.say(escaped(line), RED)
            return
        told = self._word(event, record) if isinstance(event, str) else None
        if told:
            self.say(*told)
        elif level in ("warning", "error", "critical") and event is None:
            self.say(message, RED)

    def _word(self, event: str, values: Mapping[str, Any]) -> tuple[str, str] | None:
        """The text and colour for an event of the story; None where it is not worth a line."""
        in_rollout = bool(values.get("rollout"))
        if event == "slot ready":
            before, self._pid = self._pid, values["pid"]
            return None if in_rollout or before else (f"started (pid {self._pid})", DIM)
        if event == "slot failed":
            if in_rollout:
                return None  # "rollout halted" follows, and knows what still serves
            self._pid = 0
            return f"{_reason(values)}; waiting for a change", YELLOW
        if event == "rollout began":
            return f"{_files(values)}: {self._deed}", GREEN
        if event == "rollout complete":
            what = "reloaded" if self._request.signal else "started"
            return f"{what} in {_seconds(values['seconds'])} (pid {self._pid})", GREEN
        if event == "rollout halted":
            return self._halted(values), RED
        if event == "check failed":
            return f"{_files(values)}: refused by the check{_still(self._pid)}{_quoted(values)}", RED
        return self._word_rare(event, values)

    def _word_rare(self, event: str, values: Mapping[str, Any]) -> tuple[str, str] | None:
        match event:
            case "rollout withdrawn":
                return "changed back: nothing to do", DIM
            case "drain timed out":
                return f"did not stop within {_seconds(values['seconds'])}: stopping it for good", YELLOW
            case "files unreadable":
                return f"the files can't be read: {_reason(values)}; trying again", RED
            case "boot replaced":
                return "changed again: starting anew", DIM
            case _:
                return None

    @property
    def _deed(self) -> str:
        if self._request.signal:
            return f"sending {self._request.signal}"
        return "starting the new code beside the old" if self._request.socket else "restarting"

    def _halted(self, values: Mapping[str, Any]) -> str:
        if not values.get("serving"):
            self._pid = 0
        outlook = _still(self._pid) if values.get("serving") else "; waiting for a change"
        return f"the new code failed: {_reason(values)}{outlook}"


def _reason(values: Mapping[str, Any]) -> str:
    """Why it failed; supervisord's words are its own, and a signal's number is unknown to it."""
    reason = str(values["reason"]).replace("Bad exit code -1", "ended by a signal")
    return escaped(reason.replace("Bad exit code", "exited with status"))


def _files(values: Mapping[str, Any]) -> str:
    paths = values.get("changed") or ()
    if not paths:
        return unnamed(str(values.get("event")), values)
    names = [escaped(str(path).rpartition("/")[2]) for path in paths[:SHOWN]]
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return ", ".join(names) + more


def _still(pid: int) -> str:
    return f"; pid {pid} still runs the old" if pid else ""


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _quoted(values: Mapping[str, Any]) -> str:
    lines = str(values.get("output") or values.get("reason") or "").rstrip().splitlines()[-QUOTED:]
    return "".join(f"\n    | {escaped(line)}" for line in lines)
