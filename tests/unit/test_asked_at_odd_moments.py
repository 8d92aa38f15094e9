"""Requests that meet a hook, a pause, a slow reading or the listener's death: none is lost or does more."""

from __future__ import annotations

import pytest

from supervisor_reload.core.condition import Condition, condition
from supervisor_reload.core.configfacts import ConfigurationRefused
from supervisor_reload.core.facts import HookFailed, RevisionFailed
from supervisor_reload.core.model import HookSettings, TargetSettings
from supervisor_reload.core.phase import Phase
from supervisor_reload.core.requests import KEPT, Requested, Verb
from tests.fakes.supervisord import Boot
from tests.fakes.world import World, settled, web

HOOKED = web(2, hooks=HookSettings(before=("backup",)))
THREE = web(3, replicas=3, max_surge=0)
PLAIN = web(1, max_surge=0)


def ask(world: World, verb: Verb, id: str = "1") -> None:
    world.put(Requested(id=id, verb=verb), 0.0)


def answers(world: World) -> dict[object, object]:
    """By id: what was done, and what was refused."""
    found = [record for key, record in world.journal.found().items() if key.startswith("answer ")]
    return {record["id"]: (record.get("done"), record.get("refused")) for record in found}


def serving(world: World) -> list[str | None]:
    return [slot.revision for slot in world.target.slots.values() if slot.phase is Phase.READY]


@pytest.mark.parametrize("boot", [Boot(ready_after=3.0), Boot(ready_after=None)])
def test_a_superseded_boot_is_taken_back_where_its_successor_must_wait(boot: Boot) -> None:
    """Else it would serve beside the old for as long as the hook takes, or for ever where that fails."""
    world = settled(World(HOOKED))
    world.save("r1", boot=boot)
    world.advance(1)
    world.hook_succeeds = False
    world.save("r2")
    world.advance(100)
    assert (["r0"], Condition.REFUSED) == (serving(world), condition(world.target)[0])
    assert [Phase.READY, Phase.SPARE] == sorted(
        (slot.phase for slot in world.target.slots.values()), key=lambda phase: phase.value
    )


def test_a_superseded_boot_is_taken_back_in_a_pause() -> None:
    """And what changed is one rollout when it is resumed."""
    world = settled(World(web(2)))
    world.save("r1", boot=Boot(ready_after=3.0))
    world.advance(1)
    ask(world, Verb.PAUSE)
    world.advance(1)
    world.save("r2")
    world.advance(60)
    assert ["r0"] == serving(world)
    ask(world, Verb.RESUME, "2")
    world.advance(30)
    assert ["r2"] == serving(world)


def test_an_abort_survives_the_listener() -> None:
    """It was answered; that the files were not read yet, and another death, don't make it undone."""
    world = settled(World(THREE))
    world.save("r1", boot=Boot(ready_after=1.0))
    world.advance(0.5)
    world.kill_listener()
    read, world.compute = world.compute, lambda *_, **__: None  # type: ignore[method-assign]
    world.advance(0.3)
    ask(world, Verb.ABORT)
    world.advance(2)
    assert [["web", "aborted"]] == answers(world)["1"][0]
    world.compute = read  # type: ignore[method-assign]
    world.kill_listener()
    world.advance(60)
    assert "rollout complete" not in world.events()
    assert Condition.ABORTED is condition(world.target)[0]


def test_an_abort_is_of_one_rollout() -> None:
    """One that comes together with the end of its rollout does not end the next."""
    world = settled(World(HOOKED))
    world.hook_seconds = 5.0
    world.save("r1")
    world.advance(1)
    ask(world, Verb.ABORT)
    world.put(HookFailed(target="web", rollout=1, reason="exit status 1"), 0.0)
    world.advance(5)
    world.hook_seconds = 0.02
    world.save("r2")
    world.advance(30)
    assert ["r2"] == serving(world)


def test_an_abort_ends_what_is_done_before() -> None:
    """Who aborts because of it wants it ended; what is said of it later is not heard."""
    world = settled(World(HOOKED))
    world.hook_seconds = 5.0
    world.save("r1")
    world.advance(1)
    ask(world, Verb.ABORT)
    world.advance(30)
    assert ([1], []) == (world.cancelled_hooks, world.orders)
    assert Condition.ABORTED is condition(world.target)[0]


def test_nothing_is_done_before_in_a_pause() -> None:
    """The listener that comes after ours waits for resume, too."""
    world = settled(World(HOOKED))
    world.hook_seconds = 5.0
    world.save("r1")
    world.advance(1)
    ask(world, Verb.PAUSE)
    world.advance(0.5)
    world.kill_listener()
    world.advance(30)
    assert [(1, "r1")] == world.hooks
    ask(world, Verb.RESUME, "2")
    world.advance(30)
    assert ["r1"] == serving(world)


def limited(**changes: object) -> TargetSettings:
    return web(1, max_surge=0, min_interval=1000.0, check=True, **changes)


def test_start_means_now_for_what_it_finds() -> None:
    """The limits don't count either where it finds newer code; a refusal uses it up."""
    world = settled(World(limited()))
    world.save("r1")
    world.advance(20)
    world.save("r2")
    ask(world, Verb.START)
    world.advance(20)
    assert ["r2"] == serving(world)

    world.save("r3", passes=False)
    ask(world, Verb.START, "2")
    world.advance(20)
    world.save("r4")
    world.advance(20)
    assert (["r2"], Condition.WAITING) == (serving(world), condition(world.target)[0])


