"""How everything stands, in numbers, and what is left of it when targets come and go."""

from __future__ import annotations

import logging

from supervisor_reload.core.condition import Condition
from supervisor_reload.core.facts import (
    ChangeKind,
    CheckFailed,
    CheckPassed,
    CommandFailed,
    FileChanged,
    HookSucceeded,
    JournalFailed,
    RevisionComputed,
)
from supervisor_reload.core.model import Revision
from supervisor_reload.core.standing import Ended, Standing, last_ended, standing
from supervisor_reload.edges.metrics import Metering
from supervisor_reload.edges.metrics.definitions import CONDITIONS, DECISIVE, FILES, PHASE_SECONDS, ROLLOUTS
from tests.fakes.journal import FakeJournal
from tests.fakes.metered import metered
from tests.fakes.supervisord import Boot


def test_at_rest():
    world = metered()
    (target,) = standing(world.core).targets
    assert (target.name, target.condition, target.revision) == ("web", Condition.READY, "r0")
    assert (target.ready, target.wanted, target.outdated) == (1, 1, 0)
    assert target.is_readable


def test_in_a_rollout():
    """The old process is ready, and outdated; the new one is neither."""
    world = metered()
    world.save("r1", boot=Boot(ready_after=3.0))
    world.advance(1.5)
    (target,) = standing(world.core).targets
    assert (target.condition, target.revision) == (Condition.ROLLING, "r1")
    assert (target.ready, target.wanted, target.outdated) == (1, 1, 1)
    world.advance(10)
    (target,) = standing(world.core).targets
    assert (target.ready, target.wanted, target.outdated) == (1, 1, 0)


def test_what_is_no_targets():
    world = metered()
    world.look()
    names = ("supervisord_up", "journal_writable", "config_last_read_successful")
    assert [1, 1, 1] == [world.value(name) for name in names]
    world.put(JournalFailed(reason="the disk is full"))
    world.core.unreachable = "supervisord is stopped"
    world.core.reconfiguring.refused = ("f: [x] y: wrong",)
    world.advance(0.1)
    world.core.unreachable = "supervisord is stopped"
    world.look()
    assert [0, 0, 0] == [world.value(name) for name in names]


def test_one_condition_and_one_revision_at_a_time():
    world = metered()
    world.look()
    world.save("r1")
    world.advance(10)
    world.look()
    assert 1 == sum(world.value("target_condition", each) or 0 for each in CONDITIONS)
    assert (None, 1) == (world.value("revision_info", "r0"), world.value("revision_info", "r1"))


def test_counters_begin_at_zero():
    """Before anything happens: Prometheus sees no increase from nothing to one."""
    world = metered()
    world.look()
    assert 0 == world.value("rollouts_total", "halted")
    assert (0, 0.0) == world.spread("phase_duration_seconds", "drain")


def test_a_target_that_goes_takes_its_numbers_along():
    world = metered()
    world.look()
    world.save("r1")
    world.advance(10)
    world.metering.look(
        Standing(targets=(), is_reachable=True, is_journaled=True, is_configured=True),
    )
    assert not any(
        labels
        for definition, series in world.metering.tally.read().values.items()
        if definition.is_of_target
        for labels in series
    )
    assert 1 == world.value("supervisord_up")


def test_what_is_watched():
    """As a reading of everything tells it; one of a few files says nothing of that."""
    metering = Metering(lambda: 0.0, lambda: 0.0, ("1", "4", "3"))
    facts = []
    put = metering.heard(facts.append)
    whole = RevisionComputed(target="web", revision=Revision("r"), full=True, counted=(12, 3))
    put(whole)
    put(RevisionComputed(target="web", revision=Revision("r1")))
    assert {("web",): 12} == metering.tally.read().values[FILES]
    assert facts[0] is whole, "what is overheard is given on as it is"


