"""The reconciler in a world of memory: what comes back, an operator's hand, signals, limits and doubts."""

from __future__ import annotations

import pytest

from supervisor_reload.core.model import ProcessState as S
from supervisor_reload.core.phase import Phase
from tests.fakes.supervisord import Boot
from tests.fakes.world import SIGNAL, Code, World, settled, web

A, B = "web:web_00", "web:web_01"
BROKEN = Boot(dies_after=0.1)


@pytest.fixture
def swap() -> World:
    """One replica, one spare slot, settled."""
    return settled(World(web()))


def test_fatal_comes_back_with_the_next_good_save() -> None:
    """And only then."""
    world = World(web(1, max_surge=0))
    world.code = type(world.code)(revision="r0", boot=BROKEN)
    settled(world)
    world.advance(20)
    assert [S.FATAL] == world.states()
    world.save("r1")
    world.advance(5)
    assert [S.RUNNING] == world.states()
    assert Phase.READY is world.target.slots[A].phase


def test_backoff_comes_back_with_the_next_good_save() -> None:
    """BACKOFF does not wait for supervisord's own retry."""
    world = World(web(1, max_surge=0))
    world.code = type(world.code)(revision="r0", boot=BROKEN)
    world.supervisor.boot_all()
    world.advance(4)
    assert [S.BACKOFF] == world.states()
    world.save("r1")
    world.advance(3)
    assert [S.RUNNING] == world.states()


def test_what_an_operator_stopped_stays_stopped() -> None:
    """A save does not start it."""
    world = settled(World(web(1, max_surge=0)))
    world.supervisor.stop(A)
    world.advance(2)
    world.save("r1")
    world.advance(10)
    assert [S.STOPPED] == world.states()
    assert [] == world.orders
    assert "nothing runs it" in world.events()


def test_an_operators_stop_ends_the_rollout() -> None:
    """In the middle of a rolling replacement: the rest keeps the old code."""
    world = settled(World(web(4, replicas=4, max_surge=0)))
    world.save("r1")
    world.advance(1.5)
    world.supervisor.stop("web:web_03")
    world.advance(30)
    assert "rollout aborted" in world.events()
    assert S.STOPPED is world.supervisor.programs["web:web_03"].state
    assert ("start", "web:web_03") not in world.orders
    assert 3 == len(world.ready())


def test_an_operators_stop_of_the_spare_boot_keeps_the_old(swap: World) -> None:
    """The old one serves on, and the next save may use the spare slot again."""
    swap.save("r1")
    swap.advance(0.5)
    swap.supervisor.stop(B)
    swap.advance(5)
    assert [A] == swap.ready()
    assert "rollout aborted" in swap.events()
    swap.save("r2")
    swap.advance(5)
    assert [S.STOPPED, S.RUNNING] == swap.states()


def test_stopping_everything_by_hand_is_obeyed(swap: World) -> None:
    """With all slots stopped, no spare slot is used to bring the program back."""
    swap.supervisor.stop(A)
    swap.advance(2)
    swap.save("r1")
    swap.advance(10)
    assert [S.STOPPED, S.STOPPED] == swap.states()


def test_signal_strategy_keeps_the_pid() -> None:
    """The application reloads itself; we signal and verify."""
    world = settled(World(web(1, max_surge=0, strategy=SIGNAL, signal="HUP")))
    pid = world.supervisor.programs[A].pid
    world.save("r1")
    world.advance(5)
    assert [("HUP", A)] == world.orders
    assert pid == world.supervisor.programs[A].pid
    assert "rollout complete" == world.events()[-1]


def test_signal_that_kills_is_told_and_repaired() -> None:
    """HUP to a program without a handler is death: it is reported, and the program is brought back."""
    world = World(web(1, max_surge=0, strategy=SIGNAL, signal="HUP"), autorestart="false")
    world.code = type(world.code)(revision="r0", boot=Boot(survives_hup=False))
    settled(world)
    world.save("r1")
    world.advance(20)
    assert "rollout halted" in world.events()
    assert [S.RUNNING] == world.states()


