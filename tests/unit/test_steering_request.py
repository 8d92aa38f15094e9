"""A request that the listener would not read is not sent: else whoever asks waits for an answer in vain."""

from __future__ import annotations

import pytest

from supervisor_reload.core.records import to_record
from supervisor_reload.core.requests import Verb
from supervisor_reload.edges.listening import LONGEST, MOST_TARGETS
from supervisor_reload.steering.request import INVALID_ARGS, Unanswered, request
from tests.unit.test_listening_requests import read


def test_as_many_targets_as_may_be() -> None:
    """What may be asked is read."""
    asked = request(Verb.PAUSE, tuple(f"target-{n}" for n in range(MOST_TARGETS)))
    assert asked == read(to_record(asked))


@pytest.mark.parametrize("targets", [("a",) * (MOST_TARGETS + 1), ("a" * LONGEST,)])
def test_too_much_at_once(targets: tuple[str, ...]) -> None:
    """It is said at once, and what to do."""
    with pytest.raises(Unanswered, match="ask for fewer at once") as raised:
        request(Verb.PAUSE, targets)
    assert INVALID_ARGS == raised.value.code
