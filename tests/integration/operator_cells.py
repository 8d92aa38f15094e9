"""An operator acts in the middle of a rollout, phase by phase, and what must follow: the cells of a matrix.

It exists so that the tests and the benchmark play the same cells. Each begins its own supervisord, leads a
rollout into a phase that lasts until the operator has acted, and then looks whether the operator was obeyed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

from tests.integration.operated import Event, Operated
from tests.integration.operator_actions import ACTIONS, Play
from tests.integration.shapes import MEASURED, PLAIN, ROLLING, SIGNAL, SWAP

QUIET = 0.3
"""Seconds for which it is looked whether something is done that must not be done."""


# the phases


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase of a slot: what holds it, and how we see that it is reached."""

    event: str
    """of the listener's log"""
    holds: tuple[str, ...] = ()
    signal: str = ""
    """what the process must have got"""
    count: int = 1
    needs: dict[str, str] = field(default_factory=dict)
    """keys of our section"""
    has_passed: bool = False
    """its probe has passed"""


BOOTED = Phase("slot started", ("ready",))
DRAINING = Phase("slot draining", ("leave",), "SIGTERM")
SOAKING = Phase("slot started", needs={"min_ready": "1.5"}, has_passed=True)

PHASES: dict[str, dict[str, Phase]] = {
    PLAIN.name: {
        "DRAINING": DRAINING,
        "STOPPING": Phase("drain timed out", ("leave",), "SIGTERM", 2, {"drain_timeout": "0.2"}),
        "VACANT": Phase("slot left", ("leave",), needs={"max_wait": "4"}),
        "PROBING": BOOTED,
        "SOAKING": SOAKING,
    },
    ROLLING.name: {"DRAINING": DRAINING, "PROBING": BOOTED, "SOAKING": SOAKING, "READY": DRAINING},
    SWAP.name: {
        "STOPPING": Phase("slot retiring", ("leave",), "SIGTERM"),
        "PROBING": BOOTED,
        "SOAKING": SOAKING,
        "READY": BOOTED,
    },
    SIGNAL.name: {
        "PROBING": Phase("slot signalled", ("ready",), "SIGHUP"),
        "SOAKING": Phase("slot signalled", needs={"min_ready": "1.5"}, has_passed=True, signal="SIGHUP"),
        "READY": Phase("slot signalled", ("ready",), "SIGHUP"),
    },
    MEASURED.name: {
        "QUIESCING": Phase("slot quiescing", ("drain",), signal="SIGUSR1", needs={"lame_duck": "1.5"}),
        "DRAINING": Phase("slot draining", ("drain",)),
        "STOPPING": Phase("slot retiring", ("leave",), "SIGTERM"),
        "PROBING": BOOTED,
        "READY": Phase("slot draining", ("drain",)),
    },
}

SHAPES = {shape.name: shape for shape in (PLAIN, ROLLING, SWAP, SIGNAL, MEASURED)}


def reach(stage: Operated, name: str, phase: Phase, open_files: ExitStack) -> Event:
    """Save, and wait until a slot is in the phase; what the listener said of it."""
    stage.hold(*phase.holds)
    since = len(stage.lines())
    stage.save()
    if name == "VACANT":
        stage.wait(lambda: stage.told("slot draining", since), "draining")
        file = open_files.enter_context((stage.directory / "src" / "same.txt").open("r+"))
        file.write("same")  # the same content, and while it is open nobody knows
        file.flush()
        stage.release()

    def is_reached() -> Event | None:
        for event in stage.told(phase.event, since)[:1]:
            pid = event["pid"]
            if phase.has_passed and not stage.has_passed(pid):
                return None
            return event if not phase.signal or stage.got(pid)[phase.signal] >= phase.count else None
        return None

    found = stage.wait(is_reached, name)
    assert found is not None
    return found


@dataclass(frozen=True, slots=True)
class Cell:
    """One shape, one phase, one action."""

    shape: str
    phase: str
    action: str

    def __str__(self) -> str:
        return f"{self.shape} / {self.phase} / {self.action}"

    @property
    def skipped(self) -> str:
        """Why it is not played; empty where it is."""
        if self.action == "fewer" and SHAPES[self.shape].slots == 1:
            return "numprocs=0 is not allowed"
        if self.phase == "VACANT" and self.action in ("stop", "restart", "stop all", "remove"):
            return "supervisord knows nothing to stop: it says 'not running', and nobody hears of it"
        return ""


def cells() -> Iterator[Cell]:
    """All of them, also those that can't be played."""
    for shape, phases in PHASES.items():
        for phase in phases:
            for action in ACTIONS:
                yield Cell(shape, phase, action)


