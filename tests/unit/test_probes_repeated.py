"""The threads that repeat a probe until they are told to stop, and the probe that runs a command."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor_reload.core.facts import Fact, ProbeFailed, ProbePassed
from supervisor_reload.core.model import ReadySettings, SlotName, SlotSettings
from supervisor_reload.edges.probes import ATTEMPT_LIMIT, CALM, PROBES, Probes
from supervisor_reload.edges.probes.command import command
from tests.fakes.servers import NEVER
from tests.integration.supervisord import wait_for

LIMIT = 10.0
SHORT = 0.4


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        ("exit 0", None),
        ("exit 3", "exit status 3"),
        ("echo not yet; echo why >&2; exit 1", "exit status 1: not yet\nwhy"),
        ('test "$SUPERVISOR_RELOAD_PID" = 42', None),
        ("kill -9 $$", "ended by signal 9"),
        ("sleep 100", f"no end within {SHORT:g} s"),
    ],
)
def test_command(words: str, refusal: str | None) -> None:
    """Its exit status decides, its last words explain."""
    assert refusal == command(ReadySettings(command=("sh", "-c", words)), 42, SHORT, NEVER)


WEB = SlotName("web:web_00")


class Scripted:
    """A probe that says what a test wants, one answer for each attempt."""

    def __init__(self) -> None:
        self.next: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.attempts: queue.SimpleQueue[tuple[int, float, float]] = queue.SimpleQueue()

    def __call__(self, ready: ReadySettings, pid: int, limit: float, ended: threading.Event) -> str | None:
        self.attempts.put((pid, limit, time.monotonic()))
        return self.next.get(timeout=LIMIT)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    probe = Scripted()
    monkeypatch.setitem(PROBES, "tcp", probe)
    return probe


@pytest.fixture
def facts() -> queue.SimpleQueue[Fact]:
    return queue.SimpleQueue()


@pytest.fixture
def probes(facts: queue.SimpleQueue[Fact], scripted: Scripted) -> Iterator[Probes]:
    ready = ReadySettings(scheme="tcp", interval=0.03, timeout=2.0)
    tested = Probes([SlotSettings(name=WEB, ready=ready)], facts.put)
    yield tested
    tested.end(WEB)
    for _ in range(3):
        scripted.next.put(None)
    tested.close()
    wait_for(lambda: not probing(), LIMIT)


def probing() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("probe ")]


def test_every_attempt_is_told_with_its_pid(
    probes: Probes, facts: queue.SimpleQueue[Fact], scripted: Scripted
) -> None:
    """Until it passes, and afterwards too: a process that stops answering is not ready."""
    probes.begin(WEB, 42)
    for answer in ("no", None, "no again"):
        scripted.next.put(answer)
    assert ProbeFailed(name=WEB, pid=42, detail="no") == facts.get(timeout=LIMIT)
    assert ProbePassed(name=WEB, pid=42) == facts.get(timeout=LIMIT)
    assert ProbeFailed(name=WEB, pid=42, detail="no again") == facts.get(timeout=LIMIT)
    (_, limit, first), (_, _, second), (_, _, third) = (
        scripted.attempts.get(timeout=LIMIT) for _ in range(3)
    )
    assert 2.0 == limit
    assert 0.03 <= second - first
    assert 0.03 * CALM <= third - second


def test_an_end_in_the_middle_of_an_attempt_tells_nothing(
    probes: Probes, facts: queue.SimpleQueue[Fact], scripted: Scripted
) -> None:
    """Its answer is about a process that nobody asks for any more."""
    probes.begin(WEB, 42)
    scripted.attempts.get(timeout=LIMIT)
    probes.end(WEB)
    scripted.next.put(None)
    wait_for(lambda: not probing(), LIMIT)
    assert facts.empty()


def test_a_new_process_is_probed_in_the_old_ones_place(
    probes: Probes, facts: queue.SimpleQueue[Fact], scripted: Scripted
) -> None:
    """Nothing is told of the old pid any more."""
    probes.begin(WEB, 42)
    assert 42 == scripted.attempts.get(timeout=LIMIT)[0]
    probes.begin(WEB, 43)
    assert 43 == scripted.attempts.get(timeout=LIMIT)[0]
    scripted.next.put(None)
    scripted.next.put(None)
    assert ProbePassed(name=WEB, pid=43) == facts.get(timeout=LIMIT)


def test_an_end_without_a_beginning(probes: Probes) -> None:
    """Orders may come twice."""
    probes.end(WEB)
    probes.end(WEB)
    assert not probing()


@pytest.fixture
def slow(facts: queue.SimpleQueue[Fact], tmp_path: Path) -> Iterator[tuple[Probes, int]]:
    """Probes whose command is under way, and the command's pid."""
    words = f"echo $$ > {tmp_path}/pid; exec sleep 1000"
    ready = ReadySettings(scheme="command", command=("sh", "-c", words))
    tested = Probes([SlotSettings(name=WEB, ready=ready)], facts.put)
    tested.begin(WEB, 42)
    yield tested, int(wait_for((tmp_path / "pid").read_text, LIMIT))
    tested.close()


def test_an_end_ends_the_command_too(slow: tuple[Probes, int], facts: queue.SimpleQueue[Fact]) -> None:
    """Its process was replaced: what it asks is of no interest any more, well before the attempt's limit."""
    probes, pid = slow
    began = time.monotonic()
    probes.end(WEB)
    wait_for(lambda: not Path(f"/proc/{pid}").exists() and not probing(), LIMIT)
    assert time.monotonic() - began < ATTEMPT_LIMIT / 2
    assert facts.empty()


@pytest.mark.parametrize("is_ended", [False, True])
def test_close_ends_the_command_before_we_leave(slow: tuple[Probes, int], is_ended: bool) -> None:
    """A thread that dies with us could not kill it any more; nor one whose end was asked for just before."""
    probes, pid = slow
    if is_ended:
        probes.end(WEB)
    probes.close()
    assert not Path(f"/proc/{pid}").exists()
