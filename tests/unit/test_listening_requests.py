"""What may be asked by an event: what is too large is refused, with one warning, before it is believed."""

from __future__ import annotations

import json
import logging

import pytest

from supervisor_reload.core.records import to_record
from supervisor_reload.core.requests import TYPE, Requested, Verb
from supervisor_reload.edges.listening import LONGEST, LONGEST_ID, MOST_TARGETS, read_event


def read(record: object) -> object:
    text = record if isinstance(record, str) else json.dumps(record)
    return read_event("REMOTE_COMMUNICATION", f"type:{TYPE}\n{text}")


def padded(size: int) -> str:
    """A request of so many characters."""
    text = json.dumps({"id": "x", "verb": "pause"})
    return text + " " * (size - len(text))


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, "supervisor_reload.edges.listening")
    return caplog


def test_the_largest_request(told: pytest.LogCaptureFixture) -> None:
    """A thousand targets, the longest id, and as many characters as there may be."""
    asked = Requested(
        id="x" * LONGEST_ID, verb=Verb.PAUSE, targets=tuple(f"target-{n:04}" for n in range(MOST_TARGETS))
    )
    assert asked == read(to_record(asked))
    assert Requested(id="x", verb=Verb.PAUSE) == read(padded(LONGEST))
    assert [] == told.messages


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (padded(LONGEST + 1), f"it has more than {LONGEST} characters"),
        ("[" * (LONGEST + 1), f"it has more than {LONGEST} characters"),
        (
            {"id": "x" * (LONGEST_ID + 1), "verb": "pause"},
            f"it has more than {LONGEST_ID} characters in its id",
        ),
        (
            {"id": "x", "verb": "pause", "targets": ["a"] * (MOST_TARGETS + 1)},
            f"it has more than {MOST_TARGETS} targets",
        ),
    ],
    ids=["text", "brackets", "id", "targets"],
)
def test_what_is_too_large_is_no_request(told: pytest.LogCaptureFixture, asked: object, why: str) -> None:
    """Its answer would repeat it in the journal, and sixteen of them would push out what must be known."""
    assert read(asked) is None
    assert [f"an event of the type {TYPE} is no request of ours: {why}"] == told.messages
