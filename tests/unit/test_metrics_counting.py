"""What happens in a world of memory, in numbers."""

from __future__ import annotations

import pytest

from supervisor_reload.core.facts import ChangeKind
from supervisor_reload.core.orders import Story
from supervisor_reload.edges.metrics import Metering
from supervisor_reload.edges.metrics.definitions import OUTCOMES, TRIGGERS
from tests.fakes.metered import WALL, metered
from tests.fakes.scenarios import SCENARIOS, A
from tests.fakes.supervisord import Boot

near = pytest.approx


def test_a_swap_in_numbers():
    """One save: how long everything took, from the file's event to the end."""
    world = metered()
    world.save("r1", boot=Boot(ready_after=2.0))
    world.advance(10)
    assert 1 == world.value("rollouts_total", "complete")
    assert 1 == world.value("rollouts_begun_total", "files")
    assert (1, near(2.0, abs=0.3)) == world.spread("phase_duration_seconds", "boot")
    rollouts, seconds = world.spread("rollout_duration_seconds")
    assert 1 == rollouts
    assert world.story("rollout complete").values["seconds"] == seconds
    assert (1, near(seconds + 0.05, abs=0.1)) == world.spread("save_to_ready_seconds")
    assert world.spread("save_to_ready_seconds")[1] > seconds
    assert seconds == world.value("last_rollout_duration_seconds")
    assert 1 == world.value("last_rollout_success")
    assert WALL < (world.value("last_rollout_timestamp_seconds") or 0) <= WALL + world.clock()
    assert 1 == world.value("processes_left_total", "finished")


def test_checks_are_timed_and_refusals_counted():
    """From the order to the answer; what is cancelled took no time."""
    world = metered(check=True)
    world.check_seconds = 0.75
    world.save("r1", passes=False)
    world.advance(5)
    assert (1, near(0.75, abs=0.1)) == world.spread("phase_duration_seconds", "check")
    assert 1 == world.value("refusals_total", "check")
    world.save("r2")
    world.advance(0.5)
    world.save("r3")
    world.advance(10)
    assert 2 == world.spread("phase_duration_seconds", "check")[0]
    assert 1 == world.value("rollouts_total", "complete")


def test_only_the_save_that_is_served_counts():
    """A refused save, and one that was taken back, are not the beginning of the wait for a later one."""
    world = metered(check=True)
    world.save("r1", passes=False)
    world.advance(100)
    world.save("r0")
    world.advance(100)
    world.touch()
    world.advance(100)
    world.save("r2")
    world.advance(10)
    count, seconds = world.spread("save_to_ready_seconds")
    assert 1 == count
    assert seconds < 3


def test_a_rollout_that_no_save_caused_has_no_save():
    """What is rolled out again, or found by a rescan, was not saved just now."""
    world = metered(1, max_surge=0)
    world.lose_file_events = True
    world.save("r1")
    world.advance(60)
    assert 1 == world.value("missed_changes_total")
    assert 1 == world.value("rollouts_total", "complete")
    assert (0, 0.0) == world.spread("save_to_ready_seconds")


def test_a_burst_counts_from_its_first_event():
    world = metered()
    world.touch("app.py", ChangeKind.WRITING)
    world.advance(1.0)
    world.save("r1")
    world.advance(10)
    count, seconds = world.spread("save_to_ready_seconds")
    rollout = world.spread("rollout_duration_seconds")[1]
    assert 1 == count
    assert rollout + 1.0 < seconds < rollout + 1.5


def test_a_bad_boot_in_numbers():
    """Halted three times, then held; nothing old was touched."""
    world = metered()
    world.save("r1", boot=Boot(dies_after=0.1))
    world.advance(60)
    assert 3 == world.value("rollouts_total", "halted")
    assert (1, 2) == (
        world.value("rollouts_begun_total", "files"),
        world.value("rollouts_begun_total", "retry"),
    )
    assert (world.value("process_failures_total") or 0) >= 3
    assert 0 == world.value("last_rollout_success")
    assert (0, 0.0) == world.spread("rollout_duration_seconds")
    world.look()
    assert 1 == world.value("target_condition", "HELD")
    assert 0 == world.value("target_condition", "READY")
    assert 1 == world.value("outdated_processes")
    assert 1 == world.value("ready_processes")


