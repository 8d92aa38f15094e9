"""How the engine goes on and ends: its inbox, its deadlines, and a supervisord that no longer talks to it."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from supervisor_reload.core.coordinator import Coordinator
from supervisor_reload.core.facts import (
    ChangeKind,
    FileChanged,
    ListenerClosed,
    SupervisorStopping,
    Ticked,
)
from supervisor_reload.engine import BATCH, DEAF_AFTER, Engine, Inbox
from tests.fakes.mood import Mood, moody
from tests.fakes.world import World, web


@pytest.fixture
def mood() -> Mood:
    return moody(World(web()))


def test_without_ticks_it_leaves(mood: Mood) -> None:
    """supervisord no longer talks to us: the process still runs, and only a new one would be heard."""
    mood.world.clock.now += DEAF_AFTER - 6
    assert mood.world.engine.turn([]) is None
    mood.world.clock.now += 12
    end = mood.world.engine.turn([])
    assert end is not None
    assert "no TICK_5 from supervisord for 30 s" in end.reason
    assert not end.is_expected, "supervisord must start us again"


def test_a_tick_in_time_keeps_it(mood: Mood) -> None:
    """However late the turn: the tick counts before the question."""
    mood.world.clock.now += DEAF_AFTER + 5
    assert mood.world.engine.turn([Ticked()]) is None


def test_the_end_is_at_once(mood: Mood) -> None:
    """Facts behind it in the queue are not taken any more."""
    mood.world.save("r1")
    asked = mood.asked.total()
    bye = ListenerClosed(reason="bye")
    assert bye == mood.world.engine.turn([bye, SupervisorStopping()])
    assert asked == mood.asked.total()


def real(world: World) -> tuple[Engine, Inbox]:
    """The engine of a world, on the clock on the wall and with an inbox of its own."""
    inbox = Inbox()
    outside = replace(world.engine._outside, clock=time.monotonic)
    return Engine(Coordinator([world.settings]), inbox, outside), inbox


def test_run_takes_what_is_in_the_inbox() -> None:
    """More than one batch of file events, then the end."""
    engine, inbox = real(World(web()))
    for number in range(2 * BATCH + 5):
        inbox.put(FileChanged(target="web", path=f"/app/{number}", kind=ChangeKind.SETTLED))
    inbox.put(ListenerClosed(reason="the end"))
    assert "the end" == engine.run().reason


def test_run_wakes_by_itself_when_something_is_due() -> None:
    """The first reading is due at once, the second when the burst went quiet; no fact comes in between."""
    world = World(web(1, max_surge=0))
    computed = threading.Semaphore(0)
    world.compute = lambda *_, **__: computed.release()  # type: ignore[method-assign]
    engine, inbox = real(world)
    thread = threading.Thread(target=engine.run)
    thread.start()
    try:
        assert computed.acquire(timeout=10)
        inbox.put(FileChanged(target="web", path="/app/a", kind=ChangeKind.WRITING))
        assert computed.acquire(timeout=10)
    finally:
        inbox.put(ListenerClosed(reason="the end"))
        thread.join(10)
    assert not thread.is_alive()
