"""What a process waits for, and until when: in the words and the keys of the configuration."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor_reload.config import KEYS
from supervisor_reload.core.model import ProcessState, Record, SlotName, SlotSettings, TargetSettings
from supervisor_reload.core.phase import Phase
from supervisor_reload.core.slot import KILL_MARGIN, Slot
from supervisor_reload.showing.knowledge import Knowledge
from supervisor_reload.showing.lines import lines
from supervisor_reload.showing.standing import Process, Standing
from supervisor_reload.showing.waits import bar, sentence, waits_of
from tests.fakes.supervisord import Boot
from tests.fakes.world import Code, World, settled, web

A = SlotName("web:web_00")
SLOW = Boot(ready_after=5.0, drains_in=5.0)
PLAIN = web(2, replicas=2, max_surge=0)
REFUSED = "connection refused"


def slot(phase: Phase, **fields: Any) -> Slot:
    return Slot(settings=SlotSettings(name=A), phase=phase, since=100.0, deadline=140.0, **fields)


@pytest.mark.parametrize(
    ("one", "what", "limit", "until"),
    [
        (slot(Phase.QUIESCING), "others to notice its leaving", "lame_duck", 140.0),
        (slot(Phase.DRAINING), "its work in hand", "drain_timeout", 140.0),
        (slot(Phase.DRAINING, is_asked=True), "its end", "drain_timeout", 140.0),
        (slot(Phase.DRAINING, is_asked=True, is_drained=True), "its end", "stopwaitsecs", 140.0),
        (slot(Phase.STOPPING), "its end", "stopwaitsecs", 140.0 - KILL_MARGIN),
        (slot(Phase.STARTING), "supervisord to start it", "", 140.0),
        (slot(Phase.PROBING), "its probe", "ready_timeout", 140.0),
        (
            slot(Phase.SOAKING, state=ProcessState.STARTING),
            "supervisord to call it RUNNING, after startsecs",
            "",
            140.0,
        ),
        (slot(Phase.SOAKING, state=ProcessState.RUNNING, soak=3.0), "min_ready to pass", "", 103.0),
        (
            slot(Phase.SOAKING, state=ProcessState.RUNNING, soak=4.0, falls=2),
            "a while without a fall, after 2",
            "",
            104.0,
        ),
        (slot(Phase.READY), "", "", None),
        (slot(Phase.SPARE), "", "", None),
        (slot(Phase.VACANT), "", "", None),
        (slot(Phase.FAILED), "", "", None),
    ],
)
def test_each_phase(one: Slot, what: str, limit: str, until: float | None) -> None:
    """
    What a phase waits for; a limit is a key of the configuration, ours or the program's.
    """
    waits = waits_of(one)
    assert (what, limit, until) == (waits.what, waits.limit, waits.until)
    assert waits.limit in {"", "stopwaitsecs", *(key.name for key in KEYS)}


def test_every_phase_has_words() -> None:
    """
    Those that wait, and no others.
    """
    waiting = {phase for phase in Phase if waits_of(slot(phase)).what}
    assert {phase for phase in Phase if phase.is_booting or phase.is_leaving} == waiting


@pytest.mark.parametrize(
    ("limit", "whole", "left", "answer", "shown"),
    [
        ("drain_timeout", 30.0, 12.2, "", "its end, 12 s left of drain_timeout=30 s"),
        ("drain_timeout", None, 0.0, "busy", "its end, 0 s left of drain_timeout: busy"),
        ("", None, 9.0, "", "its end, 9 s left"),
        ("drain_timeout", 3600.0, 3000.0, "", "its end, 0:50:00 left of drain_timeout=3600 s"),
        ("drain_timeout", 30.0, None, "busy", "its end: busy"),
    ],
)
def test_a_sentence(limit: str, whole: float | None, left: float | None, answer: str, shown: str) -> None:
    assert shown == sentence("its end", limit, whole, left, answer)


@pytest.mark.parametrize(
    ("ready", "wanted", "shown"),
    [
        (0, 6, "[..........] 0 of 6 ready"),
        (3, 6, "[#####.....] 3 of 6 ready"),
        (5, 6, "[########..] 5 of 6 ready"),
        (6, 6, "[##########] 6 of 6 ready"),
        (7, 6, "[##########] 7 of 6 ready"),
        (1, 0, "[..........] 1 of 0 ready"),
    ],
)
def test_a_bar(ready: int, wanted: int, shown: str) -> None:
    """
    It is full only when all are ready.
    """
    assert shown == bar(ready, wanted)


def rolling(settings: TargetSettings = PLAIN) -> World:
    """The old process drains."""
    world = settled(World(settings, code=Code(revision="r0", boot=SLOW)))
    world.save("r1")
    world.advance(1.0)
    return world


def standing(world: World, more: dict[str, Record] | None = None, **given: Any) -> Standing:
    records = {**world.journal.found(), **(more or {})}
    return Knowledge(records, at=world.clock.now, born=None, **given).standing("web")


def test_a_rollout_shows_a_bar_and_what_it_waits_for() -> None:
    """
    Only to somebody who looks; the number of seconds is what the core waits.
    """
    world = rolling()
    told = standing(world)
    leaving = told.processes[0]
    assert ("its end", "drain_timeout") == (leaving.waits_for, leaving.limit)
    drain_timeout = world.core.targets["web"].settings.drain_timeout
    assert leaving.deadline_in is not None
    assert 0 < drain_timeout - leaving.deadline_in < 1.1
    live, plain = [*lines([told], is_live=True)], [*lines([told])]
    assert "ROLLING   [..........] 0 of 2 ready, rollout 1 to r1, 0:00:00" in live[0]
    assert live[2].startswith("    waits for its end, 9 s left of drain_timeout")
    assert "rollout 1 to r1: 0 of 2 ready" in plain[0]
    assert not [line for line in plain if "waits" in line or "[" in line]


def test_connections_in_use_are_told() -> None:
    """
    Of what leaves, where nobody else said how many; nothing, where nobody can tell.
    """
    world = rolling()
    asked: list[int] = []

    def in_flight(pid: int) -> int:
        asked.append(pid)
        return 1

    told = standing(world, in_flight=in_flight)
    assert [1, None] == [process.in_flight for process in told.processes]
    assert [told.processes[0].pid] == asked
    assert ": 1 busy connection" in [*lines([told], is_live=True)][2]
    hidden = standing(world, in_flight=lambda pid: None)
    assert "connection" not in [*lines([hidden], is_live=True)][2]


def test_what_the_probe_said() -> None:
    """
    It is told while it is of this very wait, and with the limit as a whole, where the listener wrote them.
    """
    world = settled(World(PLAIN, code=Code(revision="r0")))
    world.save("r1", boot=SLOW)
    world.advance(1.0)
    found = world.journal.found()
    since = found[f"slot {A}"]["since"]
    target: Record = {**found["target web"], "limits": {"ready_timeout": 60.0}}
    more: dict[str, Record] = {"target web": target, f"waits {A}": {"since": since, "reason": REFUSED}}
    process = standing(world, more).processes[0]
    assert ("its probe", REFUSED, "ready_timeout", 60.0) == (
        process.waits_for,
        process.answer,
        process.limit,
        process.limit_seconds,
    )
    assert f"left of ready_timeout=60 s: {REFUSED}" in "\n".join(lines([standing(world, more)], is_live=True))
    more[f"waits {A}"] = {"since": since - 1.0, "reason": "something old"}
    assert "" == standing(world, more).processes[0].answer


def test_what_a_target_waits_for() -> None:
    """
    The check, the hook, an operator: no process of its own waits for these.
    """
    world = settled(World(web(2, check=True), code=Code(revision="r0")))
    assert "" == standing(world).waits_for
    world.check_seconds = 5.0
    world.save("r1")
    world.advance(1.0)
    assert "the check" == standing(world).waits_for
    assert "  waits for the check" in [*lines([standing(world)], is_live=True)]
    record = world.journal.found()["target web"]
    owing: dict[str, Record] = {"target web": {**record, "rules": [0]}}
    assert "the commands of run_on, then the check" == standing(world, owing).waits_for
    paused: dict[str, Record] = {"target web": {**record, "condition": "PAUSED"}}
    assert "resume" == standing(world, paused).waits_for
    rollout = {"id": 1, "revision": "r1", "began": 1.0, "wanted": 1}
    hook: dict[str, Record] = {"target web": {**record, "condition": "ROLLING", "rollout": {**rollout}}}
    assert "before_rollout" == standing(world, hook).waits_for
    hook["target web"]["rollout"] = {**rollout, "is_prepared": True}
    assert "" == standing(world, hook).waits_for


def test_a_process_that_is_gone_waits_for_nothing() -> None:
    world = rolling()
    records = world.journal.found()
    told = Knowledge(records, at=None, born=lambda pid: "").standing("web").processes[0]
    assert (True, "", None) == (told.is_gone, told.waits_for, told.deadline_in)
    assert Process(name=A).waits_for == ""


def test_the_listener_writes_down_what_it_was_answered() -> None:
    """
    Once a second, and the limits with the target; what is removed takes them with it.
    """
    world = settled(World(PLAIN, code=Code(revision="r0")))
    world.save("r1", boot=SLOW)
    world.advance(2.5)
    process = standing(world).processes[0]
    settings = world.core.targets["web"].settings
    assert settings.slots[0].ready.timeout == process.limit_seconds
    assert process.answer
    assert f"waits {A}" in world.journal.found()
