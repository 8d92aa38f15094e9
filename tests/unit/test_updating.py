"""The update of supervisord's groups with reload_config=true: emptied, replaced, and none left stopped."""

from __future__ import annotations

from dataclasses import replace

from supervisor_reload.core.configfacts import (
    GroupsChanged,
)
from supervisor_reload.core.errors import SupervisorFault
from supervisor_reload.core.model import ProcessState as S
from supervisor_reload.core.model import SlotName
from supervisor_reload.core.phase import Phase
from tests.fakes.configured import ConfiguredWorld, other
from tests.fakes.supervisord import Boot, Program
from tests.fakes.world import Code, settled, web

A, B, C = (SlotName(f"web:web_0{number}") for number in range(3))
JOB, IDLE = SlotName("job:job"), SlotName("job:idle")


def world_of(*more: Program, **changes: object) -> ConfiguredWorld:
    world = ConfiguredWorld(web(), reload_config=True, **changes)  # type: ignore[arg-type]
    for program in more:
        world.supervisor.programs[program.name] = program
    world.start_listener()
    settled(world)
    return world


def a(name: SlotName, **changes: object) -> Program:
    return Program(name=name, boot=lambda: Boot(drains_in=0.2), **changes)  # type: ignore[arg-type]


def test_a_changed_group_is_emptied_replaced_and_followed() -> None:
    """More processes: the new settings hold when supervisord has them, and the surplus is retired."""
    world = world_of()
    world.configure(A, B, C)
    world.edit(web(3, replicas=2))
    world.advance(10)
    verbs = [order for order in world.orders if order[0] in ("remove", "add")]
    assert [("remove", "web"), ("add", "web")] == verbs
    assert world.orders.index(("stop", A)) < world.orders.index(("remove", SlotName("web")))
    told = world.events()
    assert told.index("group update began") < told.index("group updated") < told.index("settings taken over")
    assert [S.RUNNING, S.RUNNING, S.STOPPED] == world.states()
    assert {"r0"} == {slot.revision for slot in world.target.slots.values() if slot.state is S.RUNNING}
    world.save("r1")
    world.advance(10)
    assert "rollout complete" == world.events()[-1]
    assert () == world.remembered


def test_work_in_hand_is_waited_for() -> None:
    """The way out is the target's own: here its work is looked at."""
    settings = web(1, max_surge=0, drain="http", drain_timeout=30.0)
    world = ConfiguredWorld(settings, reload_config=True)
    settled(world)
    world.busy[A] = world.clock.now + 5
    world.configure(A)
    world.edit(settings)
    world.advance(4)
    assert [] == world.orders
    assert (A,) == world.remembered
    assert Phase.DRAINING is world.target.slots[A].phase
    world.advance(8)
    assert [("stop", A), ("remove", "web"), ("add", "web")] == world.orders
    assert Phase.READY is world.target.slots[A].phase


def test_a_rollout_under_way_goes_first() -> None:
    """And none begins before the update."""
    world = world_of()
    world.save("r1", boot=Boot(ready_after=3.0))
    world.advance(0.5)
    world.configure(A, B)
    world.edit(web())
    world.advance(1)
    world.save("r2")
    world.advance(30)
    told = world.events()
    assert 1 == told.count("group update waits")
    assert told.index("group update waits") < told.index("group updated")
    assert 1 == sum(slot.state is S.RUNNING for slot in world.target.slots.values())
    assert {"r2"} == {slot.revision for slot in world.target.slots.values() if slot.state is S.RUNNING}


def test_groups_that_are_no_targets() -> None:
    """Stopped, replaced, and what ran without autostart runs again."""
    world = world_of(a(JOB, autostart=False), a(IDLE, autostart=False))
    world.supervisor.stop(IDLE)
    world.advance(2)
    world.configure(JOB, IDLE, "new:new", keep=("web",), autostart=False)
    world.edit(web(), other("new", "new:new"))
    world.advance(10)
    assert S.RUNNING is world.supervisor.programs[JOB].state
    assert S.STOPPED is world.supervisor.programs[IDLE].state
    assert S.STOPPED is world.supervisor.programs[SlotName("new:new")].state
    assert ["web", "new"] == list(world.core.targets)
    assert ["updated", "added"] == [s.values["verb"] for s in world.stories if s.event == "group updated"]


