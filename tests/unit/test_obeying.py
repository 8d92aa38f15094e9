"""What an operator asks of a target, and what becomes of it."""

from __future__ import annotations

import itertools

import pytest

from supervisor_reload.core.condition import Condition, condition
from supervisor_reload.core.model import HookSettings, Revision
from supervisor_reload.core.phase import Phase
from supervisor_reload.core.requests import KEPT, Answer, Requested, Verb
from tests.fakes.supervisord import Boot
from tests.fakes.world import SIGNAL, World, settled, web

PLAIN = web(1, max_surge=0, check=True)
ROLLING = web(3, replicas=3, max_surge=0, check=True)
SHAPES = {
    "plain": PLAIN,
    "swap": web(2, check=True),
    "rolling": ROLLING,
    "signal": web(2, replicas=2, max_surge=0, strategy=SIGNAL),
}
IDS = map(str, itertools.count())


def ask(world: World, verb: Verb, *targets: str, is_forced: bool = False) -> Answer:
    """Ask, and wait for the answer, where whoever asks finds it."""
    one = next(IDS)
    world.put(Requested(id=one, verb=verb, targets=targets, is_forced=is_forced), 0.0)
    world.advance(0.001)
    records = [record for key, record in world.journal.found().items() if key.startswith("answer ")]
    (record,) = [record for record in records if record["id"] == one]
    pairs = {name: tuple(map(tuple, record.get(name, []))) for name in ("done", "refused")}
    return Answer(id=one, **pairs)  # type: ignore[arg-type]


def boots(world: World) -> list[int]:
    return [program.boots for program in world.supervisor.programs.values()]


def stands(world: World) -> Condition:
    return condition(world.target)[0]


@pytest.mark.parametrize("shape", SHAPES)
def test_start(shape: str) -> None:
    """Every process is replaced though no file changed; each runs the same code as before."""
    world = settled(World(SHAPES[shape]))
    before = boots(world)
    assert (("web", "started"),) == ask(world, Verb.START).done
    world.advance(60)
    began = world.story("rollout began")
    assert ("operator", "r0") == (began.values["trigger"], began.values["revision"])
    assert "rollout complete" in world.events()
    assert Condition.READY is stands(world)
    if shape == "signal":
        assert [True] * 2 == [
            any("HUP" in s for _, s in p.signals) for p in world.supervisor.programs.values()
        ]
    else:
        assert sum(boots(world)) == sum(before) + SHAPES[shape].replicas
    world.advance(300)
    assert 1 == world.events().count("rollout began")


def test_start_is_checked_first() -> None:
    """What passed yesterday may not pass today; then nothing is touched."""
    world = settled(World(PLAIN))
    world.code = type(world.code)(revision="r0", passes=False)
    ask(world, Verb.START)
    world.advance(30)
    assert [1] == boots(world)
    assert Condition.REFUSED is stands(world)


def test_start_of_what_was_refused_checks_again() -> None:
    """What the check missed may be there by now."""
    world = settled(World(PLAIN))
    world.save("r1", passes=False)
    world.advance(5)
    assert Condition.REFUSED is stands(world)
    world.code = type(world.code)(revision="r1")
    ask(world, Verb.START)
    world.advance(30)
    assert "r1" == next(iter(world.target.slots.values())).revision


def test_start_of_what_is_held() -> None:
    """Only by force; then it is tried once more."""
    world = settled(World(web(1, max_surge=0, failure_limit=1)))
    world.save("r1", boot=Boot(dies_after=0.1))
    world.advance(30)
    assert Condition.HELD is stands(world)
    ((name, why),) = ask(world, Verb.START).refused
    assert "web" == name
    assert why.startswith("held: ")
    assert why.endswith("--force starts it all the same")
    world.code = type(world.code)(revision="r1")
    assert ask(world, Verb.START, is_forced=True).done
    world.advance(30)
    assert Condition.READY is stands(world)


def test_start_ignores_the_limits() -> None:
    """min_interval is for what nobody asked for."""
    world = settled(World(web(1, max_surge=0, min_interval=1000.0)))
    world.save("r1")
    world.advance(10)
    ask(world, Verb.START)
    world.advance(10)
    assert 2 == world.events().count("rollout complete")


def test_start_of_what_an_operator_stopped() -> None:
    """It stays stopped."""
    world = settled(World(PLAIN))
    world.supervisor.stop(PLAIN.slots[0].name)
    world.advance(3)
    ((_, why),) = ask(world, Verb.START).refused
    assert "stopped by hand" in why


def test_start_in_the_middle_of_a_rollout() -> None:
    """It is refused, by the rollout's number."""
    world = settled(World(ROLLING))
    world.save("r1", boot=Boot(ready_after=2.0))
    world.advance(1)
    ((_, why),) = ask(world, Verb.START).refused
    assert why.startswith("rollout 1 is under way")


