"""Different files, different actions: by name, by weight, and in the middle of everything else."""

from __future__ import annotations

import pytest

from supervisor_reload.core.model import UNKNOWN, ReactionSettings, Revision, RunRule, SlotName
from supervisor_reload.core.reactions import Reactions
from supervisor_reload.core.revision import Fingerprint, Weight, has_same_code
from tests.fakes.supervisord import Boot
from tests.fakes.world import World, settled, web

PIP = RunRule(patterns=("requirements*.txt",), command=("pip", "install", "-r", "requirements.txt"))
CSS = RunRule(patterns=("*.scss", "*.txt"), command=("make", "css"))
RULES = ReactionSettings(run_on=(PIP, CSS))
A, B = SlotName("web:web_00"), SlotName("web:web_01")


@pytest.mark.parametrize(
    ("name", "weight"),
    [
        ("app.py", Weight.CODE),
        ("templates/index.html", Weight.LIGHT),
        ("deep/templates/index.html", Weight.LIGHT),
        ("templates/readme.md", Weight.NONE),
        ("docs/a\nb.md", Weight.NONE),
        ("templates.py", Weight.CODE),
    ],
)
def test_weights(name: str, weight: Weight) -> None:
    """gitignore patterns; ignore_on goes first."""
    reactions = Reactions(ReactionSettings(signal_on=("templates/",), ignore_on=("*.md",)))
    assert weight is reactions.weight(name)


def test_rules() -> None:
    """Every rule that names the file."""
    reactions = Reactions(RULES)
    assert (0, 1) == reactions.rules("requirements.txt")
    assert (1,) == reactions.rules("static/site.scss")
    assert () == reactions.rules("app.py")


def test_a_light_file_has_a_part_of_its_own() -> None:
    """So a revision tells whether a signal is enough, whatever happened in between."""
    fingerprint = Fingerprint()
    fingerprint.add(0, "app.py", b"1")
    plain = fingerprint.revision()
    fingerprint.add(0, "index.html", b"1", Weight.LIGHT)
    light = fingerprint.revision()
    fingerprint.add(0, "readme.md", b"1", Weight.NONE)
    assert light == fingerprint.revision()
    assert light != plain
    assert has_same_code(light, plain)
    fingerprint.remove(0, "index.html", b"1", Weight.LIGHT)
    assert plain == fingerprint.revision()
    fingerprint.remove(0, "app.py", b"1")
    assert not has_same_code(fingerprint.revision(), plain)


def test_nothing_is_the_same_code_as_what_nobody_knows() -> None:
    """A process of which we don't know what it runs gets no signal instead of new code."""
    assert not has_same_code(UNKNOWN, UNKNOWN)
    assert not has_same_code(None, None)
    assert has_same_code(Revision("r1"), Revision("r1"))


def test_a_template_is_a_signal() -> None:
    """The processes keep their pids, and run what is on disk now."""
    world = settled(World(web()))
    world.save("r0+a")
    world.advance(6)
    assert [("HUP", A)] == world.orders
    assert "rollout complete" in world.events()
    assert {"r0+a"} == {slot.revision for slot in world.target.slots.values() if slot.pid}


def test_code_and_template_together_are_a_replacement() -> None:
    """Whichever comes first."""
    world = settled(World(web()))
    world.save("r1+a")
    world.advance(6)
    assert [("start", B), ("stop", A)] == world.orders


def test_a_template_after_code_that_failed() -> None:
    """The process that runs the old code can't be signalled into the new one."""
    world = settled(World(web()))
    world.save("r1", boot=Boot(dies_after=0.1))
    world.advance(0.9)
    world.save("r1+a")
    world.advance(20)
    assert ("start", B) in world.orders
    assert "HUP" not in [verb for verb, _ in world.orders]


def test_several_are_told_one_by_one() -> None:
    """As many at once as may be unavailable."""
    world = settled(World(web(3, replicas=3, max_surge=0)))
    world.save("r0+a")
    world.advance(0.5)
    assert [("HUP", A)] == world.orders
    world.advance(8)
    assert ["HUP"] * 3 == [verb for verb, _ in world.orders]


def test_a_process_that_dies_of_the_signal_halts_it() -> None:
    """And the others are left alone, until the next try."""
    world = settled(World(web(2, replicas=2, max_surge=0)))
    world.on_order = lambda verb, name: world.supervisor.crash(name) if verb == "HUP" else None
    world.save("r0+a")
    world.advance(0.5)
    assert 1 == len(world.orders)
    assert "rollout halted" in world.events()


