"""The engine when the outside fails: supervisord away or refusing, an operator in between, bad observers."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from supervisor_reload.core.errors import SupervisorFault, SupervisorUnavailable
from supervisor_reload.core.facts import (
    ProcessChanged,
    SupervisorStopping,
    Ticked,
)
from supervisor_reload.core.model import ProcessState as S
from supervisor_reload.core.model import SlotName
from supervisor_reload.core.phase import Phase
from supervisor_reload.engine import LONGEST_PAUSE
from tests.fakes import world as fakes
from tests.fakes.mood import AWAY, VERBS, A, B, Mood, moody
from tests.fakes.supervisord import Program
from tests.fakes.world import SIGNAL, World, web


@pytest.fixture
def mood() -> Mood:
    return moody(World(web()))


@pytest.mark.fault(7)
def test_nothing_is_ordered_while_supervisord_is_away(mood: Mood, caplog: pytest.LogCaptureFixture) -> None:
    """It is asked again with longer pauses, told once, and everything goes on when it is back."""
    world = mood.world
    mood.goes_away()
    world.save("r1")
    with caplog.at_level(logging.INFO, "supervisor_reload.engine"):
        world.advance(22)
        assert mood.asked["start"] <= 1
        assert [S.RUNNING, S.STOPPED] == world.states()
        assert 0 < mood.asked.total() <= 7 + 22 / LONGEST_PAUSE
        assert [f"{AWAY}; trying again"] == caplog.messages
        mood.comes_back()
        world.advance(12)
    assert "supervisord answers again" == caplog.messages[-1]
    assert "rollout complete" == world.events()[-1]
    assert "r1" == world.target.slots[B].revision


def test_what_happened_meanwhile_is_looked_at(mood: Mood) -> None:
    """No event told of it: while supervisord was away a process died and was started again."""
    world = mood.world
    world.lose_events = world.lose_exits = True
    mood.goes_away()
    world.advance(1)
    world.supervisor.crash(A)
    mood.comes_back()
    world.advance(6)
    assert world.supervisor.programs[A].pid == world.target.slots[A].pid
    assert Phase.READY is world.target.slots[A].phase


@pytest.mark.parametrize("verb", ["start", "stop"])
def test_an_order_that_did_not_get_through_is_made_up_for(mood: Mood, verb: str) -> None:
    """Nobody knows whether it was carried out: a look tells, and the rollout ends well."""
    world = mood.world
    mood.errors = {verb: AWAY}
    world.save("r1")
    world.advance(3)
    assert 1 <= mood.asked[verb] <= 8
    mood.comes_back()
    world.advance(60)
    assert [S.STOPPED, S.RUNNING] == world.states()
    assert "r1" == world.target.slots[B].revision


def test_a_reload_signal_that_did_not_get_through_is_no_reload() -> None:
    """Nobody knows whether it got it: it is neither called ready nor signalled twice, but replaced."""
    mood = moody(World(web(1, max_surge=0, strategy=SIGNAL)))
    world = mood.world
    mood.before["signal"] = mood.goes_away
    world.save("r1")
    world.advance(5)
    assert not mood.before
    assert [] == world.supervisor.programs[A].signals
    assert "rollout complete" not in world.events()
    mood.comes_back()
    world.advance(30)
    assert ["TERM"] == [signal for _, signal in world.supervisor.programs[A].signals]
    assert "rollout complete" == world.events()[-1]


def test_a_refused_reload_signal_is_no_reload() -> None:
    """BAD_SIGNAL, or supervisord may not signal it: the rollout halts and says so."""
    mood = moody(World(web(1, max_surge=0, strategy=SIGNAL)))
    mood.errors = {"signal": SupervisorFault("BAD_SIGNAL", "BAD_SIGNAL: HUP")}
    mood.world.save("r1")
    mood.world.advance(60)
    halted = mood.world.story("rollout halted")
    assert ("BAD_SIGNAL: HUP", True) == (halted.values["reason"], halted.values["held"])
    assert "rollout complete" not in mood.world.events()


@pytest.mark.fault(9)
def test_after_one_lost_order_the_others_wait() -> None:
    """Each would wait for its own limit: a stalled supervisord costs one, not one for every slot."""
    mood = moody(World(web(4, replicas=4, max_surge=0, max_unavailable=3)))
    world = mood.world
    world.save("r1")
    world.advance(0.05)
    mood.asked.clear()
    mood.before["process"] = mood.goes_away
    world.advance(0.08)
    assert not mood.before, "the first order found out"
    assert 0 == mood.asked.total(), "and another was tried"
    mood.comes_back()
    world.advance(60)
    assert {"r1"} == {slot.revision for slot in world.target.slots.values()}


def test_spawn_errors_halt_with_supervisords_words(mood: Mood) -> None:
    """A command that is gone: the old process goes on."""
    mood.errors = {"start": SupervisorFault("NO_FILE", "can't find command '/app/serve'")}
    mood.world.save("r1")
    mood.world.advance(60)
    assert "can't find command '/app/serve'" == mood.world.story("rollout halted").values["reason"]
    assert [A] == mood.world.ready()


@pytest.mark.fault(41)
@pytest.mark.parametrize("loses", [A, B])
def test_a_program_that_was_removed_is_nobodys(mood: Mood, loses: SlotName) -> None:
    """supervisorctl update took it away in the middle of a rollout, and gives it back."""
    world = mood.world
    world.save("r1")
    world.advance(0.3)
    removed = world.supervisor.programs.pop(loses)
    world.supervisor.on_change(loses)
    world.advance(20)
    assert world.target.rollout is None
    assert S.UNKNOWN is world.target.slots[loses].state
    world.supervisor.programs = {
        A: world.supervisor.programs.get(A, removed),
        B: world.supervisor.programs.get(B, removed),
    }
    world.advance(20)
    assert world.supervisor.programs[loses].state is world.target.slots[loses].state


def test_a_supervisord_in_shutdown_refuses_to_tell(mood: Mood) -> None:
    """The refusal may come before the event that says so; the edge tells it as being away."""
    fault = SupervisorUnavailable("supervisord is shutting down")
    mood.errors = dict.fromkeys(VERBS, fault)
    mood.world.save("r1")
    mood.world.put(Ticked())
    mood.world.advance(20)
    assert [] == mood.world.orders


@pytest.mark.fault(5)
def test_a_supervisord_that_stops_is_left_alone(mood: Mood) -> None:
    """Nothing is asked or ordered, and waiting for its end costs nothing although slots change."""
    world = mood.world
    world.put(SupervisorStopping())
    world.advance(0.1)
    mood.asked.clear()
    world.save("r1")
    world.put(ProcessChanged(name=A))
    world.advance(20)
    assert 0 == mood.asked.total()
    assert world.engine.wakes_at(world.clock.now) > world.clock.now + 20


@pytest.mark.fault(34)
def test_an_operators_stop_a_moment_before_our_signal() -> None:
    """He was first: the process gets one TERM, and stays stopped."""
    mood = moody(World(web(1, max_surge=0)))
    world = mood.world
    world.save("r1")
    mood.before["process"] = lambda: world.supervisor.stop(A)
    world.advance(20)
    assert ["TERM"] == [signal for _, signal in world.supervisor.programs[A].signals]
    assert [S.STOPPED] == world.states()
    assert "rollout aborted" in world.events()


def test_stale_bytecode_is_gone_before_a_start(mood: Mood) -> None:
    """Before each, by the name of the target."""
    told: list[object] = []
    mood.world.discard_stale_bytecode = told.append  # type: ignore[method-assign]
    mood.world.on_order = lambda verb, name: told.append((verb, name))
    mood.world.save("r1")
    mood.world.advance(5)
    assert ["web", ("start", B), ("stop", A)] == told


def test_the_exit_of_every_process_of_ours_is_watched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """And of nobody else's."""
    watched: list[tuple[SlotName, int]] = []
    monkeypatch.setattr(fakes.Exits, "watch", lambda _, name, pid: watched.append((name, pid)))
    world = World(web(1, max_surge=0), autorestart="true")
    other = SlotName("db:db")
    world.supervisor.programs[other] = Program(name=other, boot=lambda: world.code.boot)
    world.supervisor.boot_all()
    world.advance(20)
    first = world.supervisor.programs[A].pid
    world.supervisor.crash(A)
    world.advance(20)
    assert [(A, first), (A, world.supervisor.programs[A].pid)] == watched


