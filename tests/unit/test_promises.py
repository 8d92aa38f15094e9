"""README's promises as invariants of random worlds: saves, crashes, operators, lost and doubled facts."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from supervisor_reload.core.errors import SupervisorFault
from supervisor_reload.core.facts import ChangeKind
from supervisor_reload.core.model import (
    LIGHT,
    HookSettings,
    ReactionSettings,
    RunRule,
    SlotName,
    TargetSettings,
)
from supervisor_reload.core.model import ProcessState as S
from supervisor_reload.core.phase import Phase
from supervisor_reload.core.requests import Requested, Verb
from tests.fakes.journal import RESERVE, Killed
from tests.fakes.supervisord import Boot
from tests.fakes.world import SIGNAL, World, web

RULES = ReactionSettings(
    run_on=(RunRule(patterns=("a",), command=("one",)), RunRule(patterns=("b",), command=("two",)))
)


def at_once(target: TargetSettings) -> TargetSettings:
    """The same with startsecs=0: supervisord has no back-off then."""
    return replace(target, slots=tuple(replace(slot, startsecs=0.0) for slot in target.slots))


SHAPES = {
    "plain": web(1, max_surge=0, check=True),
    "swap": web(2, check=True),
    "rolling": web(4, replicas=4, max_surge=0, check=True),
    "two at once": web(4, replicas=4, max_surge=0, max_unavailable=2),
    "surge": web(3, replicas=2, max_surge=1),
    "blue/green": web(4, replicas=2, max_surge=2, check=True),
    "signal": web(2, replicas=2, max_surge=0, strategy=SIGNAL, check=True),
    "running": web(2, scheme="running"),
    "never fewer": web(3, replicas=2, max_surge=1, max_unavailable=0),
    "measured swap": web(2, drain="http", quiesce_signal="USR1", lame_duck=0.3, drain_timeout=5.0),
    "measured in place": web(2, replicas=2, max_surge=0, drain="http", drain_timeout=5.0),
    "quiesced in place": web(1, max_surge=0, quiesce_signal="USR1"),
    "at once": at_once(web(1, max_surge=0, check=True)),
    "swap at once": at_once(web(2)),
    "hooked swap": web(2, hooks=HookSettings(before=("backup",))),
    "seldom": web(2, replicas=2, max_surge=0, min_interval=20.0),
    "prepared swap": web(2, check=True, reactions=RULES),
    "prepared in place": web(2, replicas=2, max_surge=0, reactions=RULES),
}
GOOD = st.builds(
    Boot,
    ready_after=st.sampled_from([0.0, 0.3, 2.0]),
    drains_in=st.sampled_from([0.0, 0.05, 3.0, None]),
    exit_code=st.sampled_from([0, 1]),
)
ASKED = [Verb.START, Verb.PAUSE, Verb.RESUME, Verb.ABORT]
BAD = st.sampled_from([Boot(dies_after=0.05), Boot(dies_after=0.9), Boot(ready_after=None)])
DOWN = st.sampled_from([0.0, 0.05, 1.0, 15.0])
TIMES = st.sampled_from([0.0, 0.001, 0.01, 0.06, 0.3, 1.1, 2.0, 7.0])


class Fuse:
    """Kills the listener when it has been called so often."""

    def __init__(self, world: World, calls: int) -> None:
        self.world, self.calls = world, calls

    def __call__(self) -> None:
        self.calls -= 1
        if self.calls < 0 and self.world.journal.room > 0:  # not two faults at once
            raise Killed


class Promises(RuleBasedStateMachine):
    """A target of any shape, and everything that may happen to it."""

    @initialize(
        shape=st.sampled_from(sorted(SHAPES)),
        autorestart=st.sampled_from(["true", "unexpected", "false"]),
        boot=GOOD,
        lossy=st.booleans(),
    )
    def begin(self, shape: str, autorestart: str, boot: Boot, lossy: bool) -> None:
        self.settings = SHAPES[shape]
        self.world = World(self.settings, autorestart=autorestart, lose_events=lossy, lose_exits=lossy)
        self.world.code = type(self.world.code)(revision="r0", boot=boot)
        self.world.supervisor.boot_all()
        self.world.advance(8)
        self.world.on_order = self.judge
        self.number = self.asked = 0
        self.passed = {"r0": True}
        self.needs: dict[str, tuple[float, tuple[int, ...]]] = {}
        """when a revision was first saved, and which commands it must be preceded by"""
        self.stopped: set[SlotName] = set()
        self.ever_stopped: set[SlotName] = set()
        self.unsure: set[SlotName] = set()
        """nobody knows whether it was an operator who stopped it, or we, as a spare slot"""
        self.told: set[tuple[int, int]] = set()
        """which process was told to reload itself, in which rollout"""
        self.disturbed = False
        """a process ended by itself or by an operator, and the engine may not know it yet"""

    # -- what happens

    @rule(boot=GOOD, passes=st.booleans())
    def save_good(self, boot: Boot, passes: bool) -> None:
        self.save(boot, passes)

    @rule(boot=BAD)
    def save_bad(self, boot: Boot) -> None:
        self.save(boot, True)

    @rule(boot=GOOD, rules=st.sampled_from([(0,), (1,), (0, 1)]), succeeds=st.booleans())
    def save_what_needs_a_command(self, boot: Boot, rules: tuple[int, ...], succeeds: bool) -> None:
        self.world.command_succeeds = succeeds
        self.save(boot, True, rules if self.settings.reactions.run_on else ())

    @rule(boot=GOOD)
    def save_a_template(self, boot: Boot) -> None:
        code, _, light = self.world.code.revision.partition(LIGHT)
        self.save(boot, True, revision=f"{code}{LIGHT}{light}x")

    @rule(boot=GOOD)
    def save_what_ran_before(self, boot: Boot) -> None:
        self.number = max(0, self.number - 2)
        self.save(boot, True)

    def save(
        self, boot: Boot, passes: bool, rules: tuple[int, ...] = (), revision: str | None = None
    ) -> None:
        self.number += revision is None
        revision = revision or f"r{self.number}"
        if revision not in self.passed:
            # without a journal, only a process that is older than the files could tell the next listener
            is_forgotten = self.world.down_until is not None and not self.world.journal.lines
            self.needs[revision] = (self.world.clock.now, () if is_forgotten else rules)
        passes = self.passed.setdefault(revision, passes or not self.settings.check.command)
        self.world.save(revision, boot=boot, passes=passes, rules=rules)

    @rule(kind=st.sampled_from(list(ChangeKind)))
    def touch(self, kind: ChangeKind) -> None:
        self.world.touch(kind=kind)

    @rule(seconds=TIMES)
    def wait(self, seconds: float) -> None:
        self.world.advance(seconds)

    @rule(held=st.booleans())
    def git(self, held: bool) -> None:
        self.world.git_held = held

    @rule(number=st.integers(0, 3))
    def crash(self, number: int) -> None:
        self.disturbed = True
        self.world.supervisor.crash(self.slot(number))

    @rule(number=st.integers(0, 3))
    def operator_stops(self, number: int) -> None:
        self.disturbed = True
        try:
            self.world.supervisor.stop(self.slot(number))
        except SupervisorFault:
            return
        self.stopped.add(self.slot(number))
        self.ever_stopped.add(self.slot(number))
        self.unsure.discard(self.slot(number))

    @rule(number=st.integers(0, 3))
    def operator_starts(self, number: int) -> None:
        self.disturbed = True
        try:
            self.world.supervisor.start(self.slot(number))
        except SupervisorFault:
            return
        self.stopped.discard(self.slot(number))

    @rule(number=st.integers(0, 3), seconds=st.sampled_from([0.2, 3.0, None]))
    def work_comes(self, number: int, seconds: float | None) -> None:
        done_at = None if seconds is None else self.world.clock.now + seconds
        self.world.busy[self.slot(number)] = done_at

    @rule(down=DOWN)
    def the_listener_is_killed(self, down: float) -> None:
        self.world.down_for = down
        if self.world.journal.room > 0:
            self.world.kill_listener()

    @rule(down=DOWN, writes=st.integers(0, 12), where=st.sampled_from(["before", "after"]))
    def the_listener_dies_at_a_record(self, down: float, writes: int, where: str) -> None:
        """Right before one of the next writes to the journal, or right after it."""
        self.world.down_for = down
        setattr(self.world.journal, where, Fuse(self.world, writes))

    @rule(down=DOWN, orders=st.integers(0, 3))
    def the_listener_dies_at_an_order(self, down: float, orders: int) -> None:
        """supervisord has carried it out, and nobody hears the answer."""
        self.world.down_for = down
        self.world.after_order = Fuse(self.world, orders)

    @rule(boot=GOOD, down=DOWN, writes=st.integers(0, 12), seconds=st.sampled_from([1.1, 7.0]))
    def the_listener_dies_in_a_rollout(self, boot: Boot, down: float, writes: int, seconds: float) -> None:
        self.the_listener_dies_at_a_record(down, writes, "before" if writes % 2 else "after")
        self.save(boot, True)
        self.world.advance(seconds)

    @rule(boot=GOOD, down=DOWN, orders=st.integers(0, 3), seconds=st.sampled_from([1.1, 7.0]))
    def the_listener_dies_at_an_order_of_a_rollout(
        self, boot: Boot, down: float, orders: int, seconds: float
    ) -> None:
        self.the_listener_dies_at_an_order(down, orders)
        self.save(boot, True)
        self.world.advance(seconds)

    @rule(boot=GOOD, number=st.integers(0, 3), seconds=TIMES, stops=st.booleans())
    def an_operator_acts_in_a_rollout(self, boot: Boot, number: int, seconds: float, stops: bool) -> None:
        self.save(boot, True)
        self.world.advance(seconds)
        (self.operator_stops if stops else self.operator_starts)(number)

    @rule(verb=st.sampled_from(ASKED), is_forced=st.booleans(), twice=st.booleans())
    def an_operator_asks(self, verb: Verb, is_forced: bool, twice: bool) -> None:
        self.asked += 1
        asked = Requested(id=str(self.asked), verb=verb, is_forced=is_forced)
        for _ in range(1 + twice):
            self.world.put(asked, 0.0)

    @rule(boot=GOOD, verb=st.sampled_from(ASKED), seconds=TIMES)
    def an_operator_asks_in_a_rollout(self, boot: Boot, verb: Verb, seconds: float) -> None:
        self.save(boot, True)
        self.world.advance(seconds)
        self.an_operator_asks(verb, False, False)

    @rule(down=DOWN)
    def the_journal_is_lost(self, down: float) -> None:
        """Somebody removed it, and the listener was killed: of what it did nobody knows any more."""
        self.the_listener_is_killed(down)
        world = self.world
        world.journal.lines.clear()
        self.told.clear()
        for program in world.supervisor.programs.values():
            program.signals.clear()
            if program.state in (S.STOPPED, S.STOPPING):  # that stays so, whoever stopped it
                self.stopped.add(program.name)
                self.ever_stopped.add(program.name)
                self.unsure.add(program.name)
        self.disturbed = True
        self.needs = dict.fromkeys(self.needs, (0.0, ()))
        self.passed[world.code.revision] = True

    @rule(full=st.booleans())
    def the_disk_fills(self, full: bool) -> None:
        self.world.journal.full = full
        self.world.journal.room = RESERVE

    @rule(lossy=st.booleans())
    def facts_get_lost(self, lossy: bool) -> None:
        self.world.lose_events = self.world.lose_exits = lossy

    @rule(lossy=st.booleans())
    def file_events_get_lost(self, lossy: bool) -> None:
        self.world.lose_file_events = lossy

    @rule()
    def facts_come_twice(self) -> None:
        for program in self.world.supervisor.programs.values():
            self.world.supervisor.on_change(program.name)

    # -- what must hold

    def judge(self, verb: str, name: SlotName) -> None:
        """Called for every order, before it is carried out."""
        world, target = self.world, self.world.target
        assert name in target.slots, "an order for a process of another program"
        program = world.supervisor.programs[name]
        if verb not in ("start", "stop", "HUP"):
            assert (program.pid, verb) not in program.signals, "the graceful signal was sent twice"
        if verb == "HUP" and target.rollout is not None:
            assert (program.pid, target.rollout.id) not in self.told, "the reload signal was sent twice"
            self.told.add((program.pid, target.rollout.id))
        if verb == "start":
            serves = any(slot.is_live for slot in target.slots.values() if slot.name != name)
            # stopped while others were enough: spare again
            is_spare = self.settings.has_spare and (serves or name in self.unsure)
            allowed = name not in self.stopped or self.disturbed or is_spare
            assert allowed, "what an operator stopped was started"
            self.stopped.discard(name)  # it runs again, rightly or because nobody could know
            return
        self.judge_work(verb, name)
        rollout = target.rollout
        if verb == "HUP" or rollout is None:
            return
        assert self.passed[rollout.revision], "something was touched for code that the check refused"
        saved_at, rules = self.needs.get(rollout.revision, (0.0, ()))
        ran = {number for number, began, succeeded in world.commands if succeeded and began >= saved_at}
        assert ran.issuperset(rules), "something was touched before the commands of run_on succeeded"
        old = target.slots[name]
        if old.settings.drain.is_measured and program.pid in self.out_of_service():
            return  # since its drain began; another may have fallen meanwhile
        if not program.is_ready(world.clock.now) or program.state is not S.RUNNING:
            return
        if old.phase is Phase.STOPPING and not old.is_retiring:
            return  # a boot, or a process that was not ready
        by_hand = any(slot.is_by_hand for slot in target.slots.values())
        has_spare = self.settings.has_spare and not by_hand
        lowest = rollout.wanted - (0 if has_spare else self.settings.max_unavailable)
        believed = [
            slot
            for slot in target.slots.values()
            if slot.name != name
            and not slot.phase.is_leaving
            and (slot.phase is Phase.READY or (slot.state is S.RUNNING and slot.is_live))
        ]
        assert len(believed) >= lowest, "fewer were left ready than promised"
        if not self.disturbed and self.settings.slots[0].ready.scheme != "running":
            really = [ready for ready in world.ready() if ready != name]
            assert len(really) >= lowest, "fewer were left ready than promised, and we did not know"

    def judge_work(self, verb: str, name: SlotName) -> None:
        """Work that is looked at is waited for, as long as the operator allows."""
        slot, program = self.world.target.slots[name], self.world.supervisor.programs[name]
        if not slot.settings.drain.is_measured or verb in ("USR1", "HUP") or program.state is not S.RUNNING:
            return
        if not program.is_ready(self.world.clock.now) or slot.signalled_pid == slot.pid:
            return
        if slot.phase is Phase.STOPPING and not (slot.is_retiring and slot.state is S.RUNNING):
            return  # a boot that nobody wants any more
        assert program.pid in self.out_of_service(), "it was stopped before its work was done"

    def out_of_service(self) -> set[object]:
        """The pids whose drain is over."""
        over = ("slot drained", "drain timed out")
        told = {story.values["pid"] for story in self.world.stories if story.event in over}
        return told | self.world.untold  # the listener that would have told it was killed

    @invariant()
    @precondition(lambda self: hasattr(self, "world"))
    def every_wait_has_a_limit(self) -> None:
        for slot in self.world.target.slots.values():
            if slot.phase.is_booting or slot.phase.is_leaving:
                assert slot.deadline is not None, slot

    @rule()
    def it_ends_well(self) -> None:
        """After a quiet while: no rollout hangs, nothing is left stopped, the newest good code runs."""
        world = self.world
        world.git_held = world.lose_events = world.lose_exits = world.journal.full = False
        world.journal.before = world.journal.after = world.after_order = lambda: None
        world.advance(15)  # whoever is to be asked is back
        self.an_operator_asks(Verb.RESUME, False, False)
        world.advance(200, step=5.0)
        self.disturbed = False
        target, code = world.target, world.code
        assert target.rollout is None, (target.rollout, target.slots)
        assert not [s for s in target.slots.values() if s.phase in (Phase.VACANT, Phase.STARTING)]
        by_hand = {slot.name for slot in target.slots.values() if slot.is_by_hand}
        assert by_hand <= self.ever_stopped, "what we stopped was taken for an operator's"
        for slot in target.slots.values():
            program = world.supervisor.programs[slot.name]
            assert slot.state is program.state, (slot, program)
        runs = [program for program in world.supervisor.programs.values() if program.state.is_up]
        good = code.boot.dies_after is None and code.boot.ready_after is not None
        prepared = not world.target.intake.preparation.owed
        if good and code.passes and prepared and not self.stopped and self.newest_is_wanted():
            failed = [slot for slot in target.slots.values() if slot.phase is Phase.FAILED]
            # one that fell on the newest code by itself is supervisord's business until the files change
            assert all(slot.revision == code.revision for slot in failed), "a good save did not revive it"
            assert len(runs) >= self.settings.replicas - len(failed), (runs, target.slots)
            ready = {slot.revision for slot in target.slots.values() if slot.phase is Phase.READY}
            assert ready <= {code.revision}, target.slots

    def newest_is_wanted(self) -> bool:
        """Whether nothing speaks against the newest code: an operator's hand, or an earlier failure of it."""
        target = self.world.target
        in_use = [s for s in target.slots.values() if s.phase is not Phase.SPARE]
        by_hand = any(slot.is_by_hand for slot in target.slots.values())
        if not self.settings.has_spare:  # where the journal was lost, nobody knows whose hand it was
            by_hand |= len(in_use) < len(target.slots)
        restraint = target.restraint
        spoken_against = restraint.is_left_alone or restraint.is_held or restraint.failures
        spoken_against = spoken_against or target.intake.refusal.startswith("abort")
        return bool(in_use) and not by_hand and not spoken_against

    def slot(self, number: int) -> SlotName:
        return self.settings.slots[number % len(self.settings.slots)].name


Promises.TestCase.settings = settings(
    max_examples=int(os.environ.get("PROMISES_EXAMPLES", "60")),
    stateful_step_count=int(os.environ.get("PROMISES_STEPS", "30")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestPromises = pytest.mark.filterwarnings("default")(Promises.TestCase)
