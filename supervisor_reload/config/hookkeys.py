"""The part of the table of keys that is about hooks and messages; ``keys`` holds the whole."""

from __future__ import annotations

import re

from supervisor_reload.core.notifying import Event

from . import values
from .findings import did_you_mean
from .key import Key

USUAL = (Event.COMPLETE, Event.HALTED, Event.ABORTED, Event.REFUSED, Event.LIFTED)
"""What is told where nobody says what: how things ended, not that they began."""


def _events(text: str) -> tuple[Event, ...]:
    """A list of events; ``all`` is every one. Raises ValueError with a sentence."""
    known = [event.value for event in Event]
    found: dict[Event, None] = {}
    for word in values.some_words(text):
        if word.lower() == "all":
            return tuple(Event)
        if word.lower() not in known:
            hint = did_you_mean(word, known)
            raise ValueError(f"{word!r} is not one of all, {', '.join(known)}{hint}")
        found[Event(word.lower())] = None
    return tuple(found)


def _command(text: str) -> tuple[str, ...]:
    """A command line; ``none`` and nothing at all are no command. Raises ValueError with a sentence."""
    return () if text.strip().lower() in ("", "none") else values.command_line(text)


def _urls(text: str) -> tuple[str, ...]:
    """URLs, one a line or with commas between; a comma within a URL belongs to it."""
    return tuple(re.split(r"[\s,]+(?=[A-Za-z][A-Za-z0-9+.-]*://)|\s+", text.strip(" \t\n,"))) if text else ()


HOOK_KEYS: tuple[Key, ...] = (
    Key(
        name="before_rollout",
        default="none",
        convert=_command,
        doc="A command line (no shell) that must succeed before anything is started or stopped; else the "
        "code is not rolled out. It gets the rollout as JSON on stdin.",
    ),
    Key(
        name="after_rollout",
        default="none",
        convert=_command,
        doc="A command line that is run when a rollout is complete; nothing waits for it.",
    ),
    Key(
        name="on_failure",
        default="none",
        convert=_command,
        doc="A command line that is run when a rollout was halted or aborted, or the code was refused by a "
        "check, run_on or before_rollout; nothing waits for it.",
    ),
    Key(
        name="hook_timeout",
        default="60",
        convert=values.limit_seconds,
        unit="seconds",
        doc="Limit of each of these commands.",
    ),
    Key(
        name="notify_url",
        default="none",
        convert=str.strip,
        doc="Where the same JSON is posted to, by http or https.",
    ),
    Key(
        name="notify_secret",
        default="none",
        convert=str.strip,
        doc="The key that signs what is posted; better in a file, or as %(ENV_NAME)s.",
    ),
    Key(
        name="notify_secret_file",
        default="none",
        convert=str.strip,
        doc="A file with that key; it is read for every message.",
    ),
    Key(
        name="notify",
        default="",
        convert=_urls,
        doc="URLs of chats, mail and so on as apprise has them, one a line. Needs the extra [notify].",
    ),
    Key(
        name="notify_on",
        default=", ".join(event.value for event in USUAL),
        convert=_events,
        doc="Of what notify_url and notify tell: began, complete, halted, aborted, withdrawn, superseded, "
        "refused, lifted, or all.",
    ),
)