def test_the_command_comes_first() -> None:
    """Before the check, before anything is touched; in the order of the rules."""
    world = settled(World(web(check=True, reactions=RULES)))
    world.command_seconds = 1.0
    world.save("r1", rules=(0, 1))
    world.advance(1.9)
    assert [0, 1] == [rule for rule, *_ in world.commands]
    assert [] == world.orders
    world.advance(5)
    assert [("start", B), ("stop", A)] == world.orders


def test_a_command_that_fails_stops_it_there() -> None:
    """Told with its output; run again with the next change, whatever that is."""
    world = settled(World(web(check=True, reactions=RULES)))
    world.command_succeeds = False
    world.save("r1", rules=(0,))
    world.advance(5)
    told = world.story("command failed").values
    assert ("exit status 1", "no such package") == (told["reason"], told["output"])
    assert "pip install -r requirements.txt" == told["command"]
    assert [] == world.orders
    world.command_succeeds = True
    world.save("r2")
    world.advance(5)
    assert [0, 0] == [rule for rule, *_ in world.commands]
    assert [("start", B), ("stop", A)] == world.orders


def test_a_change_during_the_command() -> None:
    """It goes on, the newest code is what is rolled out; only a change of its own files runs it again."""
    world = settled(World(web(1, max_surge=0, reactions=RULES)))
    world.command_seconds = 3.0
    world.save("r1", rules=(0,))
    world.advance(1)
    world.save("r2")
    world.advance(1)
    world.save("r3", rules=(0,))
    world.advance(10)
    assert [0, 0] == [rule for rule, *_ in world.commands]
    assert ["r3"] == [s.values["revision"] for s in world.stories if s.event == "rollout began"]


def test_a_command_without_a_change_of_code() -> None:
    """ignore_on and run_on together: build something, replace nothing."""
    world = settled(World(web(reactions=RULES)))
    world.save("r0", rules=(1,))
    world.advance(5)
    assert [1] == [rule for rule, *_ in world.commands]
    assert [] == world.orders
    world.command_succeeds = False
    world.save("r0", rules=(1,))
    world.advance(5)
    assert "command failed" in world.events()
    assert world.target.intake.is_settled


@pytest.mark.parametrize("settings", [web(), web(2, replicas=2, max_surge=0)])
def test_two_templates_in_short_order(settings) -> None:  # type: ignore[no-untyped-def]
    """The process that was signalled for the first is signalled again, not replaced."""
    world = settled(World(settings))
    world.save("r0+a")
    world.advance(0.5)
    world.save("r0+b")
    world.advance(20)
    assert {"HUP"} == {verb for verb, _ in world.orders}
    assert {"r0+b"} == {slot.revision for slot in world.target.slots.values() if slot.pid}


def test_a_command_that_fails_for_nobody() -> None:
    """An early boot, and the burst ends where it began: the boot is taken back although the command fails."""
    world = settled(World(web(reactions=RULES)))
    world.command_succeeds = False
    world.save("r1")
    world.advance(0.04)
    world.save("r0", rules=(0,))
    world.advance(20)
    assert world.target.rollout is None
    assert world.target.intake.is_settled
    assert 1 == len([pid for pid in (p.pid for p in world.supervisor.programs.values()) if pid])


def test_what_booted_before_its_command_is_booted_again() -> None:
    """The rule's file came later in the burst."""
    world = settled(World(web(reactions=RULES)))
    world.command_seconds = 3.0
    world.save("r1")
    world.advance(0.04)
    world.save("r1", rules=(1,))
    world.advance(20)
    began = world.commands[0][1]
    serving = next(p for p in world.supervisor.programs.values() if p.pid)
    assert serving.began > began + 3.0
    assert "rollout halted" not in world.events()


def test_what_a_command_wrote_is_part_of_the_rollout() -> None:
    """Also where its event comes later: one rollout, of what is there when the command has ended."""
    world = settled(World(web(reactions=RULES)))
    world.command_seconds = 1.0
    world.save("r1", rules=(1,))
    world.advance(0.9)
    world.lose_file_events = True
    world.save("r1css")
    world.lose_file_events = False
    world.advance(0.5)
    world.touch("site.css")
    world.advance(10)
    assert ["r1css"] == [s.values["revision"] for s in world.stories if s.event == "rollout began"]


def test_a_command_that_writes_its_own_files() -> None:
    """It is not run for ever, and the operator is told."""
    world = settled(World(web(reactions=RULES)))
    world.command_seconds = 0.5
    world.save("r1", rules=(1,))
    for number in range(40):
        world.advance(0.2)
        if "command failed" in world.events():
            break
        world.save(f"r1.{number}", rules=(1,))
    world.advance(60)
    told = world.story("command failed").values
    assert "does it write them?" in str(told["reason"])
    assert 7 > len(world.commands)
    assert [] == world.orders
