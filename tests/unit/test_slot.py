"""The life of one slot, transition by transition: what a look, a probe, a refusal or the time makes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from supervisor_reload.core import slotstory
from supervisor_reload.core.looks import observe
from supervisor_reload.core.model import (
    Process,
    ProcessState,
    ReadySettings,
    Revision,
    SlotName,
    SlotSettings,
)
from supervisor_reload.core.moves import Moves
from supervisor_reload.core.phase import TRANSITIONS, Phase
from supervisor_reload.core.slot import (
    LOOK_INTERVAL,
    REAP_INTERVAL,
    Slot,
    elapse,
    end_process,
    fail_probe,
    miss,
    pass_probe,
    refuse,
)
from supervisor_reload.core.target import Target
from tests.fakes.world import web

S = ProcessState
NAME = SlotName("web:web_00")
R0, R1 = Revision("r0"), Revision("r1")
NOW = 100.0


def slot(phase: Phase, state: ProcessState = S.RUNNING, pid: int = 42, **changes: object) -> Slot:
    ready = ReadySettings(scheme="http", timeout=5.0, min_ready=2.0)
    settings = SlotSettings(name=NAME, startsecs=1.0, ready=ready)
    values: dict[str, object] = {"revision": R1, "deadline": NOW + 5, "since": NOW, "began": NOW, "soak": 2.0}
    return Slot(settings=settings, phase=phase, state=state, pid=pid, **{**values, **changes})  # type: ignore[arg-type]


def seen(state: ProcessState, pid: int = 0, detail: str = "") -> Process:
    return Process(name=NAME, state=state, pid=pid, detail=detail)


def test_every_phase_has_a_way_out() -> None:
    """And none but those of the table can be taken."""
    assert set(Phase) == set(TRANSITIONS)
    assert all(TRANSITIONS.values())
    with pytest.raises(AssertionError, match="READY"):
        slot(Phase.SPARE).enter(Phase.READY, NOW)


@pytest.mark.parametrize(
    ("phase", "state", "after", "is_by_hand"),
    [
        (Phase.READY, S.STOPPED, Phase.SPARE, True),
        (Phase.READY, S.STOPPING, Phase.SPARE, True),
        (Phase.READY, S.EXITED, Phase.FAILED, False),
        (Phase.READY, S.FATAL, Phase.FAILED, False),
        (Phase.PROBING, S.BACKOFF, Phase.FAILED, False),
        (Phase.DRAINING, S.EXITED, Phase.VACANT, False),
        (Phase.DRAINING, S.STOPPED, Phase.SPARE, True),
        (Phase.DRAINING, S.STOPPING, Phase.SPARE, True),
        (Phase.DRAINING, S.FATAL, Phase.VACANT, False),
        (Phase.STOPPING, S.STOPPED, Phase.VACANT, False),
        (Phase.STOPPING, S.STOPPING, Phase.STOPPING, False),
        (Phase.FAILED, S.STOPPED, Phase.SPARE, True),
        (Phase.FAILED, S.FATAL, Phase.FAILED, False),
    ],
)
def test_a_look_at_a_process_that_is_gone_or_going(
    phase: Phase, state: ProcessState, after: Phase, is_by_hand: bool
) -> None:
    """Who took it away decides: the operator (STOPPED without our stop), itself, or we."""
    observed = observe(slot(phase), seen(state), NOW, R0)
    assert (after, is_by_hand) == (observed.phase, observed.is_by_hand)
    assert 0 == observed.pid or after is Phase.STOPPING


def test_a_retiring_slot_is_a_spare_one_when_its_process_is_gone() -> None:
    """It is not started again."""
    assert Phase.SPARE is observe(slot(Phase.STOPPING, is_retiring=True), seen(S.STOPPED), NOW, R0).phase


@pytest.mark.parametrize("phase", [Phase.SPARE, Phase.VACANT])
def test_an_empty_slot_stays_what_it_is(phase: Phase) -> None:
    """EXITED seen again is no news; a start that fell at once is."""
    known = slot(phase, S.EXITED, 0, deadline=None)
    assert phase is observe(known, seen(S.EXITED), NOW, R0).phase
    assert phase is observe(known, seen(S.STOPPED), NOW, R0).phase
    assert Phase.FAILED is observe(known, seen(S.FATAL, detail="no such file"), NOW, R0).phase


def test_the_first_look_finds_what_fell_before_we_came() -> None:
    """It is no spare slot: a good save brings it back."""
    unknown = slot(Phase.SPARE, S.UNKNOWN, 0, deadline=None)
    assert Phase.FAILED is observe(unknown, seen(S.EXITED), NOW, R0).phase
    assert Phase.SPARE is observe(unknown, seen(S.STOPPED), NOW, R0).phase


def test_a_pid_that_the_kernel_saw_end_is_not_alive() -> None:
    """supervisord calls it RUNNING until it has reaped it: it is looked at again, soon."""
    dead = end_process(slot(Phase.READY), 42, NOW)
    assert NOW == dead.look_at
    assert not dead.is_live
    observed = observe(dead, seen(S.RUNNING, 42), NOW, R0)
    assert (Phase.READY, NOW + REAP_INTERVAL) == (observed.phase, observed.look_at)
    assert slot(Phase.READY) == end_process(slot(Phase.READY), 41, NOW)


@pytest.mark.fault(30)
def test_a_dead_process_does_not_become_ready() -> None:
    """Its probe passed, then it ended; that it was told RUNNING is worth nothing."""
    soaking = pass_probe(slot(Phase.PROBING), NOW)
    assert Phase.SOAKING is soaking.phase
    dead = end_process(soaking, 42, NOW + 1)
    assert Phase.SOAKING is elapse(dead, NOW + 3).phase
    assert Phase.READY is elapse(soaking, NOW + 3).phase


def test_a_new_pid_is_probed_whoever_started_it() -> None:
    """An autorestart or an operator: it runs what is on disk."""
    observed = observe(slot(Phase.READY), seen(S.RUNNING, 43), NOW, R0)
    assert (Phase.PROBING, 43, R0) == (observed.phase, observed.pid, observed.revision)
    ours = observe(slot(Phase.STARTING, S.STOPPED, 0), seen(S.STARTING, 43), NOW, R0)
    assert (Phase.PROBING, R1) == (ours.phase, ours.revision)


def test_a_probe_that_fails_again_begins_the_soak_anew() -> None:
    """min_ready means "ready all the time"; the reason is kept for a later timeout."""
    soaking = pass_probe(slot(Phase.PROBING), NOW)
    again = fail_probe(soaking, "HTTP status 503", NOW + 1)
    assert (Phase.PROBING, "HTTP status 503") == (again.phase, again.reason)
    assert Phase.SOAKING is elapse(pass_probe(again, NOW + 1.5), NOW + 3).phase
    assert slot(Phase.READY) == fail_probe(slot(Phase.READY), "HTTP status 503", NOW)


@pytest.mark.fault(30)
def test_flapping_has_a_limit() -> None:
    """A probe that passes and fails in turn never soaks through: ready_timeout ends it all the same."""
    flapping, now = slot(Phase.PROBING), NOW
    while flapping.phase is not Phase.FAILED:
        now += 0.05
        flapping = fail_probe(elapse(pass_probe(flapping, now), now), "no", now)
        flapping = elapse(flapping, now)
        assert now < NOW + 5 + 2 + 1, flapping
    assert now >= NOW + 5
    assert "not ready within 5 s: no" == flapping.reason


def test_a_probe_that_passed_in_time_may_soak_to_its_end() -> None:
    """ready_timeout is for the probe; min_ready comes on top."""
    soaking = pass_probe(slot(Phase.PROBING), NOW + 4.9)
    assert Phase.SOAKING is elapse(soaking, NOW + 6).phase
    assert Phase.READY is elapse(soaking, NOW + 6.9).phase
    starting = pass_probe(slot(Phase.PROBING, S.STARTING), NOW + 4.9)
    assert Phase.FAILED is elapse(starting, NOW + 7.1).phase


@pytest.mark.parametrize(
    ("phase", "reason"),
    [
        (Phase.STOPPING, "did not end within 5 s of being stopped"),
        (Phase.STARTING, "supervisord did not start it within 5 s"),
        (Phase.PROBING, "not ready within 5 s"),
    ],
)
def test_every_limit_says_what_was_waited_for(phase: Phase, reason: str) -> None:
    """At its end the slot has failed, not before."""
    assert phase is elapse(slot(phase), NOW + 4.9).phase
    failed = elapse(slot(phase), NOW + 5)
    assert (Phase.FAILED, reason) == (failed.phase, failed.reason)


REFUSALS = [
    ("BAD_NAME", Phase.READY, Phase.SPARE, None),
    ("BAD_NAME", Phase.SPARE, Phase.SPARE, None),
    ("ALREADY_STARTED", Phase.STARTING, Phase.STARTING, NOW),
    ("NOT_RUNNING", Phase.DRAINING, Phase.DRAINING, NOW),
    ("NOT_RUNNING", Phase.STOPPING, Phase.FAILED, NOW),
    ("UNAVAILABLE", Phase.STARTING, Phase.VACANT, NOW),
    ("UNAVAILABLE", Phase.STOPPING, Phase.STOPPING, NOW),
    ("UNAVAILABLE", Phase.DRAINING, Phase.DRAINING, NOW),
    ("UNAVAILABLE", Phase.PROBING, Phase.FAILED, NOW),
    ("UNANSWERED", Phase.DRAINING, Phase.DRAINING, NOW),
    ("SPAWN_ERROR", Phase.STARTING, Phase.FAILED, None),
    ("BAD_SIGNAL", Phase.PROBING, Phase.FAILED, None),
    ("FAILED", Phase.STOPPING, Phase.STOPPING, NOW + LOOK_INTERVAL),
]


@pytest.mark.fault(10)
@pytest.mark.parametrize(("code", "phase", "after", "look_at"), REFUSALS)
def test_refusals(code: str, phase: Phase, after: Phase, look_at: float | None) -> None:
    """An answer never tells what is: at most that an order came to nothing, and when to look."""
    refused = refuse(slot(phase), code, "words", NOW)
    assert (after, look_at) == (refused.phase, refused.look_at)


def test_a_slot_that_is_missed_is_nobodys() -> None:
    """From every phase: its program was removed, and comes back only by somebody's hand."""
    for phase in Phase:
        missed = miss(slot(phase), NOW)
        assert (Phase.SPARE, True, S.UNKNOWN, 0) == (
            missed.phase,
            missed.is_by_hand,
            missed.state,
            missed.pid,
        )


