"""A configuration that is edited while everything runs: what is kept, what waits, what is never touched."""

from __future__ import annotations

from dataclasses import replace

import pytest

from supervisor_reload.core.configfacts import (
    GroupsChanged,
)
from supervisor_reload.core.errors import SupervisorFault
from supervisor_reload.core.facts import (
    SupervisorStopping,
    Ticked,
)
from supervisor_reload.core.model import ProcessState as S
from supervisor_reload.core.model import SlotName
from tests.fakes.configured import JOB, with_job, world_of
from tests.fakes.world import web

A, B = SlotName("web:web_00"), SlotName("web:web_01")


def test_the_first_reading_says_nothing() -> None:
    """It only makes sure that nothing changed since we began."""
    world = world_of()
    world.edit(web())
    world.advance(5)
    assert [] == world.events()
    assert [] == world.orders
    assert [] == world.built


def test_a_look_is_asked_for_until_supervisord_answers() -> None:
    """It goes away in the middle of everything, and nothing is forgotten."""
    world = world_of(reload_config=True)
    world.configure(A, B)
    away = {"reread": SupervisorFault("UNAVAILABLE", "away")}
    world.supervisor.refusals.update(away)
    world.edit(web())
    world.advance(5)
    assert [] == world.events()
    world.supervisor.refusals.clear()
    world.advance(10)
    assert "group updated" in world.events()


def test_bad_files_change_nothing() -> None:
    """Told once for each set of errors, and once when they are right again, though nothing differs."""
    world = world_of()
    world.spoil("f: [reload:web] wach: unknown key")
    world.spoil("f: [reload:web] wach: unknown key")
    world.advance(5)
    world.spoil("f: could not find config file")
    world.advance(5)
    world.edit(web())
    world.advance(5)
    refused = "configuration refused"
    assert [refused, refused, "configuration right again"] == world.events()


def test_what_supervisord_refuses_is_not_taken_over() -> None:
    """Until it can read it; it is asked again."""
    world = world_of()
    world.supervisor.refusals["reread"] = SupervisorFault("CANT_REREAD", "CANT_REREAD: nosuch")
    world.edit(replace(web(), min_interval=1.0))
    world.advance(30)
    assert ["configuration refused"] == world.events()
    assert 0.0 == world.target.settings.min_interval
    world.supervisor.refusals.clear()
    world.advance(15)
    assert ["configuration refused", "configuration right again", "settings taken over"] == world.events()


def test_what_a_running_listener_can_not_take_over_is_said() -> None:
    """With what to do; warnings are told once."""
    world = world_of()
    world.edit(web(), state_dir="/new", warnings=("careful",))
    world.advance(2)
    assert ["configuration doubted", "restart needed"] == world.events()
    assert "supervisorctl restart reload" == world.story("restart needed").values["remedy"]
    world.edit(web(), state_dir="/new", password="x", warnings=("careful",))
    world.advance(2)
    assert "restart supervisord" in str(world.story("restart needed").values["remedy"])
    assert 3 == len(world.events())


def test_the_log_is_changed_at_once() -> None:
    """No target need be."""
    world = world_of()
    world.edit(web(), log_level="debug")
    world.advance(2)
    assert ["log debug"] == world.built


def test_program_sections_are_the_operators() -> None:
    """Said once, with the targets that wait; after the update, theirs is taken over."""
    world = with_job()
    world.configure("web:web_00", "web:web_01", keep=("job",))
    world.edit(replace(web(), min_interval=1.0))
    world.advance(20)
    assert ["update wanted"] == world.events()
    assert "[reload:web]" == world.story("update wanted").values["waiting"]
    world.supervisor.configured = None  # as after an update
    world.put(GroupsChanged())
    world.advance(2)
    assert "settings taken over" == world.events()[-1]
    assert [] == world.orders


def test_our_own_section_is_never_updated() -> None:
    """It would end us in the middle."""
    world = with_job(reload_config=True, own_group="job")
    world.configure("job:job", keep=("web",))
    world.edit(web())
    world.advance(20)
    assert ["own section changed"] == world.events()
    assert [] == world.orders


def test_nothing_is_done_while_supervisord_stops() -> None:
    """Its configuration is nobody's business any more."""
    world = world_of(reload_config=True)
    world.configure("web:web_00")
    world.put(SupervisorStopping(), 0.0)
    world.edit(web(1, max_surge=0))
    world.advance(3)
    world.put(Ticked(), 0.0)
    assert [] == world.orders


@pytest.mark.parametrize("answer", ["UNAVAILABLE", "FAILED"])
def test_a_group_that_could_not_be_added_is_tried_again(answer: str) -> None:
    """Whatever was wrong, nothing is left stopped in the end."""
    world = with_job(reload_config=True)
    world.configure("job:job", autostart=False, keep=("web",))
    world.supervisor.refusals["add_group"] = SupervisorFault(answer, "the disk is full")
    world.edit(web())
    world.advance(20)
    assert JOB not in world.supervisor.programs
    assert 1 == world.events().count("group update refused")
    assert (JOB,) == world.remembered
    world.supervisor.refusals.clear()
    world.advance(60)
    assert "group updated" == world.events()[-1]
    assert S.RUNNING is world.supervisor.programs[JOB].state
    assert () == world.remembered
