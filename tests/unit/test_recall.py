"""What the next listener makes of what the one before left behind: files, processes, holds, lies."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from supervisor_reload.core.memory import HEALTH
from supervisor_reload.core.model import (
    UNKNOWN,
    ReactionSettings,
    Record,
    RunRule,
    WatchSettings,
)
from supervisor_reload.core.model import ProcessState as S
from supervisor_reload.core.recall import Recollection
from supervisor_reload.core.turning import emptied
from supervisor_reload.engine import Engine, Inbox
from tests.fakes.rolled import SHAPES, SLOW, A, At, B, revisions, rolled, world_of
from tests.fakes.supervisord import Boot
from tests.fakes.world import Code, web


def test_every_earlier_journal_leads_to_a_good_end() -> None:
    """Its tail was lost: the world is further than the journal knows, and nothing is taken for done."""
    for shape, settings in SHAPES.items():
        lines = len(rolled(settings).journal.lines)
        for known in range(0, lines, 2):
            world = rolled(settings)
            world.start_listener(world.past(known))
            world.advance(60)
            assert world.target.rollout is None, (shape, known)
            # what we stopped may look like an operator's hand then; it is never called what it is not
            assert revisions(world) <= {"r1", UNKNOWN}, (shape, known)
            assert settings.replicas == len(world.ready()), (shape, known)


def test_a_change_while_the_listener_was_down_is_rolled_out() -> None:
    world = world_of(web())
    world.kill_listener()
    world.code = Code(revision="r1", boot=SLOW)
    world.advance(30)
    began = world.story("rollout began")
    assert ("r1", "files", ("/app/app.py",)) == tuple(
        began.values[key] for key in ("revision", "trigger", "changed")
    )
    assert {"r1"} == revisions(world)


def test_no_change_while_the_listener_was_down_is_no_rollout() -> None:
    world = world_of(web())
    orders = len(world.orders)
    world.kill_listener()
    world.advance(60)
    assert orders == len(world.orders)
    assert "rollout began" not in world.events()


def test_what_was_started_while_the_listener_was_down_is_known_if_the_files_are_the_same() -> None:
    """With other files nobody can say what it runs: it is replaced."""
    for code, expected in (("r0", 0), ("r1", 1)):
        world = world_of(web(1, max_surge=0))
        world.kill_listener()
        world.supervisor.crash(A)
        world.supervisor.settle()
        world.code = Code(revision=code)
        world.advance(30)
        assert expected == world.events().count("rollout began")
        assert {code} == revisions(world)


def test_another_supervisord_started_everything_anew() -> None:
    """Its processes run what is on disk; what failed before is held still."""
    world = world_of(web())
    world.save("r1", boot=Boot(dies_after=0.1))
    world.advance(60)
    assert world.target.restraint.is_held
    past = Recollection(records=world.journal.found(), is_same_life=False)
    for name in (A, B):
        world.supervisor.crash(name)
        world.supervisor.programs[name].state = S.STOPPED
    world.supervisor.boot_all()
    orders = len(world.orders)
    world.start_listener(past)
    world.advance(0.3)
    assert world.target.restraint.is_held
    assert world.target.next_id > 1
    assert orders == len(world.orders), "nothing that another life ordered counts"


def test_a_lost_journal_means_that_nobody_knows_what_runs() -> None:
    world = world_of(web())
    world.start_listener(Recollection(is_lost=True))
    world.advance(30)
    assert 1 == world.events().count("rollout complete")
    assert {"r0"} == revisions(world)


def test_other_eyes_make_the_old_revisions_meaningless() -> None:
    world = world_of(web())
    world.settings = replace(world.settings, watch=WatchSettings(paths=("/app", "/lib")))
    world.restart_listener()
    world.advance(30)
    assert {"r0"} == revisions(world)
    assert 1 == world.events().count("rollout complete")


def test_what_an_operator_stopped_stays_stopped() -> None:
    world = world_of(web(2, replicas=2, max_surge=0))
    world.supervisor.stop(A)
    world.advance(3)
    world.kill_listener()
    world.advance(30)
    assert S.STOPPED is world.supervisor.programs[A].state
    world.save("r1")
    world.advance(30)
    assert S.STOPPED is world.supervisor.programs[A].state


@pytest.mark.fault(40)
def test_what_an_operator_stopped_while_the_listener_was_down_stays_stopped() -> None:
    world = world_of(web(2, replicas=2, max_surge=0))
    world.kill_listener()
    world.supervisor.stop(A)
    world.advance(30)
    assert S.STOPPED is world.supervisor.programs[A].state


@pytest.mark.fault(34)
def test_the_same_pid_may_be_another_process() -> None:
    """The kernel gives pids again: what was signalled has gone, and its pid is nobody's any more."""
    world = world_of(web(1, max_surge=0))
    program = world.supervisor.programs[A]
    record = {**world.journal.found()[f"slot {A}"], "born": "1", "signalled_pid": program.pid}
    past = Recollection(records={**world.journal.found(), f"slot {A}": record}, is_same_life=True)
    world.start_listener(past)
    world.save("r1")
    world.advance(30)
    assert {"r1"} == revisions(world)
    assert [(program.signals[0][0], "TERM")] == program.signals[:1]