def test_a_removed_group_takes_its_target_along() -> None:
    """Its processes leave as the target says."""
    world = world_of(a(JOB))
    world.configure(keep=("job",))
    world.edit(other("job", JOB))
    world.advance(10)
    assert [("stop", A), ("remove", "web")] == world.orders
    assert ["job"] == list(world.core.targets)
    assert "target removed" in world.events()


def test_what_somebody_stopped_stays_stopped() -> None:
    """The group is left alone, until the files change again or somebody updates it."""
    world = world_of(a(JOB), a(IDLE))
    world.supervisor.stop(IDLE)
    world.advance(2)
    world.orders.clear()
    world.configure(JOB, IDLE, keep=("web",))
    world.edit(web())
    world.advance(20)
    assert 1 == world.events().count("group left alone")
    assert [] == world.orders
    world.supervisor.start(IDLE)
    world.edit(web())
    world.advance(10)
    assert "group updated" == world.events()[-1]


def test_a_process_that_does_not_end_is_given_up() -> None:
    """Whatever had been stopped for the update runs again."""
    world = world_of(a(JOB, stopwaitsecs=1e9), a(IDLE))
    world.supervisor.programs[JOB].behaviour = Boot(drains_in=None)
    world.configure(JOB, IDLE, keep=("web",))
    world.edit(web())
    world.advance(5)
    assert S.STOPPED is world.supervisor.programs[IDLE].state
    world.advance(60)
    assert "group not emptied" in world.events()
    assert "group updated" not in world.events()
    assert S.RUNNING is world.supervisor.programs[IDLE].state
    assert (JOB,) == world.remembered, "it is started when it ends at last"


def test_a_slot_that_does_not_end_is_given_up() -> None:
    """The other slots of the target are started again."""
    settings = web(2, replicas=2, max_surge=0, stop_timeout=1.0)
    world = ConfiguredWorld(settings, reload_config=True)
    settled(world)
    world.supervisor.programs[A].behaviour = Boot(drains_in=None)
    world.supervisor.programs[A].stopwaitsecs = 200
    world.configure(A, B)
    world.edit(settings)
    world.advance(100)
    assert "group not emptied" in world.events()
    assert S.RUNNING is world.supervisor.programs[B].state


def test_files_that_are_what_they_were_end_the_update() -> None:
    """What was on its way out comes back."""
    settings = web(2, replicas=2, max_surge=0, drain="http", drain_timeout=60.0)
    world = ConfiguredWorld(settings, reload_config=True)
    settled(world)
    world.busy[A] = None
    world.configure(A, B)
    world.edit(settings)
    world.advance(4)
    assert [S.RUNNING, S.STOPPED] == world.states()
    world.supervisor.configured = None
    world.edit(settings)
    world.busy.clear()
    world.advance(10)
    assert [S.RUNNING, S.RUNNING] == world.states()
    assert "group updated" not in world.events()
    assert () == world.remembered


def test_an_operator_who_updates_first() -> None:
    """His new group is nobody else's to replace."""
    world = world_of(a(JOB))
    world.supervisor.programs[JOB].behaviour = Boot(drains_in=3.0)
    world.configure(JOB, keep=("web",))
    world.edit(web())
    world.advance(1)
    new = world.supervisor.configured["job"][0]
    world.supervisor.programs[JOB] = new
    world.supervisor.start(JOB)
    world.put(GroupsChanged())
    world.advance(10)
    assert S.RUNNING is new.state
    assert 1 == new.boots
    assert ("remove", SlotName("job")) not in world.orders


def test_a_process_that_starts_in_the_last_moment() -> None:
    """supervisord refuses to remove it; it is waited for again, and then given up."""
    world = world_of(a(JOB))
    world.configure(JOB, keep=("web",))
    world.supervisor.refusals["remove_group"] = SupervisorFault("STILL_RUNNING", "STILL_RUNNING: job")
    world.edit(web())
    world.advance(5)
    assert "group update refused" not in world.events()
    world.supervisor.refusals.clear()
    world.advance(2)
    assert "group updated" == world.events()[-1]


