"""Why a target's newest code does not serve: what the story told of its newest failure, as a record.

It takes down what ``why`` shows; it judges nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from .orders import Story

FAILURES = frozenset(
    {"check failed", "command failed", "rollout halted", "rollout refused", "rollout aborted"}
)
"""The stories that say why"""

SUCCESSES = frozenset({"rollout complete", "rollout withdrawn", "hold lifted"})
"""The stories after which nobody asks any more"""

MOST = 4_000
"""characters that are kept of a command's output, and of a process's last words: the last"""

MOST_NAMED = 20
"""changed files that are named"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of a failure."""

    event: str
    revision: str = ""
    reason: str = ""
    slot: str = ""
    """whose process failed; '' where it was no process"""
    attempt: int = 0
    limit: int = 0
    """how often it may fail; 0 where that does not count"""
    changed: tuple[str, ...] = ()
    files: int = 0
    """how many changed; not all of them are named"""
    serving: tuple[str, ...] = ()
    """processes that serve older code meanwhile"""
    output: str = ""
    last_words: str = ""


def evidence_in(story: Story) -> Evidence | None:
    """What a story tells of a failure; None where it tells of none."""
    if story.event not in FAILURES:
        return None
    values = story.values
    changed = _names(values.get("changed"))
    return Evidence(
        event=story.event,
        revision=_text(values.get("revision")),
        reason=_text(values.get("reason")),
        slot=_text(values.get("slot")),
        attempt=_count(values.get("failures")),
        limit=_count(values.get("limit")),
        changed=changed[:MOST_NAMED],
        files=len(changed),
        serving=_names(values.get("serving")),
        output=_text(values.get("output"))[-MOST:],
        last_words=_text(values.get("last_words"))[-MOST:],
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def _names(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, tuple) else ()