class Port:
    """Any of the ports that run something; it keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    def run(self, *what: object) -> None:
        self.asked.append(what)

    def cancel(self, target: str) -> None:
        self.asked.append(("cancel", target))

    def tick(self) -> None:
        self.asked.append("tick")

    def close(self) -> None:
        self.asked.append("close")


def test_what_runs_is_timed_and_asked_as_before():
    """A check, a command and a hook at a time: each has its own beginning and its own end."""
    now = [0.0]
    metering = Metering(lambda: now[0], lambda: 0.0, ("1", "4", "3"))
    put, port, r = metering.heard(lambda _: None), Port(), Revision("r")
    checks, commands, hooks = (
        metering.heard_checks(port),
        metering.heard_commands(port),
        metering.heard_hooks(port),
    )
    checks.run("web", r, ())
    now[0] = 1.0
    commands.run("web", 0, r, ("/a",))
    hooks.run("web", 7, r, ())
    now[0] = 3.0
    for fact in (
        CheckFailed(target="web", revision=r, reason="no"),
        CommandFailed(target="web", rule=0, reason="no"),
        HookSucceeded(target="web", rollout=7),
        CheckPassed(target="web", revision=r),
    ):
        put(fact)
    checks.run("web", r, ())
    checks.cancel("web")
    put(CheckPassed(target="web", revision=r))
    spreads = metering.tally.read().spreads[PHASE_SECONDS]
    told = {labels[1]: (sum(spread.counts), spread.total) for labels, spread in spreads.items()}
    assert {"check": (1, 3.0), "run_on": (1, 2.0), "before_rollout": (1, 2.0)} == told
    for each in (checks, commands):
        each.tick()
        each.close()
    asked = [("web", r, ()), ("web", 0, r, ("/a",)), ("web", 7, r, ()), ("web", r, ()), ("cancel", "web")]
    assert [*asked, "tick", "close", "tick", "close"] == port.asked


def test_a_fact_that_can_not_be_counted_is_given_on(caplog):
    """And so is every other."""
    metering = Metering(lambda: 1 / 0, lambda: 0.0, ("1", "4", "3"))
    facts: list[object] = []
    put = metering.heard(facts.append)
    with caplog.at_level(logging.ERROR):
        put(FileChanged(target="web", path="/a", kind=ChangeKind.SETTLED))
    assert 1 == len(facts)
    assert "a fact could not be counted" in caplog.text


def test_whatever_is_written_down_is_looked_at(caplog):
    """The journal does what it did; a look that fails ends nothing, and is told once."""
    world = metered()
    journal = FakeJournal()
    looks = iter([standing(world.core)])
    followed = world.metering.following(journal, lambda: next(looks))
    followed.write({"a": {"x": 1}})
    assert 1 == world.value("target_condition", "READY")
    with caplog.at_level(logging.ERROR):
        followed.tick()
        followed.write({"b": {"x": 1}})
    assert 1 == caplog.text.count("the numbers could not be brought up to date")
    assert {"a", "b"} == {*journal.found()}


RECORD = {"id": 1, "outcome": "complete", "seconds": 1.5, "ended": 100.0}


def test_the_last_rollouts_of_a_journal():
    """The newest of each target that says whether the code came through; what is no record is none."""
    records = {
        "rollout web 1": RECORD,
        "rollout web 2": {**RECORD, "id": 2, "outcome": "halted"},
        "rollout web 3": {**RECORD, "id": 3, "outcome": "superseded"},
        "rollout a b 0": {**RECORD, "id": 100},
        "rollout bad 1": {**RECORD, "seconds": "long"},
        "rollout odd 1": {"id": 1},
        "target web": {"condition": "READY"},
    }
    found = last_ended(records, DECISIVE)  # type: ignore[arg-type]
    assert {
        "web": Ended(outcome="halted", seconds=1.5, ended=100.0),
        "a b": Ended(outcome="complete", seconds=1.5, ended=100.0),
    } == found


def test_a_new_listener_knows_the_last_rollout():
    """Counters begin anew, as everywhere; how the last rollout ended is known still."""
    world = metered()
    world.save("r1")
    world.advance(10)
    seconds = world.value("last_rollout_duration_seconds")
    metering = world.metering = Metering(world.clock, lambda: 0.0, ("1", "4", "3"))
    metering.recall(world.journal.found())
    world.look()
    assert world.value("last_rollout_duration_seconds") == round(seconds or 0, 3)
    assert 1 == world.value("last_rollout_success")
    assert 0 == metering.tally.read().values[ROLLOUTS]["web", "complete"]
