"""A plan is what happens then: the rehearsal beside the engine in its world, shape by shape."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from supervisor_reload.core.condition import condition
from supervisor_reload.core.model import (
    HookSettings,
    ReactionSettings,
    RunRule,
    SlotName,
    TargetSettings,
    WatchSettings,
)
from supervisor_reload.core.requests import Requested, Verb
from supervisor_reload.core.revision import Weight
from supervisor_reload.planning.change import Change, change_of
from supervisor_reload.planning.page import Plan, as_json, lines
from supervisor_reload.planning.plan import plan_of
from supervisor_reload.planning.present import SUPPOSED, Present
from tests.fakes.scenarios import A, B
from tests.fakes.supervisord import Boot
from tests.fakes.world import SIGNAL, World, settled, web

ROLLING = web(4, replicas=4, max_surge=0, check=True)
SHAPES: dict[str, TargetSettings] = {
    "restart": web(1, max_surge=0, check=True),
    "swap": web(2, check=True),
    "rolling": ROLLING,
    "two at a time": replace(ROLLING, max_unavailable=2),
    "surge": web(4, replicas=3, max_surge=1),
    "blue/green": web(4, replicas=2, max_surge=2),
    "signal": web(2, replicas=2, max_surge=0, strategy=SIGNAL),
    "drained": web(2, replicas=2, max_surge=0, drain="connections"),
    "quiesced": web(2, quiesce_signal="USR1", lame_duck=2.0, drain="connections"),
    "running": web(2, replicas=2, max_surge=0, scheme="running"),
}


def planned(world: World, *, change: tuple[str, ...] = ()) -> Plan:
    """The plan of an operator who asks now."""
    present = Present(records=world.journal.found(), at=world.clock.now)
    return plan_of(world.settings, present, change)


def asked(plan: Plan) -> list[tuple[str, SlotName]]:
    """What supervisord would be asked for."""
    verbs = {"start": "start", "retire": "stop"}
    return [
        (step.signal or verbs[step.what], name)
        for step in plan.steps
        if step.signal or step.what in verbs
        for name in step.slots
    ]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_plan_is_what_happens(shape: str) -> None:
    """supervisord is asked for just that, in that order; and as few processes serve, and no fewer."""
    world = settled(World(SHAPES[shape], autorestart="false"))
    plan = planned(world)
    world.save("r1")
    fewest = len(world.ready())
    while "rollout complete" not in world.events():
        world.advance(0.05)
        fewest = min(fewest, len(world.ready()))
    world.advance(5)
    assert asked(plan) == world.orders
    assert plan.rehearsal.outcome == "rollout complete"
    assert plan.rehearsal.fewest <= fewest
    assert plan.rehearsal.fewest >= world.settings.replicas - world.settings.max_unavailable


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "signal"])
def test_what_is_left_when_it_does_not_start(shape: str) -> None:
    """As many processes of the old code as serve when the engine has halted."""
    world = settled(World(SHAPES[shape], autorestart="false"))
    plan = planned(world)
    world.save("r1", boot=Boot(dies_after=0.1))
    while "rollout halted" not in world.events():
        world.advance(0.05)
    assert plan.rehearsal.left == len(world.ready())
    left = f"{plan.rehearsal.left} of {plan.rehearsal.serving} serve on with the old"
    assert left in "\n".join(lines(plan))


def test_what_a_signal_leaves() -> None:
    """Who reloads itself and can't is gone: the check is the only net."""
    world = settled(World(SHAPES["signal"]))
    plan = planned(world)
    world.code = replace(world.code, boot=Boot(survives_hup=False))
    assert (plan.rehearsal.serving, plan.rehearsal.left) == (2, 1)


def test_limits() -> None:
    """The longest time is the sum of what the configuration allows, one after the other."""
    target = replace(web(1, max_surge=0, check=True, ready_timeout=20.0), drain_timeout=7.0, stop_timeout=5.0)
    plan = planned(settled(World(target)))
    assert plan.rehearsal.longest == pytest.approx(60 + 7 + 5 + 20, abs=0.1)
    assert plan.rehearsal.shortest == pytest.approx(1, abs=0.1)  # startsecs
    assert [(step["what"], step["limit"]) for step in as_json(plan)["steps"]] == [
        ("check", 60.0),
        ("stop", 12.0),
        ("start", None),
        ("ready", 20.0),
    ]


def test_as_it_stands() -> None:
    """What an operator stopped stays out of it, and what is down is started."""
    world = settled(World(web(3, replicas=3, max_surge=0)))
    world.supervisor.stop(B)
    world.advance(5)
    plan = planned(world)
    assert (plan.rehearsal.serving, plan.condition) == (2, "READY")
    assert B not in [name for _, name in asked(plan)]
    for name in (A, SlotName("web:web_02")):
        world.supervisor.stop(name)
    world.advance(5)
    plan = planned(world)
    assert not asked(plan)
    assert "no rollout: every process was stopped by hand" in "\n".join(lines(plan))