def play(cell: Cell) -> float:
    """Play a cell; the seconds that it took. Raises AssertionError where something is not as it must be."""
    began = time.monotonic()
    phase = PHASES[cell.shape][cell.phase]
    with Operated(SHAPES[cell.shape].of(**phase.needs)) as stage:
        with ExitStack() as open_files:
            event = reach(stage, cell.phase, phase, open_files)
            others = [name for name in stage.states() if name != event["slot"]]
            slot = others[-1] if cell.phase == "READY" else event["slot"]
            played = Play(stage, cell.phase, event["slot"], event["pid"], slot)
            ACTIONS[cell.action](played)
        _judge(played, cell)
        _bring_back(played)
    return time.monotonic() - began


# what must follow


def _judge(played: Play, cell: Cell) -> None:
    stage = played.stage
    if played.returns:
        stage.wait(lambda: _running(stage) >= stage.shape.replicas, "supervisord's programs")
    else:
        stage.wait(lambda: stage.is_at_rest, "the rollout's end")
        stage.wait(lambda: _is_as_wanted(played), "nothing else left stopped")
        _stays(played)
        stage.wait(lambda: _is_as_wanted(played), "nothing else left stopped by what went on meanwhile")
        if played.stopped and _is_news(played):
            told = {line["slot"] for line in stage.lines() if "stopped by hand" in str(line.get("event"))}
            assert played.stopped & told, f"nobody was told of {played.stopped}: {told}"
    _count_signals(played, cell)


def _is_news(played: Play) -> bool:
    """Whether the stop is not what the rollout was about to do itself."""
    return played.slot != played.moving or played.phase != "STOPPING"


def _is_as_wanted(played: Play) -> bool:
    states = played.stage.states()
    if played.gone:
        return not states
    if any(states[name] not in ("STOPPED", "EXITED") for name in played.stopped):
        return False
    if any(states[name] != "RUNNING" for name in played.restarted):
        return False
    shape = played.stage.shape
    wanted = min(shape.replicas, shape.slots - len(played.stopped))
    return list(states.values()).count("RUNNING") >= wanted and not {"STOPPING", "STARTING"} & {
        *states.values()
    }


def _stays(played: Play) -> None:
    """The proof that nobody starts what was stopped, or stops what runs, needs some time."""
    before = played.stage.states()
    until = time.monotonic() + QUIET
    while time.monotonic() < until:
        for name, state in played.stage.states().items():
            is_kept = name not in played.stopped or state in ("STOPPED", "EXITED")
            assert is_kept, f"{name} was stopped by hand and is {state}"
            is_up = before[name] != "RUNNING" or state in ("RUNNING", "STOPPING")
            assert is_up or played.stage.shape.has_spare, f"{name} was RUNNING and is {state}"


def _running(stage: Operated) -> int:
    return list(stage.states().values()).count("RUNNING")


def _count_signals(played: Play, cell: Cell) -> None:
    """No process gets two graceful signals of ours: a second TERM is supervisord's, as somebody wished."""
    pids = {did.pid for did in played.stage.did()}
    for pid in pids:
        got = played.stage.got(pid)
        allowed = 1
        if pid == played.pid and cell.shape in (PLAIN.name, ROLLING.name):
            # told to stop what we only signalled, supervisord adds its own: by an operator, or by the limit
            allowed += cell.phase == "STOPPING" or (cell.phase == "DRAINING" and cell.action != "start")
            allowed += cell.phase == "READY" and cell.action not in ("start", "stop", "restart")
        assert got["SIGTERM"] <= allowed, f"pid {pid} got {dict(got)}"
        assert got["SIGUSR1"] <= 1, f"pid {pid} got {dict(got)}"
        assert got["SIGHUP"] <= 1, f"pid {pid} got {dict(got)}"


def _bring_back(played: Play) -> None:
    """The operator brings things back; the next save reaches all of them."""
    stage = played.stage
    if played.bring_back:
        said = stage.ordered(*played.bring_back)
        assert "ERROR" not in said, said
    stage.wait(lambda: _running(stage) >= stage.shape.replicas, "what was brought back")
    stage.wait(lambda: _is_known(stage), "the listener knows")
    since = len(stage.lines())
    newest = stage.save()

    def serves() -> bool:
        runs = stage.runs()
        return len(runs) == stage.shape.replicas and {*runs.values()} == {newest}

    stage.wait(serves, f"all of it on {newest}: {stage.runs()}")
    stage.wait(lambda: stage.told("rollout complete", since) and stage.is_at_rest, "a complete rollout")
    wrong = [line for line in stage.lines() if line.get("level") in ("unreadable", "critical")]
    assert not wrong, wrong
    assert stage.supervisord.state("reload:reload") in ("STARTING", "RUNNING")  # it may be a second old


def _is_known(stage: Operated) -> bool:
    """Whether the listener has seen every process that runs, ready: nothing of the last act is under way."""
    ready = {line["pid"] for line in stage.told("slot ready")}
    up = {info["pid"] for info in stage.processes().values() if info["statename"] == "RUNNING"}
    return up <= ready
