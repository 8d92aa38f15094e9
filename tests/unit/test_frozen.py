"""A disk without any room in a rollout: what was begun is finished, and nothing else is begun."""

from __future__ import annotations

from supervisor_reload.core.model import UNKNOWN
from supervisor_reload.core.model import ProcessState as S
from supervisor_reload.core.moves import Moves
from supervisor_reload.core.phase import Phase
from supervisor_reload.core.rollout import Rollout, roll
from supervisor_reload.core.slot import Slot
from tests.fakes.supervisord import Boot
from tests.fakes.world import SIGNAL, World, settled, web

ROLLING = web(4, replicas=4, max_surge=0)


def revisions(world: World) -> list[str]:
    return sorted(str(slot.revision) for slot in world.target.slots.values())


def test_a_rollout_is_frozen_and_goes_on() -> None:
    """One slot was being replaced: it ends on the new code. The others follow when there is room."""
    world = settled(World(ROLLING))
    world.save("r1", boot=Boot(ready_after=1.0))
    world.advance(0.5)
    world.journal.full, world.journal.room = True, 0
    world.advance(60)
    assert ["r0", "r0", "r0", "r1"] == revisions(world)
    assert all(slot.phase is Phase.READY for slot in world.target.slots.values())
    assert "journal full" in world.events()
    assert "no space left on device" in world.core.degraded
    world.journal.full = False
    world.advance(60)
    assert ["r1"] * 4 == revisions(world)
    assert "rollout complete" in world.events()
    assert "" == world.core.degraded


def test_whoever_dies_then_leaves_nothing_stopped() -> None:
    """The next listener finds the disk as full, and finishes what was begun, too."""
    world = settled(World(ROLLING, autorestart="false"))
    world.save("r1", boot=Boot(ready_after=1.0))
    world.advance(0.2)
    world.journal.full, world.journal.room = True, 90
    world.advance(0.1)
    world.down_for = 1.0
    world.kill_listener()
    world.advance(60)
    assert [S.RUNNING] * 4 == world.states()
    world.journal.full = False
    world.advance(60)
    assert ["r1"] * 4 == revisions(world)


def test_what_may_have_got_its_signal_waits_for_the_others() -> None:
    """It must be replaced, and serves until then: not while another process is down."""
    settings = web(2, replicas=2, max_surge=0, strategy=SIGNAL)
    down, unsure = settings.slots
    slots = (
        Slot(settings=down, phase=Phase.FAILED, state=S.BACKOFF, revision=UNKNOWN),
        Slot(
            settings=unsure,
            phase=Phase.FAILED,
            state=S.RUNNING,
            pid=7,
            told_pid=7,
            is_unanswered=True,
            revision=UNKNOWN,
        ),
    )
    moves = Moves.of(slots)
    roll(settings, moves, Rollout(id=1, revision="r1", began=1.0, wanted=2), 2.0, settled=True)
    assert Phase.FAILED is moves.slots[unsure.name].phase
    up = Slot(settings=down, phase=Phase.READY, state=S.RUNNING, pid=6, revision="r1")
    moves = Moves.of((up, slots[1]))
    roll(settings, moves, Rollout(id=1, revision="r1", began=1.0, wanted=2), 2.0, settled=True)
    assert Phase.DRAINING is moves.slots[unsure.name].phase