def test_a_held_revision_is_held_still() -> None:
    world = world_of(web(failure_limit=2))
    world.save("r1", boot=Boot(dies_after=0.1))
    world.advance(60)
    boots = world.supervisor.programs[B].boots
    world.kill_listener()
    world.advance(60)
    assert boots == world.supervisor.programs[B].boots
    assert "HELD" == world.journal.found()["target web"]["condition"]
    world.save("r2")
    world.advance(30)
    assert {"r2"} == revisions(world)
    assert "READY" == world.journal.found()["target web"]["condition"]


def test_a_command_that_was_owed_is_run() -> None:
    rules = ReactionSettings(run_on=(RunRule(patterns=("a",), command=("one",)),))
    world = world_of(web(reactions=rules))
    world.command_succeeds = False
    world.save("r1", rules=(0,))
    world.advance(5)
    world.command_succeeds = True
    ran = len(world.commands)
    world.kill_listener()
    world.advance(5)
    world.save("r2")
    world.advance(30)
    assert ran + 1 == len(world.commands)
    assert {"r2"} == revisions(world)


@pytest.mark.fault(23)
def test_a_full_disk_lets_nothing_new_begin_and_finishes_what_did() -> None:
    world = world_of(web())
    world.save("r1", boot=SLOW)
    world.advance(0.2)
    world.journal.full = True
    world.advance(30)
    assert {"r1"} == revisions(world)
    world.save("r2")
    world.advance(30)
    assert {"r1"} == revisions(world)
    assert "no space left on device" == world.core.degraded
    world.journal.full = False
    world.advance(30)
    assert {"r2"} == revisions(world)
    assert "" == world.core.degraded


def test_the_history_is_told() -> None:
    world = rolled(web())
    world.save("r2", boot=Boot(dies_after=0.1))
    world.advance(60)
    history = [record for key, record in world.journal.found().items() if key.startswith("rollout ")]
    assert ["complete", "halted", "halted", "halted"] == [record["outcome"] for record in history]
    assert ["/app/app.py"] == history[0]["changed"]
    assert "Exited too quickly" in str(history[1]["reason"])


@limits(deadline=None, max_examples=30)
@given(st.data())
def test_no_record_is_taken_on_trust(data: st.DataObject) -> None:
    """Whatever a journal says: a state comes of it, and every process is looked after."""
    found = rolled_once()
    key = data.draw(st.sampled_from(sorted(found)))
    record = dict(found[key])
    field = data.draw(st.sampled_from([*sorted(record), "pid", "deadline", "rollout"]))
    record[field] = data.draw(VALUES)
    world = rolled(SHAPES["swap"])
    past = Recollection(records={**found, key: record}, is_same_life=True)
    world.start_listener(past)
    world.advance(30)
    assert world.ready()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)


@cache
def rolled_once() -> dict[str, Record]:
    return rolled(SHAPES["swap"]).journal.found()


def test_a_rollout_whose_successor_is_refused_ends() -> None:
    """A newer revision was accepted, and what was saved after that is refused: nothing is waited for."""
    rules = ReactionSettings(run_on=(RunRule(patterns=("a",), command=("one",)),))
    world = world_of(web(2, replicas=2, max_surge=0, reactions=rules))
    world.down_for, world.after_order = 0.0, At(0)
    world.save("r1")
    world.advance(1.1)
    world.kill_listener()
    world.save("r2")
    world.advance(0)
    world.command_succeeds = False
    world.save("r3", rules=(0,))
    world.advance(60)
    assert "rollout halted" in world.events()
    assert world.target.rollout is None
    assert 2 == len(world.ready())


def test_after_supervisorctl_reload_the_surplus_is_retired_again() -> None:
    """supervisord has its old pid, and has started every slot."""
    world = world_of(web())
    world.kill_listener()
    for program in world.supervisor.programs.values():
        if program.state.is_up:
            world.supervisor.crash(program.name)
        program.state, program.retry_at = S.STOPPED, None
    world.supervisor.boot_all()
    world.advance(30)
    assert [S.RUNNING, S.STOPPED] == sorted(world.states(), key=lambda state: state.value)
    assert "rollout began" not in world.events()


def test_every_listener_writes_something() -> None:
    """Else the journal would go on to name the one before it, which is dead."""
    world = world_of(web())
    lines = len(world.journal.lines)
    kept = {**world.journal.found(), HEALTH: {}}
    world.start_listener(world.past())
    world.engine = Engine(world.core, Inbox(), world.engine._outside, kept=kept)
    world.advance(1)
    assert HEALTH in {key for key, _ in world.journal.lines[lines:]}


def test_what_leaves_for_an_update_is_not_replaced() -> None:
    """The listener was killed while it emptied a group; nothing changed in the code."""
    world = world_of(web(2, replicas=2, max_surge=0))
    moves = emptied(world.target, "web", world.clock.now)
    world.target.slots = moves.slots
    world.turn()
    world.kill_listener()
    world.advance(20)
    assert "rollout began" not in world.events()
