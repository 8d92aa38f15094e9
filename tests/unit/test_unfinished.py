"""Commands that outlive the listener that began them: awaited or ended by the next, and nobody else is."""

from __future__ import annotations

import logging
import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from supervisor_reload.core.facts import CheckPassed, CommandFailed, CommandSucceeded, Fact
from supervisor_reload.core.model import CheckSettings, ReactionSettings, Revision, RunRule
from supervisor_reload.edges.commands import Checking, Commanding
from supervisor_reload.edges.processes import born
from supervisor_reload.edges.unfinished import Unfinished
from tests.fakes.world import web
from tests.integration.supervisord import wait_for
from tests.unit.leftovers import LIMIT, never, record, write
from tests.unit.test_spawning import is_alive

R1 = Revision("r1")
LOGGER = "supervisor_reload.edges.unfinished"

LISTENER = """
import os, signal, sys, threading, time
from functools import partial
from supervisor_reload.edges.spawning import run
from supervisor_reload.edges.unfinished import Unfinished
directory, kind, target, limit, words = sys.argv[1:]
keep = partial(Unfinished(directory, kind).kept, target, float(limit))
options = {"limit": 60.0, "named_in": "SUPERVISOR_RELOAD_FILES", "keep": keep}
threading.Thread(target=run, args=(["sh", "-c", words],), kwargs=options, daemon=True).start()
while not [name for name in os.listdir(directory) if name.startswith(kind) and not name.endswith(".new")]:
    time.sleep(0.005)
os.kill(os.getpid(), signal.SIGKILL)
"""
"""A listener that is killed as soon as it has remembered its command."""

UNTIL = "n=0; while [ ! -e {0} ] && [ $n -lt 600 ]; do n=$((n+1)); sleep 0.05; done"
"""until there is such a file, but for no more than half a minute"""


class Orphan(NamedTuple):
    pid: int
    file: Path

    @property
    def is_alive(self) -> bool:
        return is_alive(self.pid)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    return tmp_path / "state"


@pytest.fixture
def orphan(state: Path) -> Iterator[Callable[..., Orphan]]:
    """Begins a command in a listener that is killed then."""
    groups = []

    def begin(words: str, kind: str = "run_on", target: str = "web", limit: float = 60.0) -> Orphan:
        argv = [sys.executable, "-c", LISTENER, str(state), kind, target, str(limit), words]
        assert subprocess.run(argv, timeout=60, check=False).returncode == -signal.SIGKILL
        (file,) = state.glob(f"{kind}.*")
        pid = int(file.suffix[1:])
        groups.append((pid, born(pid)))
        return Orphan(pid, file)

    yield begin
    for pid, birth in groups:
        if birth and born(pid) == birth:
            os.killpg(pid, signal.SIGKILL)


@pytest.fixture
def facts() -> queue.SimpleQueue[Fact]:
    return queue.SimpleQueue()


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, LOGGER)
    return caplog


def commanding(state: Path, put: Callable[[Fact], object], words: str, limit: float = LIMIT) -> Commanding:
    reactions = ReactionSettings(
        run_on=(RunRule(patterns=("*",), command=("sh", "-c", words)),), run_timeout=limit
    )
    return Commanding([replace(web(1, max_surge=0), reactions=reactions)], put, str(state))


@pytest.mark.fault(1)
def test_a_command_waits_for_that_of_the_listener_before_us(
    state: Path,
    tmp_path: Path,
    orphan: Callable[..., Orphan],
    facts: queue.SimpleQueue[Fact],
    told: pytest.LogCaptureFixture,
) -> None:
    """Never two at once; the log says for whom we wait."""
    go, runs = tmp_path / "go", tmp_path / "runs"
    words = f"echo begin $$ >> {runs}; {UNTIL.format(go)}; echo end $$ >> {runs}"
    left = orphan(words)
    ours = commanding(state, facts.put, words)
    ours.run("web", 0, R1, ())
    wait_for(lambda: f"of an earlier run still runs (pid {left.pid}): waiting" in told.text, LIMIT)
    assert "web: sh -c echo begin $$ >> " in told.text
    assert f"begin {left.pid}\n" == runs.read_text()
    go.touch()
    assert CommandSucceeded(target="web", rule=0) == facts.get(timeout=LIMIT)
    words_of = [line.split() for line in runs.read_text().splitlines()]
    assert ["begin", "end", "begin", "end"] == [word for word, _ in words_of]
    assert [words_of[0][1]] * 2 + [words_of[2][1]] * 2 == [pid for _, pid in words_of]
    assert [] == list(state.iterdir())
    ours.close()


@pytest.mark.parametrize(("limit", "patience"), [(0.4, LIMIT), (60.0, 0.4)])
def test_it_is_ended_at_its_limit(
    state: Path,
    orphan: Callable[..., Orphan],
    told: pytest.LogCaptureFixture,
    limit: float,
    patience: float,
) -> None:
    """Its own, counted from its beginning, or the one that holds now; also one that ignores TERM."""
    left = orphan("trap '' TERM; sleep 50 & wait; sleep 50", limit=limit)
    began = time.monotonic()
    assert "" == Unfinished(str(state), "run_on").see_off("web", patience, never())
    assert time.monotonic() - began < 5
    assert not left.is_alive
    assert f"still runs (pid {left.pid}): it is ended" in told.text
    assert [] == list(state.iterdir())