def test_an_observer_that_fails_ends_nothing(mood: Mood, caplog: pytest.LogCaptureFixture) -> None:
    """The others are told all the same."""

    def fail(story: object) -> None:
        raise ZeroDivisionError

    world = mood.world
    surroundings = world.engine._surroundings
    surroundings._outside = replace(surroundings._outside, observers=(fail, world.stories.append))
    world.save("r1")
    with caplog.at_level(logging.ERROR, "supervisor_reload.engine"):
        world.advance(5)
    assert "rollout complete" == world.events()[-1]
    assert "an observer failed on rollout began" == caplog.messages[0]
    assert caplog.records[0].exc_info


def test_a_story_without_evidence_is_told(mood: Mood) -> None:
    """supervisord is away in the moment when the last words are asked for."""
    mood.errors = {"start": SupervisorFault("NO_FILE", "gone"), "last_words": AWAY}
    mood.world.save("r1")
    mood.world.advance(0.3)
    assert "" == mood.world.story("rollout halted").values["last_words"]


def test_a_check_of_code_that_is_gone_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order reaches the port; a check that never answers holds nothing up."""
    cancelled: list[str] = []
    monkeypatch.setattr(fakes.Checks, "run", lambda *_: None)
    monkeypatch.setattr(fakes.Checks, "cancel", lambda _, target: cancelled.append(target))
    world = World(web(1, max_surge=0, check=True))
    world.supervisor.boot_all()
    world.advance(5)
    world.save("r1")
    world.advance(1)
    assert [] == cancelled
    world.save("r2")
    world.advance(1)
    assert ["web"] == cancelled
