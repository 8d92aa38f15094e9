"""Settings that are edited while everything runs: what is kept, what waits, and what is relabelled."""

from __future__ import annotations

from dataclasses import replace

from supervisor_reload.core.facts import (
    ChangeKind,
    RevisionFailed,
    SeenBy,
)
from supervisor_reload.core.model import ProcessState as S
from supervisor_reload.core.model import ReactionSettings, ReadySettings, RunRule, SlotName, TargetSettings
from supervisor_reload.core.turning import READ_LIMIT
from tests.fakes.configured import JOB, ConfiguredWorld, other, with_job, world_of
from tests.fakes.supervisord import Boot
from tests.fakes.world import web

A, B = SlotName("web:web_00"), SlotName("web:web_01")


def excluding(settings: TargetSettings) -> TargetSettings:
    return replace(settings, watch=replace(settings.watch, exclude=("*.json",)))


def test_other_files_are_the_same_code_by_another_name() -> None:
    """What runs is relabelled; a rollout follows only when a file changes."""
    world = world_of()
    world.edit(excluding(web()))
    world.advance(5)
    assert ["settings taken over"] == world.events()
    assert {"keys": "exclude"} == world.story("settings taken over").values
    assert [] == world.orders
    assert ["eyes web", "log info", "hands web"] == world.built
    world.save("r1")
    world.advance(5)
    assert "rollout complete" == world.events()[-1]
    assert world.target.slots[B].revision.startswith("r1~")


def test_a_change_while_other_files_are_read_is_rolled_out() -> None:
    """Nobody can say then that the code that runs is what was read."""
    world = world_of(reading_seconds=0.5)
    world.edit(excluding(web()))
    world.advance(0.2)
    world.save("r1")
    world.advance(10)
    assert "rollout complete" == world.events()[-1]
    assert "r1" == world.code.revision
    assert world.supervisor.programs[B].state is S.RUNNING


def test_a_change_that_no_longer_counts_is_none() -> None:
    """The file that is excluded from now on is just written to."""
    world = world_of(reading_seconds=0.5)
    world.edit(excluding(web()))
    world.advance(0.2)
    world.touch("data.json")
    world.advance(10)
    assert ["settings taken over"] == world.events()


def test_a_file_outside_the_watched_paths_is_no_change() -> None:
    """Of a path that is not watched any more; a scan that says nothing of files is one."""
    world = world_of(reading_seconds=0.5)
    elsewhere = replace(web(), watch=replace(web().watch, paths=("/elsewhere", "/app/one.py")))
    world.edit(elsewhere)
    world.advance(0.2)
    world.touch("two.py")
    world.advance(10)
    assert ["settings taken over"] == world.events()
    world.edit(web())
    world.advance(0.2)
    world.touch("one.py")
    world.advance(10)
    assert 2 == world.events().count("settings taken over")


def test_held_code_stays_held_when_other_files_are_watched() -> None:
    """It was not the files that made it fail."""
    world = world_of()
    world.save("r1", boot=Boot(dies_after=0.1))
    world.advance(60)
    assert world.story("rollout halted").values["held"]
    world.stories.clear()
    world.edit(excluding(web()))
    world.advance(60)
    assert ["settings taken over"] == world.events()
    assert "r0" == world.target.slots[A].revision


def test_held_code_is_tried_again_when_the_way_to_be_ready_changes() -> None:
    """What was wrong may have been the URL."""
    world = world_of(web(1, max_surge=0))
    world.save("r1", boot=Boot(ready_after=None))
    world.advance(100)
    assert world.story("rollout halted").values["held"]
    world.supervisor.programs[A].behaviour = Boot()
    slots = tuple(replace(slot, ready=ReadySettings(scheme="http", timeout=7.0)) for slot in web(1).slots)
    pid = world.supervisor.programs[A].pid
    world.edit(replace(web(1, max_surge=0), slots=slots))
    world.advance(10)
    assert "rollout complete" == world.events()[-1]
    assert pid == world.supervisor.programs[A].pid
    assert {"keys": "ready_timeout"} == world.story("settings taken over").values


def test_a_new_check_judges_what_the_old_one_refused() -> None:
    """It need not be saved again."""
    world = world_of(web(1, max_surge=0, check=True))
    world.save("r1", passes=False)
    world.advance(5)
    assert "check failed" == world.events()[-1]
    world.code = replace(world.code, passes=True)
    checked = web(1, max_surge=0, check=True)
    world.edit(replace(checked, check=replace(checked.check, timeout=5.0)))
    world.advance(5)
    assert "rollout complete" == world.events()[-1]


def test_a_refused_revision_is_checked_again_by_the_new_rules() -> None:
    """The bad file may be one that no longer counts, or not: only a check can tell."""
    world = world_of(web(1, max_surge=0, check=True))
    world.save("r1", passes=False)
    world.advance(5)
    world.edit(excluding(web(1, max_surge=0, check=True)))
    world.advance(5)
    assert 2 == world.events().count("check failed")
    assert [] == world.orders


def test_a_rollout_under_way_goes_first() -> None:
    """It is said once that the settings wait; the newest of several holds."""
    world = world_of()
    world.save("r1", boot=Boot(ready_after=3.0))
    world.advance(0.5)
    world.edit(replace(web(), min_interval=1.0))
    world.advance(0.5)
    world.edit(replace(web(), min_interval=2.0))
    world.save("r2")
    world.advance(20)
    assert 1 == world.events().count("settings wait")
    assert 2.0 == world.target.settings.min_interval
    assert "r2" == world.target.slots[A].revision or "r2" == world.target.slots[B].revision
    assert world.events().index("settings taken over") < len(world.events()) - 1