def test_pause_keeps_changes_for_resume() -> None:
    """Three saves are one rollout, of the newest."""
    world = settled(World(PLAIN))
    assert ask(world, Verb.PAUSE).done
    for number in (1, 2, 3):
        world.save(f"r{number}")
        world.advance(10)
    assert [1] == boots(world)
    assert Condition.PAUSED is stands(world)
    assert (("web", "already paused"),) == ask(world, Verb.PAUSE, "web").refused
    assert (("web", "already paused"),) == ask(world, Verb.PAUSE).done  # who means all wants all to be so
    assert (("web", "paused; resume it first"),) == ask(world, Verb.START).refused
    assert ask(world, Verb.RESUME).done
    world.advance(30)
    assert [2] == boots(world)
    assert "r3" == next(iter(world.target.slots.values())).revision
    assert (("web", "not paused"),) == ask(world, Verb.RESUME, "web").refused


def test_pause_in_the_middle_of_a_rollout() -> None:
    """What was begun is finished, and nothing else is begun; a death changes nothing of that."""
    world = settled(World(ROLLING))
    world.save("r1", boot=Boot(ready_after=1.0))
    world.advance(0.5)
    ask(world, Verb.PAUSE)
    world.advance(30)
    assert ["r0", "r0", "r1"] == sorted(slot.revision for slot in world.target.slots.values())
    world.kill_listener()
    world.advance(30)
    assert Condition.PAUSED is stands(world)
    assert ["r0", "r0", "r1"] == sorted(slot.revision for slot in world.target.slots.values())
    ask(world, Verb.RESUME)
    world.advance(30)
    assert {"r1"} == {slot.revision for slot in world.target.slots.values()}
    assert 1 == world.events().count("rollout began")


def test_abort() -> None:
    """What is left on the old code keeps it, until the files change or an operator asks."""
    world = settled(World(ROLLING))
    assert (("web", "no rollout is under way"),) == ask(world, Verb.ABORT).refused
    world.save("r1", boot=Boot(ready_after=1.0))
    world.advance(0.5)
    assert ask(world, Verb.ABORT).done
    world.advance(60)
    assert (Condition.ABORTED, "its rollout was aborted by an operator") == condition(world.target)
    assert ["r0", "r0", "r1"] == sorted(slot.revision for slot in world.target.slots.values())
    assert all(slot.phase is Phase.READY for slot in world.target.slots.values())
    assert "by an operator" == world.target.ended.reason
    ask(world, Verb.START)
    world.advance(60)
    assert {Revision("r1")} == {slot.revision for slot in world.target.slots.values()}


def test_abort_of_a_start() -> None:
    """What was not replaced yet is not, by the next rollout of other code, due for two."""
    world = settled(World(ROLLING))
    world.code = type(world.code)(revision="r0", boot=Boot(ready_after=1.0))
    ask(world, Verb.START)
    world.advance(0.5)
    assert ask(world, Verb.ABORT).done
    world.advance(60)
    assert not any(slot.is_due for slot in world.target.slots.values())
    assert 4 == sum(boots(world))


def test_a_name_that_is_no_target() -> None:
    """The others are asked all the same."""
    world = settled(World(PLAIN))
    answer = ask(world, Verb.PAUSE, "wbe", "web")
    assert (("web", "paused"),) == answer.done
    assert (("wbe", "no such target"),) == answer.refused


def test_a_request_that_comes_twice() -> None:
    """It is done once."""
    world = settled(World(PLAIN))
    for _ in range(2):
        world.put(Requested(id="same", verb=Verb.START), 0.0)
        world.advance(30)
    assert 1 == world.events().count("rollout began")


def test_the_answers_are_bounded() -> None:
    """The oldest make room."""
    world = settled(World(PLAIN))
    for _ in range(2 * KEPT):
        ask(world, Verb.ABORT)
    assert KEPT == len([key for key in world.journal.found() if key.startswith("answer ")])


def test_a_start_that_is_killed() -> None:
    """The next listener finishes it."""
    world = settled(World(ROLLING))
    ask(world, Verb.START)
    world.advance(0.3)
    world.kill_listener()
    world.advance(60)
    assert [2, 2, 2] == boots(world)
    assert Condition.READY is stands(world)


HOOKED = web(2, hooks=HookSettings(before=("backup",)))


def test_what_must_be_done_before_a_rollout() -> None:
    """Nothing is touched before it succeeded; once for a rollout, though a listener died meanwhile."""
    world = settled(World(HOOKED))
    world.hook_seconds = 5.0
    world.save("r1")
    world.advance(4)
    assert [(1, "r1")] == world.hooks
    assert [] == world.orders
    world.kill_listener()
    world.advance(4)
    assert [] == world.orders
    world.advance(60)
    assert [(1, "r1")] * 2 == world.hooks
    assert Condition.READY is stands(world)


def test_what_must_be_done_before_a_rollout_fails() -> None:
    """The code is refused with the reason; nothing was touched. An operator may start it again."""
    world = settled(World(HOOKED))
    world.hook_succeeds = False
    world.save("r1")
    world.advance(60)
    assert [] == world.orders
    assert (Condition.REFUSED, "before_rollout: exit status 1") == condition(world.target)
    assert 1 == len(world.hooks)
    world.hook_succeeds = True
    ask(world, Verb.START)
    world.advance(60)
    assert Condition.READY is stands(world)
    assert "r1" in {slot.revision for slot in world.target.slots.values()}