def test_some_changes_are_no_story() -> None:
    """What was told already, or says nothing to an operator."""
    target = Target.of(web())
    silent = [
        (slot(Phase.PROBING), slot(Phase.SOAKING)),
        (slot(Phase.SOAKING), slot(Phase.PROBING)),
        (slot(Phase.FAILED), slot(Phase.FAILED, pid=0)),
        (slot(Phase.FAILED, pid=0), slot(Phase.SPARE, pid=0)),
        (slot(Phase.FAILED), slot(Phase.SPARE, pid=0)),
        (slot(Phase.SPARE, pid=0), slot(Phase.STARTING, pid=0)),
    ]
    assert [[]] * len(silent) == [slotstory.moved(target, old, new) for old, new in silent]


def test_a_process_that_was_seen_late_is_old_enough_for_its_signal() -> None:
    """It was started long before we came: others may fall while nothing but its age is waited for."""
    settings = web(1, max_surge=0)
    late = Slot(
        settings=settings.slots[0], phase=Phase.DRAINING, state=S.RUNNING, pid=7, began=100.0, started=50.0
    )
    young = replace(late, started=100.0)
    for slot, orders in ((late, 1), (young, 0)):
        moves = Moves.of((slot,))
        moves.ask(slot, 100.01, settings)
        assert orders == len(moves.orders)