def test_a_check_of_the_listener_before_us_is_ended_at_once(
    state: Path, orphan: Callable[..., Orphan], facts: queue.SimpleQueue[Fact]
) -> None:
    """It changes nothing, and nobody hears its answer; a command of run_on is none of a check's business."""
    left, command = orphan("sleep 50", kind="check"), orphan("sleep 50", kind="run_on")
    settings = replace(web(1, max_surge=0), check=CheckSettings(command=("true",)))
    Checking([settings], facts.put, str(state)).run("web", R1, ())
    assert CheckPassed(target="web", revision=R1) == facts.get(timeout=LIMIT)
    assert (False, True) == (left.is_alive, command.is_alive)
    assert [command.file] == list(state.iterdir())


def test_leaving_ends_the_wait_and_not_what_is_awaited(
    state: Path, orphan: Callable[..., Orphan], facts: queue.SimpleQueue[Fact], told: pytest.LogCaptureFixture
) -> None:
    """The listener after us waits for it again."""
    left = orphan("sleep 50")
    ours = commanding(state, facts.put, "true")
    ours.run("web", 0, R1, ())
    wait_for(lambda: "waiting for it" in told.text, LIMIT)
    began = time.monotonic()
    ours.close()
    assert time.monotonic() - began < 1
    assert left.is_alive
    assert left.file.exists()
    assert facts.empty()


def test_another_target_waits_for_nothing(state: Path, orphan: Callable[..., Orphan]) -> None:
    """Nor does it end anything; what a removed target left is left alone."""
    left = orphan("sleep 50", target="removed")
    assert "" == Unfinished(str(state), "run_on").see_off("web", LIMIT, never())
    assert left.is_alive
    assert left.file.exists()


def test_what_an_ended_command_left_in_its_group_is_ended(
    state: Path, tmp_path: Path, orphan: Callable[..., Orphan]
) -> None:
    """As it would have been by the listener that began it: the shell has died of its closed output, say."""
    go = tmp_path / "go"
    left = orphan(f"sleep 50 & echo $! > {tmp_path}/pid; {UNTIL.format(go)}")
    go.touch()
    wait_for(lambda: not left.is_alive, LIMIT)
    below = int((tmp_path / "pid").read_text())
    assert is_alive(below)
    unfinished = Unfinished(str(state), "run_on")
    assert left.file.exists(), "it is not over yet"
    assert "" == unfinished.see_off("web", LIMIT, never())
    assert not is_alive(below)
    assert [] == list(state.iterdir())


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """Somebody's process, with a group and a session of its own."""
    with subprocess.Popen(["sleep", "50"], start_new_session=True) as process:
        yield process
        process.kill()


def test_a_command_beside_one_that_can_not_be_ended_fails(
    state: Path,
    child: subprocess.Popen[bytes],
    facts: queue.SimpleQueue[Fact],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a reason that names it; it is tried again with the next change. A check runs beside it."""
    monkeypatch.setattr("supervisor_reload.edges.orphans.kill_group", lambda pid: "it is another user's")
    monkeypatch.setattr("supervisor_reload.edges.orphans.KILL_LIMIT", 0.1)
    for kind in ("run_on", "check"):
        write(state, child.pid, record(child.pid), kind)
    ours = commanding(state, facts.put, "true")
    ours.run("web", 0, R1, ())
    told = f"pid {child.pid} of an earlier run still runs and could not be ended: it is another user's"
    failed = CommandFailed(target="web", rule=0, reason=f"not run: {told}", output="")
    assert failed == facts.get(timeout=LIMIT)
    settings = replace(web(1, max_surge=0), check=CheckSettings(command=("true",)))
    Checking([settings], facts.put, str(state)).run("web", R1, ())
    assert CheckPassed(target="web", revision=R1) == facts.get(timeout=LIMIT)


def test_a_newer_check_of_ours_is_no_leftover(
    state: Path, tmp_path: Path, facts: queue.SimpleQueue[Fact], told: pytest.LogCaptureFixture
) -> None:
    """The older one is ended by the thread that began it, which also forgets it."""
    words = f'test "$SUPERVISOR_RELOAD_REVISION" = r2 || {{ touch {tmp_path}/runs; exec sleep 50; }}'
    settings = replace(web(1, max_surge=0), check=CheckSettings(command=("sh", "-c", words)))
    checks = Checking([settings], facts.put, str(state))
    checks.run("web", R1, ())
    wait_for((tmp_path / "runs").exists, LIMIT)
    checks.run("web", Revision("r2"), ())
    assert CheckPassed(target="web", revision=Revision("r2")) == facts.get(timeout=LIMIT)
    checks.close()
    assert [] == list(state.iterdir())
    assert "" == told.text
