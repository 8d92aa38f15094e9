"""The reconciler in a world of memory: every strategy, every failure, an operator's hand."""

from __future__ import annotations

import pytest

from supervisor_reload.core.model import ProcessState as S
from tests.fakes.supervisord import Boot
from tests.fakes.world import World, settled, web

A, B = "web:web_00", "web:web_01"
BROKEN = Boot(dies_after=0.1)


@pytest.fixture
def swap() -> World:
    """One replica, one spare slot, settled."""
    return settled(World(web()))


def test_surplus_is_retired_once_replicas_are_ready() -> None:
    """supervisord starts every slot; one of two is stopped again."""
    world = World(web())
    world.supervisor.boot_all()
    world.advance(5)
    assert [S.RUNNING, S.STOPPED] == world.states()
    assert [("stop", B)] == world.orders


def test_swap_starts_the_new_before_it_stops_the_old(swap: World) -> None:
    """The spare slot boots the new code; the old one leaves when the new one is ready."""
    swap.save("r1")
    swap.advance(5)
    assert [("start", B), ("stop", A)] == swap.orders
    assert [S.STOPPED, S.RUNNING] == swap.states()
    assert "r1" == swap.target.slots[B].revision
    assert [
        "rollout began",
        "slot started",
        "slot ready",
        "slot retiring",
        "slot left",
        "rollout complete",
    ] == (swap.events())


def test_swap_boots_before_the_burst_is_over(swap: World) -> None:
    """Waiting costs only where something would be lost: a spare slot does not wait for quiet."""
    swap.save("r1")
    swap.advance(0.02)
    assert [("start", B)] == swap.orders


def test_a_burst_that_goes_on_replaces_the_early_boot(swap: World) -> None:
    """One burst is one rollout, of the final content."""
    swap.save("r1")
    swap.advance(0.06)
    swap.save("r2")
    swap.advance(5)
    assert "r2" == swap.target.slots[B].revision
    assert 1 == swap.events().count("rollout complete")
    assert [S.STOPPED, S.RUNNING] == swap.states()


def test_no_change_of_content_is_no_rollout(swap: World) -> None:
    """A touch, or the same bytes again, changes nothing."""
    swap.touch()
    swap.advance(5)
    assert [] == swap.orders
    assert [] == swap.events()


def test_bad_boot_costs_nothing(swap: World) -> None:
    """The new code dies at boot: the old process keeps serving, and the rollout halts with the reason."""
    swap.save("r1", boot=BROKEN)
    swap.advance(0.5)
    assert [A] == swap.ready()
    halted = swap.story("rollout halted")
    assert "Exited too quickly" in str(halted.values["reason"])
    assert f"last words of {B}" == halted.values["last_words"]
    assert (A,) == halted.values["serving"]
    swap.advance(60)
    assert [S.RUNNING, S.STOPPED] == swap.states()
    assert ("stop", A) not in swap.orders
    assert 3 == swap.events().count("rollout halted")
    assert swap.story("rollout halted").values["held"]


def test_the_next_good_save_lifts_a_hold(swap: World) -> None:
    """A held revision is left alone only until the files change."""
    swap.save("r1", boot=BROKEN)
    swap.advance(60)
    swap.save("r2")
    swap.advance(5)
    assert [S.STOPPED, S.RUNNING] == swap.states()
    assert "r2" == swap.target.slots[B].revision


def test_never_ready_is_a_failure(swap: World) -> None:
    """A process that lives but never answers does not replace the old one."""
    swap.save("r1", boot=Boot(ready_after=None))
    swap.advance(20)
    assert [A] == swap.ready()
    assert "not ready within 5 s: HTTP status 503" == swap.story("rollout halted").values["reason"]


def test_a_revert_in_the_middle_withdraws_the_rollout(swap: World) -> None:
    """The files are back to what serves: the boot is taken back, the old process keeps its pid."""
    pid = swap.supervisor.programs[A].pid
    swap.save("r1")
    swap.advance(0.5)
    swap.save("r0")
    swap.advance(5)
    assert [S.RUNNING, S.STOPPED] == swap.states()
    assert pid == swap.supervisor.programs[A].pid
    assert "rollout withdrawn" in swap.events()


@pytest.mark.fault(39)
def test_change_during_a_rollout_is_the_next_one(swap: World) -> None:
    """The newest content wins; the stale boot is replaced at once."""
    swap.save("r1")
    swap.advance(0.5)
    swap.save("r2")
    swap.advance(5)
    assert "r2" == swap.target.slots[B].revision
    assert "rollout superseded" in swap.events()
    assert "boot replaced" in swap.events()


