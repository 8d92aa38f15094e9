"""A process's way out: asked to take no new work, given time to finish, stopped; each step once."""

from __future__ import annotations

import pytest

from supervisor_reload.core.errors import SupervisorUnavailable
from supervisor_reload.core.model import ProcessState as S
from supervisor_reload.core.model import SlotName
from supervisor_reload.core.phase import Phase
from tests.fakes.mood import moody
from tests.fakes.supervisord import Boot
from tests.fakes.world import World, settled, web

A, B = SlotName("web:web_00"), SlotName("web:web_01")


def verbs(world: World, name: SlotName) -> list[str]:
    return [verb for verb, slot in world.orders if slot == name]


def pids(world: World, signal: str) -> list[int]:
    return [pid for p in world.supervisor.programs.values() for pid, got in p.signals if got == signal]


def test_a_surplus_process_is_quiesced_then_drained_then_stopped() -> None:
    """With a spare slot: QUIESCING for lame_duck, DRAINING while it is busy, then the one stop."""
    world = settled(World(web(2, drain="http", quiesce_signal="USR1", lame_duck=0.5)))
    old = next(iter(world.ready()))
    world.busy[old] = world.clock.now + 4
    world.save("r1")
    world.advance(2)
    assert world.target.slots[old].phase is Phase.DRAINING
    assert verbs(world, old) == ["USR1"]
    world.advance(6)
    assert verbs(world, old) == ["USR1", "stop"]
    told = [
        e for e in world.events() if e in ("slot quiescing", "slot draining", "slot drained", "slot retiring")
    ]
    assert told == ["slot quiescing", "slot draining", "slot drained", "slot retiring"]
    assert world.target.slots[old].phase is Phase.SPARE
    assert world.events()[-1] == "rollout complete"


def test_a_process_in_place_gets_the_stop_signal_once_its_work_is_done() -> None:
    """Without a spare slot: the exit that follows the signal is ours, and a start follows it."""
    world = settled(World(web(1, max_surge=0, drain="connections"), autorestart="false"))
    world.busy[A] = world.clock.now + 3
    world.save("r1")
    world.advance(2)
    assert verbs(world, A) == []
    world.advance(3)
    assert verbs(world, A) == ["TERM", "start"]
    world.advance(5)
    assert world.events()[-1] == "rollout complete"


def test_lame_duck_is_waited_for_before_the_work_is_looked_at() -> None:
    """A load balancer takes its time to notice; until then new work may still come."""
    world = settled(
        World(web(1, max_surge=0, drain="http", quiesce_signal="USR2", lame_duck=2.0), autorestart="false")
    )
    world.save("r1")
    world.advance(1.5)
    assert world.target.slots[A].phase is Phase.QUIESCING
    world.busy[A] = world.clock.now + 2  # came meanwhile
    world.advance(1.5)
    assert world.target.slots[A].phase is Phase.DRAINING
    assert verbs(world, A) == ["USR2"]
    world.advance(5)
    assert verbs(world, A) == ["USR2", "TERM", "start"]


def test_work_that_never_ends_is_cut_at_the_limit_and_counted() -> None:
    """drain_timeout is where the operator draws the line; what it cuts is told."""
    world = settled(World(web(2, drain="http", drain_timeout=5.0)))
    old = next(iter(world.ready()))
    world.busy[old] = None
    world.save("r1")
    world.advance(10)
    told = world.story("drain timed out")
    assert told.values["in_flight"] == 1
    assert told.values["reason"] == "1 busy connection"
    assert told.values["limit"] == 5.0
    assert verbs(world, old) == ["stop"]
    assert world.events()[-1] == "rollout complete"


def test_in_place_too_the_limit_is_followed_by_the_one_stop_signal() -> None:
    """The work that is cut gets the graceful signal and stopwaitsecs all the same."""
    world = settled(World(web(1, max_surge=0, drain="http", drain_timeout=5.0), autorestart="false"))
    world.busy[A] = None
    world.save("r1")
    world.advance(10)
    assert verbs(world, A) == ["TERM", "start"]
    assert world.story("drain timed out").level == "warning"


def test_drained_but_deaf_to_the_stop_signal_is_stopped_after_stopwaitsecs() -> None:
    """supervisord's stopwaitsecs does not apply to our signal: then stopProcess does what is needed."""
    world = settled(World(web(1, max_surge=0, drain="http", stop_timeout=3.0), autorestart="false"))
    world.supervisor.programs[A].behaviour = Boot(drains_in=None)
    world.save("r1")
    world.advance(2)
    assert verbs(world, A) == ["TERM"]
    world.advance(20)
    assert verbs(world, A) == ["TERM", "stop", "start"]
    told = [event for event in world.events() if "timed out" in event or "ignored" in event]
    assert told == ["stop signal ignored", "stop timed out"]
    assert world.events()[-1] == "rollout complete"


def test_what_supervisord_kills_is_counted_before() -> None:
    """A retired process that does not end within stopwaitsecs: how many connections its KILL cuts."""
    world = settled(World(web(2, stop_timeout=4.0)))
    old = next(iter(world.ready()))
    world.supervisor.programs[old].behaviour = Boot(drains_in=None)
    world.busy[old] = None
    world.save("r1")
    world.advance(12)
    told = world.story("stop timed out")
    assert told.values["in_flight"] == 1
    assert told.values["slot"] == old
    assert world.events().count("stop timed out") == 1
    assert world.events()[-1] == "rollout complete"


def test_a_process_that_ends_in_time_is_no_story_of_a_kill() -> None:
    """Nothing was cut."""
    world = settled(World(web(2, stop_timeout=4.0)))
    world.save("r1")
    world.advance(12)
    assert "stop timed out" not in world.events()


