"""What the records of a journal say: how a target stands, and each of its processes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from supervisor_reload.core.model import ProcessState as S
from supervisor_reload.core.model import Record, SlotName, SlotSettings, TargetSettings
from supervisor_reload.core.phase import Phase
from supervisor_reload.core.slot import Slot
from supervisor_reload.showing.asked import asked
from supervisor_reload.showing.knowledge import Knowledge
from supervisor_reload.showing.page import files
from supervisor_reload.showing.standing import Standing
from supervisor_reload.showing.words import WORDS, age, clock, word_of
from tests.docs.blocks import ROOT
from tests.fakes.supervisord import Boot
from tests.fakes.world import SIGNAL, Code, World, settled, web

A, B = SlotName("web:web_00"), SlotName("web:web_01")
SLOW = Boot(ready_after=1.0, drains_in=1.0)
FAILS = Boot(dies_after=0.1)
PLAIN = web(2, replicas=2, max_surge=0)


def world_of(settings: TargetSettings) -> World:
    return settled(World(settings, code=Code(revision="r0")))


def knowledge(world: World, born: Callable[[int], str] | None = None) -> Knowledge:
    return Knowledge(world.journal.found(), at=world.clock.now, born=born)


def standing(world: World) -> Standing:
    return knowledge(world).standing("web")


def states(world: World) -> list[str]:
    return [process.state for process in standing(world).processes]


def test_at_rest() -> None:
    """The code on disk serves; the spare slot is empty."""
    world = world_of(web(2))
    seen = standing(world)
    assert ("READY", "r0", "", None) == (seen.condition, seen.revision, seen.why, seen.rollout)
    ready, spare = seen.processes
    assert (A, "READY", world.supervisor.programs[A].pid) == (ready.name, ready.state, ready.pid)
    assert ("r0", True, "") == (ready.revision, ready.is_newest, ready.note)
    assert ("SPARE", 0, None, None) == (spare.state, spare.pid, spare.revision, spare.uptime)
    assert 0 < ready.seconds < ready.uptime <= world.clock.now - 1000


def test_a_rollout_under_way() -> None:
    """Its number, and how many of the wanted processes serve the new code; old and new are told apart."""
    world = world_of(PLAIN)
    world.save("r1", boot=SLOW)
    world.advance(0.5)
    seen = standing(world)
    assert seen.rollout is not None
    assert ("ROLLING", 1, "r1", 0, 2) == (
        seen.condition,
        seen.rollout.id,
        seen.rollout.revision,
        seen.rollout.ready,
        seen.rollout.wanted,
    )
    assert ("/app/app.py",) == seen.rollout.changed
    assert 0 < seen.rollout.seconds < 0.5
    assert [("STARTING", "not ready yet", True), ("READY", "", False)] == [
        (process.state, process.note, process.is_newest) for process in seen.processes
    ]
    world.advance(1.5)
    rollout = standing(world).rollout
    assert rollout is not None
    assert (1, 2) == (rollout.ready, rollout.wanted)


def test_a_rollout_that_began_within_a_burst() -> None:
    """What is on disk is not known for sure yet; the newest code is what is rolled out."""
    world = world_of(web(2))
    world.save("r1")
    world.advance(0.02)
    seen = standing(world)
    assert "r0" == world.journal.found()["target web"]["disk"]
    assert ("ROLLING", "r1") == (seen.condition, seen.revision)
    assert [False, True] == [process.is_newest for process in seen.processes]


def test_a_process_that_leaves() -> None:
    """It drains for as long as it takes."""
    world = settled(World(PLAIN, code=Code(revision="r0", boot=SLOW)))
    world.save("r1")
    world.advance(0.5)
    assert ["DRAINING", "READY"] == states(world)
    assert 0.3 < standing(world).processes[0].seconds < 0.5


def test_a_process_that_reloads_itself() -> None:
    """A process that was signalled is no new one: its uptime goes on."""
    world = world_of(web(1, max_surge=0, strategy=SIGNAL))
    before = world.supervisor.programs[A].pid
    world.supervisor.programs[A].ready_from = float("inf")
    world.save("r1")
    world.advance(0.3)
    (process,) = standing(world).processes
    assert (before, "RELOADING") == (process.pid, process.state)
    assert process.uptime > process.seconds


def test_a_revision_that_fails_is_tried_again_then_held() -> None:
    """First WAITING, with the time; then HELD, with the process that failed; neither hides what serves."""
    world = world_of(web(2, failure_limit=2))
    world.save("r1", boot=FAILS)
    world.advance(0.9)
    seen = standing(world)
    assert "WAITING" == seen.condition
    assert 0 < seen.retry_in <= 1
    world.advance(30)
    seen = standing(world)
    assert ("HELD", "r1", None) == (seen.condition, seen.revision, seen.retry_in)
    assert seen.why.startswith(f"{B}: ")
    assert [("r0", False)] == [(one.revision, one.is_newest) for one in seen.processes if one.pid]


def test_code_that_is_refused_after_what_is_held() -> None:
    """What was saved last is told: while it is checked, and once it is refused."""
    world = world_of(web(2, failure_limit=1, check=True))
    world.save("r1", boot=FAILS)
    world.advance(10)
    assert "HELD" == standing(world).condition
    world.check_seconds = 1.0
    world.save("r2", passes=False)
    world.advance(0.5)
    assert ("CHECKING", "r2") == (standing(world).condition, standing(world).why)
    world.advance(2)
    seen = standing(world)
    assert ("REFUSED", "r2") == (seen.condition, seen.revision)
    assert seen.why.startswith("the check: ")


def test_what_was_stopped_by_hand() -> None:
    """STOPPED, as supervisorctl says; a target without any process is STOPPED, too."""
    world = world_of(PLAIN)
    world.supervisor.stop(A)
    world.advance(6)
    first, second = standing(world).processes
    assert ("STOPPED", "by hand", True) == (first.state, first.note, first.is_by_hand)
    assert "READY" == second.state
    world.supervisor.stop(B)
    world.advance(6)
    assert "STOPPED" == standing(world).condition


def test_what_supervisord_gave_up() -> None:
    """supervisord's word, and its reason."""
    world = world_of(web(1, max_surge=0))
    world.code = Code(revision="r0", boot=FAILS)
    world.supervisor.crash(A)
    world.advance(60)
    (process,) = standing(world).processes
    assert "FATAL" == process.state
    assert process.note
    assert "DOWN" == standing(world).condition


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_has_the_words_of_the_document(phase: Phase) -> None:
    """docs/status.md has a row with this phase and its word, and what is said besides."""
    slot = Slot(settings=SlotSettings(name=A), phase=phase, state=S.RUNNING)
    word, note = word_of(slot)
    rows = [row for row in table_of("the process") if phase.value in row[1].split(", ")]
    assert any(word in row[0].split(", ") and (f"`{note}`" in row[2] or not note) for row in rows)
    assert phase in WORDS