def test_settings_that_come_back_are_no_change() -> None:
    """While the files were read by rules that nobody wants any more, one of them changed."""
    world = world_of(reading_seconds=1.0)
    world.edit(excluding(web()))
    world.advance(0.2)
    world.save("r1")
    world.edit(web())
    world.advance(10)
    assert "settings taken over" not in world.events()
    assert "closed eyes web" in world.built
    assert "rollout complete" == world.events()[-1]
    assert "r1" in (world.target.slots[A].revision, world.target.slots[B].revision)


def test_files_that_can_not_be_read_by_the_new_rules() -> None:
    """The new settings hold all the same; the files are tried again, and checked, as after any failure."""
    world = world_of(reading_seconds=1000.0)
    settings = excluding(web())
    world.edit(settings)
    world.advance(0.5)
    failed = RevisionFailed(target="web", reason="Permission denied: '/app'")
    world.put(SeenBy(settings=settings, fact=failed))
    world.advance(2)
    assert ["settings taken over"] == world.events()
    assert [] == world.orders


def test_a_reading_that_never_ends_holds_nothing_up() -> None:
    """After its limit the settings hold, though nobody can say what the code is called by them."""
    world = world_of(reading_seconds=1000.0)
    world.edit(excluding(web()))
    world.advance(READ_LIMIT - 1)
    assert [] == world.events()
    world.advance(2)
    assert ["settings taken over"] == world.events()


def test_a_scan_that_names_no_file_is_a_change() -> None:
    """So the code that runs is not what was read by the new rules."""
    world = world_of(reading_seconds=0.5)
    world.edit(excluding(web()))
    world.advance(0.2)
    world.touch("", ChangeKind.RESCAN)
    world.code = replace(world.code, revision="r1")
    world.advance(10)
    assert "rollout complete" == world.events()[-1]


def test_other_commands_owe_nothing_of_the_old() -> None:
    """A command that failed is known by its place in run_on, where another one is now."""
    old = ReactionSettings(run_on=(RunRule(patterns=("*.txt",), command=("pip",)),))
    new = ReactionSettings(run_on=(RunRule(patterns=("*.txt",), command=("uv",)),))
    world = world_of(web(1, max_surge=0, reactions=old))
    world.command_succeeds = False
    world.save("r1", name="a.txt", rules=(0,))
    world.advance(5)
    assert "command failed" == world.events()[-1]
    world.edit(web(1, max_surge=0, reactions=new))
    world.advance(1)
    assert world.target.intake.preparation.is_done
    assert {"keys": "run_on"} == world.story("settings taken over").values


def test_what_nothing_runs_is_not_told_again_by_another_name() -> None:
    """Everything was stopped by hand, and it was said that the change concerns nobody."""
    world = world_of(web(1, max_surge=0))
    world.supervisor.stop(A)
    world.advance(2)
    world.save("r1")
    world.advance(2)
    assert "nothing runs it" == world.events()[-1]
    world.edit(excluding(web(1, max_surge=0)))
    world.advance(10)
    assert "settings taken over" == world.events()[-1]


def test_a_process_that_is_being_probed_goes_on_so() -> None:
    """The new hands ask for it, with the new URL."""
    world = ConfiguredWorld(web(1, max_surge=0, ready_timeout=60.0))
    world.code = replace(world.code, boot=Boot(ready_after=8.0))
    world.supervisor.boot_all()
    world.advance(4)
    world.edit(web(1, max_surge=0, ready_timeout=50.0))
    world.advance(6)
    assert ["slot found", "settings taken over", "slot ready"] == world.events()


def test_more_replicas_are_started_and_fewer_retired() -> None:
    """Without any change of code."""
    world = world_of(web(3))
    world.edit(web(3, replicas=2))
    world.advance(5)
    assert [S.RUNNING, S.RUNNING, S.STOPPED] == world.states()
    world.edit(web(3))
    world.advance(5)
    assert [S.RUNNING, S.STOPPED, S.STOPPED] == world.states()
    assert "rollout began" not in world.events()


def test_targets_come_and_go() -> None:
    """No process is touched by that; what is gone is watched by nobody."""
    world = with_job()
    pids = [program.pid for program in world.supervisor.programs.values()]
    world.edit(web(), other("job", JOB))
    world.advance(5)
    assert "target added" in world.events()
    assert ["log info", "eyes job", "hands job"] == world.built
    world.edit(web())
    world.advance(5)
    assert "target removed" == world.events()[-1]
    assert "closed eyes job" == world.built[-1]
    assert pids == [program.pid for program in world.supervisor.programs.values()]


def test_a_renamed_target_has_the_processes_of_the_old_one() -> None:
    """Both at once, for no process has two targets."""
    world = world_of()
    pid = world.supervisor.programs[A].pid
    world.edit(replace(web(), name="site"))
    world.advance(5)
    assert ["site"] == list(world.core.targets)
    assert pid == world.supervisor.programs[A].pid
    assert [] == world.orders


def test_a_process_that_another_target_has_still_is_waited_for() -> None:
    """The new target gets it after the old one's rollout."""
    world = with_job()
    world.save("r1", boot=Boot(ready_after=3.0))
    world.advance(0.5)
    world.edit(replace(web(1, max_surge=0), slots=web().slots[:1]), other("site", B))
    world.advance(1)
    assert ["web"] == list(world.core.targets)
    world.advance(20)
    assert ["web", "site"] == list(world.core.targets)