def test_held_code_gives_way_to_a_change() -> None:
    """A change is what lifts a hold; it starts what is down."""
    world = settled(World(web(1, max_surge=0, failure_limit=1)))
    world.save("r1", boot=Boot(dies_after=0.1))
    world.advance(30)
    plan = planned(world)
    assert (plan.condition, plan.rehearsal.serving) == ("HELD", 0)
    assert asked(plan) == [("start", A)]


def test_what_keeps_it() -> None:
    """A pause, an interval, a rollout under way, a full disk: said, and planned for what comes after."""
    world = settled(World(web(1, max_surge=0, min_interval=600.0)))
    world.save("r1")
    world.advance(20)
    world.put(Requested(id="1", verb=Verb.PAUSE), 0.0)
    world.advance(1)
    plan = planned(world)
    assert plan.condition == "PAUSED"
    assert plan.waits[0] == "for supervisor-reload resume web"
    assert plan.waits[1].endswith("s more, for min_interval or max_per_hour")
    assert len(asked(plan)) == 2

    world = settled(World(web(1, max_surge=0), code=World(web()).code))
    world.save("r1")
    while world.target.rollout is None:
        world.advance(0.05)
    plan = planned(world)
    assert plan.waits == ("for rollout 1, which is under way",)
    assert len(asked(plan)) == 2

    records = {**world.journal.found(), "health": {"obstacle": "the disk is full"}}
    plan = plan_of(world.settings, Present(records=records, at=world.clock.now), ())
    assert plan.waits[0] == "the disk is full"


def test_nothing_is_known() -> None:
    """Before the listener ever ran, all is supposed to be well, and that is said."""
    plan = plan_of(SHAPES["swap"], Present(records={}, at=0.0, doubt=SUPPOSED), ())
    assert (plan.doubt, plan.condition, plan.rehearsal.serving) == (SUPPOSED, "READY", 1)
    assert asked(plan) == [("start", B), ("stop", A)]


@pytest.fixture
def reacting(tmp_path: Path) -> TargetSettings:
    """A target with a rule of each kind."""
    reactions = ReactionSettings(
        signal_on=("*.html",),
        ignore_on=("*.md",),
        run_on=(RunRule(patterns=("requirements.txt",), command=("pip", "install")),),
    )
    (tmp_path / ".gitignore").write_text("*.csv\n")
    watch = WatchSettings(paths=(str(tmp_path),), exclude=("*.orig",))
    hooks = HookSettings(before=("backup", "now"), after=("tell", "all"))
    return replace(web(2, check=True), watch=watch, reactions=reactions, hooks=hooks)


@pytest.mark.parametrize(
    ("names", "weight", "steps"),
    [
        (["a.py"], Weight.CODE, ["check", "before", "start", "ready", "retire", "after"]),
        (["a.html"], Weight.LIGHT, ["check", "before", "signal", "ready", "after"]),
        (["a.html", "a.py"], Weight.CODE, ["check", "before", "start", "ready", "retire", "after"]),
        (["a.md"], Weight.NONE, []),
        (["a.csv"], Weight.NONE, []),
        (["a.py.orig"], Weight.NONE, []),
        (["../a.py"], Weight.NONE, []),
        (
            ["requirements.txt"],
            Weight.CODE,
            ["run", "check", "before", "start", "ready", "retire", "after"],
        ),
    ],
)
def test_of_certain_files(
    reacting: TargetSettings, tmp_path: Path, names: list[str], weight: Weight, steps: list[str]
) -> None:
    """What is done depends on which files change."""
    plan = plan_of(
        reacting, Present(records={}, at=0.0, doubt=SUPPOSED), [str(tmp_path / name) for name in names]
    )
    assert (plan.change.weight, [step.what for step in plan.steps]) == (weight, steps)
    said = "\n".join(lines(plan))
    if not steps:
        assert "no rollout: what changed" in said
    if "run" in steps:
        assert "run      pip install (at most 600 s)" in said
    if "before" in steps:
        assert "before   backup now (at most 60 s)" in said


def test_a_watched_file(tmp_path: Path) -> None:
    """A path of ``watch`` may be a file; what lies beside it is not watched."""
    (tmp_path / "a.py").touch()
    target = replace(web(), watch=WatchSettings(paths=(str(tmp_path / "a.py"),)))
    assert change_of(target, [str(tmp_path / "a.py")]).is_seen
    assert change_of(target, [str(tmp_path / "b.py")]) == Change(
        paths=(str(tmp_path / "b.py"),), weight=Weight.NONE, unseen=(str(tmp_path / "b.py"),)
    )


def test_it_is_only_a_rehearsal() -> None:
    """Nothing of the target changes by it."""
    world = settled(World(SHAPES["swap"]))
    before, records = condition(world.target), world.journal.found()
    planned(world)
    assert (condition(world.target), world.journal.found(), world.orders) == (before, records, [])