def test_lost_events_are_made_up_for_by_looking() -> None:
    """Level beats edge: with every event and every exit lost, a rollout still completes."""
    world = World(web(2), lose_events=True, lose_exits=True)
    settled(world)
    world.advance(10)
    world.save("r1")
    world.advance(30)
    assert "rollout complete" in world.events()


def test_min_interval_delays_the_next_rollout() -> None:
    """A storm of saves is not a storm of rollouts."""
    world = settled(World(web(1, max_surge=0, min_interval=30.0)))
    world.save("r1")
    world.advance(5)
    world.save("r2")
    world.advance(10)
    assert 1 == world.events().count("rollout began")
    world.advance(30)
    assert "r2" == world.target.slots[A].revision


def test_max_per_hour_limits_rollouts() -> None:
    """The third rollout waits for the hour to pass."""
    world = settled(World(web(1, max_surge=0, max_per_hour=2)))
    for number in range(3):
        world.save(f"s{number}")
        world.advance(60)
    assert 2 == world.events().count("rollout began")
    world.advance(3600, step=5.0)
    assert "s2" == world.target.slots[A].revision


def test_files_that_never_close_do_not_hold_everything_up(swap: World) -> None:
    """A log that is written to for ever delays a save once by max_wait, not for ever."""
    from supervisor_reload.core.facts import ChangeKind

    swap.save("r1")
    for _ in range(60):
        swap.touch("app.log", ChangeKind.WRITING)
        swap.advance(0.05)
    swap.advance(3)
    assert "r1" == swap.target.slots[B].revision


def test_a_save_during_the_first_reading_is_not_lost() -> None:
    """The first reading may hold the save already: what runs is older, and is replaced."""
    world = World(web(1, max_surge=0))
    world.supervisor.boot_all()
    world.turn()
    world.save("r1")
    world.advance(10)
    assert 1 == world.events().count("rollout complete")
    assert "r1" == world.target.slots[A].revision


def test_an_event_that_comes_after_the_first_reading_of_its_save() -> None:
    """The reading was faster than the event: what was read is still not what runs."""
    world = World(web(1, max_surge=0))
    world.supervisor.boot_all()
    world.code = Code(revision="r1")
    world.advance(0.1)
    world.touch()
    world.advance(10)
    assert 1 == world.events().count("rollout complete")


def test_a_touch_after_the_first_reading_changes_nothing() -> None:
    """Only the first reading is in doubt."""
    world = settled(World(web(1, max_surge=0)))
    world.touch()
    world.advance(5)
    assert [] == world.orders


def test_what_an_operator_started_and_fell_unseen_comes_back_with_a_save() -> None:
    """It was not stopped by hand any more, though nobody saw it run."""
    world = settled(World(web(2, replicas=2, max_surge=0), autorestart="false"))
    world.supervisor.stop(A)
    world.advance(5)
    world.lose_events = world.lose_exits = True
    world.supervisor.start(A)
    world.supervisor.crash(A)
    world.supervisor.programs[A].state = S.EXITED
    world.supervisor.programs[A].retry_at = None
    world.advance(10)
    world.save("r1")
    world.advance(30)
    assert [A, B] == world.ready()


@pytest.mark.parametrize("after", [0.0, 0.002, 0.01, 0.1])
def test_what_is_saved_while_we_begin_is_checked_too(after: float) -> None:
    """It may be read as the code that was found; that is no reason to roll it out unchecked."""
    world = World(web(1, max_surge=0, check=True))
    world.supervisor.boot_all()
    world.advance(after)
    world.save("r1", passes=False)
    world.advance(30)
    assert "check failed" in world.events()
    assert "rollout began" not in world.events()
    world.save("r2")
    world.advance(30)
    assert [A] == world.ready()
    assert "r2" == world.target.slots[A].revision