@pytest.mark.parametrize("seconds", [0.3, 2.5])
def test_no_signal_is_repeated_by_a_newer_save(seconds: float) -> None:
    """A save in the middle of QUIESCING or DRAINING: the process that leaves is not asked again."""
    world = settled(
        World(web(1, max_surge=0, drain="http", quiesce_signal="USR1", lame_duck=1.0), autorestart="false")
    )
    world.busy[A] = world.clock.now + 6
    world.save("r1")
    world.advance(seconds)
    world.save("r2")
    world.advance(15)
    assert verbs(world, A) == ["USR1", "TERM", "start"]
    assert world.events()[-1] == "rollout complete"
    assert world.target.slots[A].revision == "r2"


def test_a_quiesced_process_is_replaced_though_the_files_went_back() -> None:
    """It takes no new work, and there is no signal that takes this back."""
    world = settled(
        World(web(1, max_surge=0, drain="http", quiesce_signal="USR1", lame_duck=1.0), autorestart="false")
    )
    world.busy[A] = world.clock.now + 4
    world.save("r1")
    world.advance(0.5)
    world.save("r0")
    world.advance(12)
    assert verbs(world, A) == ["USR1", "TERM", "start"]
    assert world.target.slots[A].phase is Phase.READY
    assert world.target.rollout is None


@pytest.mark.parametrize("phase", [Phase.QUIESCING, Phase.DRAINING])
def test_an_operators_stop_on_the_way_out_is_obeyed(phase: Phase) -> None:
    """STOPPED while we had only asked or signalled is somebody's wish: nothing is started."""
    world = settled(
        World(web(1, max_surge=0, drain="http", quiesce_signal="USR1", lame_duck=1.0), autorestart="false")
    )
    world.busy[A] = world.clock.now + 5
    world.save("r1")
    while world.target.slots[A].phase is not phase:
        world.advance(0.1, step=0.1)
    world.supervisor.stop(A)
    world.advance(20)
    assert world.states() == [S.STOPPED]
    assert "start" not in verbs(world, A)


@pytest.mark.parametrize("autorestart", ["true", "unexpected", "false"])
@pytest.mark.parametrize("max_surge", [0, 1])
def test_a_process_that_the_quiesce_signal_ends_is_followed_by_the_next(
    autorestart: str, max_surge: int
) -> None:
    """A program without a handler for USR1 dies of it: the new code serves all the same."""
    settings = web(2, replicas=2 - max_surge, max_surge=max_surge, drain="http", quiesce_signal="QUIT")
    world = settled(World(settings, autorestart=autorestart))
    world.save("r1")
    world.advance(15)
    assert world.events()[-1] == "rollout complete"
    assert len(world.ready()) == 2 - max_surge
    assert pids(world, "QUIT") and len(set(pids(world, "QUIT"))) == len(pids(world, "QUIT"))


@pytest.mark.parametrize("came_through", [False, True])
def test_a_quiesce_signal_of_which_nobody_knows_is_never_repeated(came_through: bool) -> None:
    """supervisord did not answer in time: it may have sent it. The rollout goes on all the same."""
    settings = web(1, max_surge=0, drain="http", quiesce_signal="USR1", lame_duck=0.5)
    world = settled(World(settings, autorestart="false"))
    real = world.supervisor.signal

    def stall(name: SlotName, signal: str) -> None:
        world.supervisor.signal = real  # type: ignore[method-assign]
        if came_through:
            real(name, signal)
        raise SupervisorUnavailable("supervisord can't be asked: timed out")

    world.supervisor.signal = stall  # type: ignore[method-assign]
    world.save("r1")
    world.advance(15)
    assert len(pids(world, "USR1")) == came_through
    assert world.events()[-1] == "rollout complete"


def test_a_quiesce_signal_that_was_never_sent_is_sent_when_supervisord_is_back() -> None:
    """supervisord could not even be asked about the process: the order is repeated."""
    settings = web(1, max_surge=0, drain="http", quiesce_signal="USR1", lame_duck=0.5)
    mood = moody(World(settings, autorestart="false"))
    world = mood.world
    world.on_order = lambda verb, name: None
    world.save("r1")
    while world.target.slots[A].phase is not Phase.QUIESCING:
        mood.before["process"] = mood.goes_away
        world.advance(0.02, step=0.02)
    mood.comes_back()
    world.advance(20)
    assert len(pids(world, "USR1")) == 1
    assert world.events()[-1] == "rollout complete"


@pytest.mark.parametrize("lose_events", [False, True])
@pytest.mark.parametrize("startsecs_over", [0.0, 2.0])
def test_autorestart_does_not_fill_a_slot_that_was_to_be_empty(
    lose_events: bool, startsecs_over: float
) -> None:
    """A surplus process that ends on its quiesce signal, or is killed in its drain, leaves no second one."""
    settings = web(2, drain="http", quiesce_signal="QUIT", lame_duck=startsecs_over)
    world = settled(World(settings, autorestart="true", lose_events=lose_events, lose_exits=lose_events))
    world.save("r1")
    world.advance(20)
    assert len(world.ready()) == 1
    assert world.events().count("rollout complete") == 1
    assert sorted(state.value for state in world.states()) in (["RUNNING", "STOPPED"], ["EXITED", "RUNNING"])


def test_a_spare_slot_that_is_started_by_hand_later_is_left_alone() -> None:
    """Only what comes at once is autorestart's."""
    world = settled(World(web(2, drain="http", quiesce_signal="QUIT"), autorestart="false"))
    world.save("r1")
    world.advance(20)
    spare = next(name for name in (A, B) if name not in world.ready())
    world.supervisor.start(spare)
    world.advance(10)
    assert len(world.ready()) == 2