@pytest.mark.parametrize("state", [S.BACKOFF, S.EXITED, S.FATAL])
def test_supervisords_words_for_what_failed(state: S) -> None:
    slot = Slot(settings=SlotSettings(name=A), phase=Phase.FAILED, state=state, reason="why")
    assert (state.value, "why") == word_of(slot)


def table_of(column: str) -> list[list[str]]:
    """The rows of the table of docs/status.md whose head has this column."""
    text = (ROOT / "docs" / "status.md").read_text(encoding="utf-8")
    (table,) = [part for part in text.split("\n\n") if part.startswith("|") and f"| {column} |" in part]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def test_times_of_another_boot() -> None:
    """They mean nothing, and no process of then lives; what is held is held still."""
    world = world_of(web(2, failure_limit=1))
    world.save("r1", boot=FAILS)
    world.advance(10)
    known = Knowledge(world.journal.found(), born=lambda pid: "")
    seen = known.standing("web")
    assert "HELD" == seen.condition
    assert {None} == {each for process in seen.processes for each in (process.seconds, process.uptime)}
    assert [True] == [process.is_gone for process in seen.processes if process.pid]


def test_a_process_that_has_gone() -> None:
    """Its pid is nobody's, or another's; where the kernel did not tell when it began, it is believed."""
    world = world_of(web(1, max_surge=0))
    records = world.journal.found()
    records[f"slot {A}"]["born"] = "77"

    def is_gone(found: dict[str, Record], born: str) -> bool:
        (process,) = Knowledge(found, at=world.clock.now, born=lambda pid: born).standing("web").processes
        return process.is_gone

    assert not is_gone(records, "77")
    assert is_gone(records, "78")
    assert is_gone(records, "")
    del records[f"slot {A}"]["born"]
    assert not is_gone(records, "")


def test_words_are_hidden() -> None:
    """Reasons and names of files go through the redaction."""
    world = world_of(web(2, failure_limit=1))
    world.save("r1", boot=FAILS)
    world.advance(10)
    records = world.journal.found()
    records["health"] = {"degraded": "word"}
    known = Knowledge(records, at=0.0, born=None, hide=lambda text: "***" if text else "")
    (ended,) = known.history()
    outcome = ended.outcome
    assert {"***"} == {known.degraded, known.standing("web").why, outcome.reason, *outcome.changed}


@pytest.mark.parametrize(
    ("names", "found", "refused"),
    [
        ([], ["api", "web"], []),
        (["all"], ["api", "web"], []),
        (["web", "web"], ["web"], []),
        (["wbe", "api"], ["api"], ["wbe: ERROR (no such target; did you mean 'web'?)"]),
        (["web:a"], [], ["web:a: ERROR (no such target; it is a process of 'web')"]),
        (["zzzzzz"], [], ["zzzzzz: ERROR (no such target; there is api, web)"]),
    ],
)
def test_names(names: list[str], found: list[str], refused: list[str]) -> None:
    wanted = asked(names, ["api", "web"], {"web": ["web:a"]})
    assert (tuple(found), tuple(refused)) == (wanted.names, wanted.refused)


def test_lengths_of_time() -> None:
    assert ["0 s", "59 s", "1 min", "59 min", "1 h", "23 h", "1 d", "40 d"] == [
        age(seconds) for seconds in (0.4, 59.9, 60, 3599, 3600, 86399, 86400, 40.5 * 86400)
    ]
    assert ["0:00:00", "0:01:05", "1 day, 1:00:00"] == [clock(each) for each in (0.9, 65.9, 90000.0)]


def test_names_of_files() -> None:
    assert ["", "app.py", "app.py and 2 more", "b and 1 more"] == [
        files([], 0),
        files(["/x/app.py"], 1),
        files(["/x/app.py", "/x/b"], 3),
        files(["/b", "/c"], 0),
    ]