def test_a_listener_killed_in_the_middle_goes_on() -> None:
    """What it stopped is no operator's."""
    world = world_of(a(JOB), a(IDLE))
    world.supervisor.programs[JOB].behaviour = Boot(drains_in=3.0)
    world.configure(JOB, IDLE, keep=("web",))
    world.edit(web())
    world.advance(1)
    assert S.STOPPED is world.supervisor.programs[IDLE].state
    assert {JOB, IDLE} == set(world.remembered)
    world.restart_listener()
    world.advance(20)
    assert "group updated" == world.events()[-1]
    assert {S.RUNNING} == {world.supervisor.programs[name].state for name in (JOB, IDLE)}
    assert () == world.remembered


def test_a_listener_killed_in_the_middle_pays_what_it_owes() -> None:
    """When it is back the files are what they were, so there is nothing to update."""
    world = world_of(a(JOB), a(IDLE))
    world.supervisor.programs[JOB].behaviour = Boot(drains_in=3.0)
    world.configure(JOB, IDLE, keep=("web",))
    world.edit(web())
    world.advance(1)
    world.supervisor.configured = None
    world.reload_config = False
    assert S.STOPPING is world.supervisor.programs[JOB].state
    world.restart_listener()
    world.advance(20)
    assert {S.RUNNING} == {world.supervisor.programs[name].state for name in (JOB, IDLE)}
    assert () == world.remembered


def test_a_slot_that_never_starts_is_no_reason_to_wait_for_ever() -> None:
    """Bad code in the group that is added: told as of any start."""
    world = world_of()
    world.configure(A, B)
    world.code = Code(revision="r0", boot=Boot(dies_after=0.1))
    world.edit(web())
    world.advance(60)
    assert "group updated" in world.events()
    assert "slot failed" in world.events()
    world.save("r1")
    world.advance(20)
    assert "rollout complete" == world.events()[-1]


def test_an_update_of_other_numbers_waits_for_nothing_else() -> None:
    """Settings of other targets are taken over while a group drains for long."""
    world = world_of(a(JOB))
    world.supervisor.programs[JOB].behaviour = Boot(drains_in=8.0)
    world.configure(JOB, keep=("web",))
    world.edit(replace(web(), min_interval=1.0))
    world.advance(3)
    assert 1.0 == world.target.settings.min_interval
    assert "group updated" not in world.events()
    world.advance(10)
    assert "group updated" == world.events()[-1]


def test_a_change_that_is_taken_back_while_a_process_stops() -> None:
    """It belongs to no target, and takes its time: it is started when it has ended."""
    world = world_of(a(JOB))
    world.supervisor.programs[JOB].behaviour = Boot(drains_in=4.0)
    world.configure(JOB, keep=("web",))
    world.edit(web())
    world.advance(2)
    assert S.STOPPING is world.supervisor.programs[JOB].state
    world.supervisor.configured = None
    world.edit(web())
    world.advance(1)
    assert "group update dropped" in world.events()
    world.advance(10)
    assert S.RUNNING is world.supervisor.programs[JOB].state
    assert () == world.remembered


def test_what_stood_in_the_way_is_started_by_hand() -> None:
    """Then the update goes on, as the documentation promises."""
    world = world_of(a(JOB))
    world.supervisor.stop(JOB)
    world.advance(6)
    world.configure(JOB, keep=("web",))
    world.edit(web())
    world.advance(6)
    assert "group left alone" in world.events()
    world.supervisor.start(JOB)
    world.advance(12)
    assert "group updated" == world.events()[-1]


def test_a_group_of_nothing_is_added_at_once() -> None:
    """Nothing has to be emptied, so nothing is waited for."""
    world = world_of()
    world.configure(JOB, keep=("web",))
    world.edit(web())
    world.advance(1)
    assert "group updated" in world.events()
