"""One event of a rollout as the document that others get: as JSON, with nothing secret in it.

It remembers of each target when its rollout began and why, for a story tells only what is new. It sends
nothing. The form is documented in docs/hooks.md, where a test compares it.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone

from ...core.model import Revision
from ...core.notifying import EVENT_OF, Event
from ...core.orders import Story
from ...core.story import reason_of
from ..spawning import tail

FORMAT = 1
"""Number of the document's form; it grows when a key goes or gets another meaning."""

MOST_NAMED = 20
"""Changed files that are named."""

LONGEST_OUTPUT = 4000
"""Characters of an output, the last ones."""

LONGEST_REASON = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The document; its fields are the keys of the JSON."""

    format: int = FORMAT
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    event: str
    target: str
    rollout: int | None
    revision: str
    previous_revision: str | None
    trigger: str | None
    changed: tuple[str, ...]
    files: int
    reason: str
    output: str
    is_held: bool
    seconds: float | None
    host: str
    time: str

    @property
    def kind(self) -> Event:
        """The event as one of the closed set."""
        return Event(self.event)

    def to_json(self) -> bytes:
        """The document as JSON in ASCII, the same each time."""
        return json.dumps(asdict(self)).encode("ascii")

    def environment(self) -> dict[str, str]:
        """What a command finds of it in its environment."""
        return {
            "SUPERVISOR_RELOAD_ROLLOUT": "" if self.rollout is None else str(self.rollout),
            "SUPERVISOR_RELOAD_TARGET": self.target,
            "SUPERVISOR_RELOAD_REVISION": self.revision,
            "SUPERVISOR_RELOAD_OUTCOME": self.event,
        }


@dataclass(slots=True, kw_only=True)
class _Known:
    """What was told of a target's rollout until now."""

    rollout: int
    revision: str
    began: float | None
    """monotonic seconds; None where an earlier listener began it"""
    trigger: str | None
    previous: str | None
    changed: tuple[str, ...]


class Documents:
    """The documents of one listener; asked in the engine's thread alone."""

    def __init__(
        self,
        host: str,
        hide: Callable[[str], str] = str,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """``hide`` takes the secrets out of a text."""
        self._host, self._hide = host, hide
        self._clock, self._wall = clock, wall
        self._known: dict[str, _Known] = {}
        self._serves: dict[str, str] = {}
        """by target: the revision that is known to serve"""

    def of(self, story: Story) -> Report | None:
        """The document of an event; None where nobody else is told of it."""
        self._remember(story)
        event = EVENT_OF.get(story.event)
        if event is None:
            return None
        known = self._of_rollout(story.target, story.rollout)
        seconds = None if known is None or known.began is None else self._clock() - known.began
        values = story.values
        changed = values.get("changed", () if known is None else known.changed)
        output = str(values.get("output") or values.get("last_words") or "")
        report = self._report(
            event,
            story.target,
            story.rollout,
            str(values.get("revision") or (known.revision if known else "")),
            changed if isinstance(changed, list | tuple) else (),
            reason=_reason(story),
            output=tail(output, LONGEST_OUTPUT),
            is_held=bool(values.get("held")),
            seconds=0.0 if event is Event.BEGAN else seconds,
        )
        self._forget(story, event)
        return report

    def before(self, target: str, rollout: int, revision: Revision, changed: Sequence[str]) -> Report:
        """The document of a rollout for which nothing was done yet."""
        return self._report(Event.BEGAN, target, rollout, revision, changed, seconds=0.0)

    def _report(  # noqa: PLR0913 - each is a key of the document
        self,
        event: Event,
        target: str,
        rollout: int,
        revision: str,
        changed: Sequence[object],
        *,
        reason: str = "",
        output: str = "",
        is_held: bool = False,
        seconds: float | None,
    ) -> Report:
        known = self._of_rollout(target, rollout)
        moment = datetime.fromtimestamp(self._wall(), timezone.utc)
        return Report(
            event=event.value,
            target=target,
            rollout=rollout or None,
            revision=revision,
            previous_revision=self._serves.get(target) if known is None else known.previous,
            trigger=None if known is None else known.trigger,
            changed=tuple(self._shown(str(name)) for name in changed[:MOST_NAMED]),
            files=len(changed),
            reason=self._shown(reason)[:LONGEST_REASON],
            output=self._shown(output),
            is_held=is_held,
            seconds=None if seconds is None else round(seconds, 3),
            host=self._host,
            time=moment.strftime("%Y-%m-%dT%H:%M:%S") + f".{moment.microsecond // 1000:03d}Z",
        )

    def _remember(self, story: Story) -> None:
        values = story.values
        changed = values.get("changed")
        if story.event in ("rollout began", "rollout resumed"):
            previous = values.get("previous") or self._serves.get(story.target)
            trigger = values.get("trigger")
            self._known[story.target] = _Known(
                rollout=story.rollout,
                revision=str(values.get("revision", "")),
                began=self._clock() if story.event == "rollout began" else None,
                trigger=None if trigger is None else str(trigger),
                previous=None if previous is None else str(previous),
                changed=tuple(changed) if isinstance(changed, list | tuple) else (),
            )
        elif story.event == "rollout grew" and isinstance(changed, list | tuple):
            known = self._of_rollout(story.target, story.rollout)
            if known is not None:
                known.changed, known.revision = tuple(changed), str(values.get("revision", ""))

    def _of_rollout(self, target: str, rollout: int) -> _Known | None:
        known = self._known.get(target)
        return known if known is not None and known.rollout == rollout else None

    def _forget(self, story: Story, event: Event) -> None:
        revision = story.values.get("revision")
        if event in (Event.COMPLETE, Event.WITHDRAWN) and revision:
            self._serves[story.target] = str(revision)
        known = self._known.get(story.target)
        if event is not Event.BEGAN and known is not None and known.rollout == story.rollout:
            del self._known[story.target]

    def _shown(self, text: str) -> str:
        """The text without secrets, and in letters that any reader of JSON takes."""
        return self._hide(text.encode("utf-8", "backslashreplace").decode("utf-8"))


def _reason(story: Story) -> str:
    """Why it came to that, in words; '' where the event says it all."""
    match story.event:
        case "check failed":
            return f"the check: {story.values.get('reason', '')}"
        case "command failed":
            return f"{story.values.get('command', 'run_on')}: {story.values.get('reason', '')}"
        case _:
            return reason_of(story)
