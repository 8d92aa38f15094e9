"""Code that fails again and again, with a real supervisord: it is tried less and less, held, and let go."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.integration.operated import Event, Operated
from tests.integration.shapes import PLAIN, ROLLING, SWAP

pytestmark = pytest.mark.integration

TWO_FATAL_AT_ONCE = {"numprocs": "2", "startsecs": "1", "startretries": "0"}
"""two processes; supervisord's own tries are not waited for"""


@pytest.mark.fault(12)
def test_a_revision_that_failed_too_often_is_held_until_the_next_save() -> None:
    """Two tries, a pause between them, and then none; the old process serves; a good save is rolled out."""
    shape = SWAP.of(program={"startsecs": "1"}, failure_limit="2")
    with Operated(shape) as stage:
        before = stage.runs()
        stage.save("broken")
        stage.wait(lambda: stage.told("rollout halted", held=True), "a hold")
        assert [(1, 1.0), (2, None)] == [
            (line["failures"], line["retry_in"]) for line in stage.told("rollout halted")
        ]
        first, second = stage.told("rollout began")
        assert 1 <= _seconds(first, second) < 5
        assert ("files", "retry") == (first["trigger"], second["trigger"])
        assert before == stage.runs()
        since = len(stage.lines())
        newest = stage.save("mended")
        stage.wait_for_rollout(since)
        stage.wait(lambda: list(stage.runs().values()) == [newest], "the mended code")


@pytest.mark.fault(12)
def test_an_operator_who_starts_what_was_held_lifts_the_hold() -> None:
    """What stood in its way was not the code: once a process of it runs, the other follows."""
    with Operated(ROLLING.of(program=TWO_FATAL_AT_ONCE)) as stage:
        newest = stage.save("broken")
        (halted,) = stage.wait(lambda: stage.told("rollout halted", held=True), "a hold")
        stage.wait(lambda: stage.states()[halted["slot"]] == "FATAL", "supervisord to give it up")
        assert ["r1"] == list(stage.runs().values())
        (stage.directory / "mended").touch()
        stage.ordered("start", halted["slot"])
        stage.wait(lambda: stage.told("rollout complete"), "the other to follow")
        assert {newest} == {*stage.runs().values()}
        assert list(stage.states().values()) == ["RUNNING"] * 2


def test_changes_wait_for_min_interval() -> None:
    """Saves that come too early are kept, and rolled out as one when it is time."""
    with Operated(PLAIN.of(min_interval="2")) as stage:
        stage.save()
        stage.wait_for_rollout(0)
        stage.save()
        newest = stage.save()
        stage.wait(lambda: len(stage.told("rollout complete")) == 2, "the second rollout")
        assert [newest] == list(stage.runs().values())
        first, second = stage.told("rollout began")
        assert 2 <= _seconds(first, second) < 6


def _seconds(earlier: Event, later: Event) -> float:
    times = [datetime.fromisoformat(line["time"].replace("Z", "+00:00")) for line in (earlier, later)]
    return (times[1] - times[0]).total_seconds() + 0.001  # both are cut to milliseconds