def test_a_pause_hides_no_trouble() -> None:
    """What is down, and what was refused, is told beside it."""
    world = settled(World(PLAIN, autorestart="false"))
    ask(world, Verb.PAUSE)
    world.advance(1)
    assert (Condition.PAUSED, "") == condition(world.target)
    world.supervisor.crash(world.settings.slots[0].name)
    world.advance(5)
    state, why = condition(world.target)
    assert (Condition.PAUSED, True) == (state, why.startswith("web:web_00 is down: exited"))


def test_files_that_cannot_be_read() -> None:
    """Whoever waits for a reading is told so, and status says the same."""
    world = settled(World(PLAIN))
    read, world.compute = world.compute, lambda *_, **__: None  # type: ignore[method-assign]
    ask(world, Verb.READ)
    world.put(RevisionFailed(target="web", reason="Permission denied: /app"), 0.1)
    world.advance(0.5)
    refused = [["web", "the files can't be read: Permission denied: /app"]]
    assert refused == answers(world)["1"][1]
    world.compute = read  # type: ignore[method-assign]
    world.advance(60)
    ask(world, Verb.READ, "2")
    world.advance(5)
    assert [["web", "r0"]] == answers(world)["2"][0]


def test_readings_are_bounded() -> None:
    """Each reads everything; more than so many at once are refused."""
    world = settled(World(PLAIN))
    for number in range(KEPT + 1):
        ask(world, Verb.READ, str(number))
    world.advance(0.001)
    assert {str(KEPT): (None, [["web", "too many want it read: ask again"]])} == answers(world)
    world.advance(5)
    assert {str(number): ([["web", "r0"]], None) for number in range(KEPT)} == answers(world)


def test_a_request_that_comes_again_after_a_restart() -> None:
    """It is done once."""
    world = settled(World(PLAIN))
    ask(world, Verb.START)
    world.advance(20)
    world.kill_listener()
    world.advance(10)
    ask(world, Verb.START)
    world.advance(20)
    assert 1 == world.events().count("rollout began")


def test_a_reading_that_died_with_the_listener() -> None:
    """It can be asked for again, by the same id."""
    world = settled(World(PLAIN))
    ask(world, Verb.READ)
    world.advance(0.002)
    world.kill_listener()
    world.advance(10)
    assert "1" not in answers(world)
    ask(world, Verb.READ)
    world.advance(5)
    assert [["web", "r0"]] == answers(world)["1"][0]


def test_an_abort_of_a_check() -> None:
    """A check that hangs is ended; its code is left alone until it changes, or somebody starts it."""
    world = settled(World(web(1, max_surge=0, check=True)))
    world.check_seconds = 30.0
    world.save("r1")
    world.advance(2)
    ask(world, Verb.ABORT)
    world.advance(60)
    assert (Condition.REFUSED, "abort: an operator said so") == condition(world.target)
    assert ["r0"] == serving(world)
    world.check_seconds = 0.02
    ask(world, Verb.START, "2")
    world.advance(20)
    assert ["r1"] == serving(world)


def test_an_abort_of_a_start_that_is_checked() -> None:
    """What serves is not refused for that."""
    world = settled(World(web(1, max_surge=0, check=True)))
    world.check_seconds = 30.0
    ask(world, Verb.START)
    world.advance(2)
    ask(world, Verb.ABORT, "2")
    world.advance(100)
    assert (Condition.READY, []) == (condition(world.target)[0], world.orders)


def test_an_abort_after_a_fall_and_a_stop_by_hand() -> None:
    """A spare slot whose process fell in this rollout, and whose next one an operator stopped, is empty."""
    world = settled(World(web(4, replicas=2, max_surge=2), autorestart="true"))
    world.save("r1")
    world.advance(0.02)
    world.git_held = True  # the burst goes on, and so does the rollout that began early
    world.touch()
    world.advance(4)
    (*_, spare) = [slot.name for slot in world.target.slots.values() if slot.is_surge]
    world.supervisor.crash(spare)
    world.advance(2)
    assert world.target.slots[spare].fell_on == "r1"
    world.supervisor.stop(spare)
    world.advance(5)
    assert "rollout aborted" in world.events()
    assert ["r0", "r0"] == serving(world)[:2]


def test_why_names_the_files() -> None:
    """Of a rollout that halted or was aborted, too; nothing is told any more once all is well."""
    world = settled(World(web(2, failure_limit=1)))
    world.save("r1", boot=Boot(dies_after=0.1))
    world.advance(30)
    why = world.journal.found()["why web"]
    assert ("rollout halted", "r1", ["/app/app.py"]) == (why["event"], why["revision"], why["changed"])
    world.save("r2", boot=Boot(ready_after=5.0))
    world.advance(1)
    ask(world, Verb.ABORT)
    world.advance(30)
    why = world.journal.found()["why web"]
    assert ("rollout aborted", "r2", ["/app/app.py"]) == (why["event"], why["revision"], why["changed"])
    world.save("r3")
    world.advance(30)
    assert not world.journal.found()["why web"]


def test_a_refused_configuration_is_told() -> None:
    """It looks as if all were well, while the last good one holds."""
    world = settled(World(PLAIN))
    world.put(ConfigurationRefused(errors=("x.conf: [reload:web] wacth: unknown key",)), 0.0)
    world.advance(1)
    told = (
        "the configuration in the files is refused, and the last good one holds: x.conf: [reload:web] wacth: "
    )
    assert told + "unknown key" == world.journal.found()["health"]["degraded"]
    assert "" == world.core.obstacle