def test_what_is_drained_and_what_is_cut():
    """Three connections were busy when it was asked to leave, one when its time was over."""
    world = metered(1, max_surge=0, drain="http", quiesce_signal="USR1", lame_duck=0.5, drain_timeout=10.0)
    busy = iter([3, 1])
    world.in_flight = lambda name: next(busy)  # type: ignore[method-assign]
    world.busy[A] = None
    looks = world._draining
    world._draining = Unanswered(looks)
    world.save("r1")
    world.advance(30)
    assert 1 == world.value("processes_left_total", "stopped")
    assert (2, 1) == (
        world.value("drained_connections_total"),
        world.value("cut_connections_total"),
    )
    assert (1, near(10.5, abs=0.6)) == world.spread("phase_duration_seconds", "drain")
    assert 1 == world.spread("phase_duration_seconds", "stop")[0]


class Unanswered(dict):  # type: ignore[type-arg]
    """Looks at work in hand that nobody answers."""

    def items(self):  # type: ignore[no-untyped-def]
        return ()


def test_a_process_that_must_be_killed():
    world = metered(1, max_surge=0)
    world.supervisor.programs[A].behaviour = Boot(drains_in=None)
    world.save("r1")
    world.advance(60)
    assert 1 == world.value("processes_left_total", "killed")
    assert (1, near(10.0, abs=0.6)) == world.spread("phase_duration_seconds", "drain")
    assert (1, near(10.0, abs=0.6)) == world.spread("phase_duration_seconds", "stop")


def test_a_process_that_is_stopped_by_hand_is_not_counted():
    world = metered()
    world.supervisor.stop(A)
    world.advance(10)
    world.look()
    assert 0 == world.value("processes_left_total", "finished")
    assert 1 == world.value("target_condition", "STOPPED")


def test_signalled_processes_boot_too():
    """From the signal until the probe passes again, not from the birth of the process."""
    world = metered(1, max_surge=0, strategy=type(metered().settings.strategy)("signal"))
    world.advance(1000)
    world.save("r1")
    world.advance(10)
    count, seconds = world.spread("phase_duration_seconds", "boot")
    assert 1 == count
    assert seconds < 3


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.__name__)
def test_every_story_can_be_counted(scenario):
    """Whatever happens, no label has a value that is not one of its own, and nothing counts backwards."""
    metering = Metering(lambda: 0.0, lambda: 0.0, ("1", "4", "3"))
    stories = scenario().stories
    for story in stories:
        metering.tell(story)
    values = metering.tally.read().values
    assert not [value for series in values.values() for value in series.values() if value < 0]
    told = {story.event.removeprefix("rollout ") for story in stories if story.event.startswith("rollout ")}
    ends = {
        labels[1]
        for each, series in values.items()
        if each.short_name == "rollouts_total"
        for labels in series
    }
    assert ends == told & {*OUTCOMES}
    begun = {s.values["trigger"] for s in stories if s.event == "rollout began"}
    assert begun <= {*TRIGGERS}


def test_every_end_of_a_rollout_is_an_outcome():
    """An end that the story learns to tell must be counted, too."""
    told = {story.event for scenario in SCENARIOS for story in scenario().stories}
    others = {"began", "resumed", "grew", "echoed", "put off"}
    ends = {event.removeprefix("rollout ") for event in told if event.startswith("rollout ")} - others
    assert ends <= {*OUTCOMES}
    assert {"complete", "halted", "aborted", "withdrawn", "superseded"} <= ends


def test_a_story_of_nobody_is_not_counted():
    metering = Metering(lambda: 0.0, lambda: 0.0, ("1", "4", "3"))
    before = metering.tally.read()
    metering.tell(Story(target="journal", event="journal failed", level="error", values={"reason": "full"}))
    assert before == metering.tally.read()