def test_git_holds_the_burst_open(swap: World) -> None:
    """While git works there is neither a reading nor a boot."""
    swap.git_held = True
    for number in range(40):
        swap.save(f"g{number}")
        swap.advance(0.1)
    assert [] == swap.orders
    swap.git_held = False
    swap.advance(5)
    assert 1 == swap.events().count("rollout complete")
    assert "g39" == swap.target.slots[B].revision


def test_a_stale_git_lock_does_not_wait_for_ever(swap: World) -> None:
    """git_wait ends a burst although the lock is still there."""
    swap.git_held = True
    swap.save("r1")
    swap.advance(40)
    assert "r1" == swap.target.slots[B].revision


def test_plain_restart_drains_then_starts() -> None:
    """One program that owns its port: signal, exit, start, verify."""
    world = settled(World(web(1, max_surge=0), autorestart="false"))
    world.save("r1")
    world.advance(5)
    assert [("TERM", A), ("start", A)] == world.orders
    assert [S.RUNNING] == world.states()
    assert "rollout complete" == world.events()[-1]


def test_autorestart_that_was_faster_is_not_fought() -> None:
    """EXITED after our signal, and supervisord starts it at once: that is as good."""
    world = settled(World(web(1, max_surge=0), autorestart="true"))
    world.save("r1")
    world.advance(5)
    assert [("TERM", A)] == world.orders
    assert "r1" == world.target.slots[A].revision
    assert "rollout complete" == world.events()[-1]


def test_plain_restart_waits_for_quiet() -> None:
    """Without a spare slot the whole burst is waited for."""
    world = settled(World(web(1, max_surge=0)))
    for number in range(10):
        world.save(f"r{number}")
        world.advance(0.04)
        assert [] == world.orders
    world.advance(5)
    assert 1 == world.events().count("rollout began")


def test_check_protects_the_old_process() -> None:
    """Code that the check refuses touches nothing."""
    world = settled(World(web(1, max_surge=0, check=True)))
    world.save("r1", passes=False)
    world.advance(10)
    assert [] == world.orders
    assert ["check failed"] == world.events()
    world.save("r2")
    world.advance(5)
    assert "r2" == world.target.slots[A].revision


@pytest.mark.fault(32)
def test_drain_has_a_limit() -> None:
    """A process that ignores the graceful signal is stopped after drain_timeout, and started again."""
    world = World(web(1, max_surge=0, drain_timeout=3.0, stop_timeout=2.0))
    world.code = type(world.code)(revision="r0", boot=Boot(drains_in=None))
    settled(world)
    world.save("r1")
    world.advance(20)
    assert [("TERM", A), ("stop", A), ("start", A)] == world.orders
    assert "drain timed out" in world.events()
    assert [S.RUNNING] == world.states()


@pytest.mark.fault(2)
def test_graceful_signal_is_never_sent_twice() -> None:
    """celery takes a second TERM for "kill the tasks"."""
    world = World(web(1, max_surge=0, drain_timeout=30.0))
    world.code = type(world.code)(revision="r0", boot=Boot(drains_in=10))
    settled(world)
    for number in range(5):
        world.save(f"r{number + 1}")
        world.advance(1)
    signals = world.supervisor.programs[A].signals
    assert 1 == len(signals)
    world.advance(20)
    assert "r5" == world.target.slots[A].revision


def test_rolling_replaces_one_at_a_time() -> None:
    """Never fewer ready processes than replicas - max_unavailable."""
    world = settled(World(web(4, replicas=4, max_surge=0)))
    lowest = []
    world.on_order = lambda verb, name: lowest.append(len(world.ready())) if verb == "TERM" else None
    world.save("r1")
    world.advance(30)
    assert [4, 4, 4, 4] == lowest
    assert {"r1"} == {slot.revision for slot in world.target.slots.values()}
    assert 1 == world.events().count("rollout complete")


@pytest.mark.fault(11)
def test_rolling_stops_at_the_first_failure() -> None:
    """The others keep the old code."""
    world = settled(World(web(4, replicas=4, max_surge=0)))
    world.save("r1", boot=BROKEN)
    world.advance(60)
    assert 3 == len(world.ready())
    assert 3 == sum(slot.revision == "r0" for slot in world.target.slots.values())


def test_blue_green_numbers() -> None:
    """numprocs=4, replicas=2, max_surge=2: both new ones come up before the old ones leave."""
    world = settled(World(web(4, replicas=2, max_surge=2)))
    world.save("r1")
    world.advance(10)
    assert [("start", "web:web_02"), ("start", "web:web_03"), ("stop", A), ("stop", B)] == world.orders
