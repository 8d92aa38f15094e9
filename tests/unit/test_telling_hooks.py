"""Commands around a rollout: what they get, how they may end, and that nothing waits for the wrong ones."""

from __future__ import annotations

import json
import logging
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from supervisor_reload.core.facts import Fact, HookFailed, HookSucceeded
from supervisor_reload.core.model import Revision
from supervisor_reload.core.notifying import Event
from supervisor_reload.edges.telling import Preparing
from supervisor_reload.edges.telling.after import Following
from supervisor_reload.edges.telling.line import close_all
from tests.fakes.told import began, documents, report, target
from tests.integration.supervisord import wait_for
from tests.unit.leftovers import record, write
from tests.unit.test_spawning import is_alive

R1 = Revision("r1")
TELL = 'cat > doc; cp "$SUPERVISOR_RELOAD_DOCUMENT" file; env | grep ^SUPERVISOR_RELOAD_ > env'


@pytest.fixture
def facts() -> queue.SimpleQueue[Fact]:
    return queue.SimpleQueue()


@pytest.fixture
def preparing(tmp_path, facts) -> Iterator[Callable[..., Preparing]]:
    made = []

    def make(words: str, **hooks: object) -> Preparing:
        told = documents()
        told.of(began())
        settings = target(before=("sh", "-c", words), directory=str(tmp_path), **hooks)
        made.append(Preparing([settings], facts.put, told, str(tmp_path)))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def following(tmp_path) -> Iterator[Callable[..., Following]]:
    made = []

    def make(**hooks: object) -> Following:
        commands = {key: ("sh", "-c", words) for key, words in hooks.items() if isinstance(words, str)}
        others = {key: value for key, value in hooks.items() if key not in commands}
        made.append(Following([target(directory=str(tmp_path), **commands, **others)], str(tmp_path)))
        return made[-1]

    yield make
    for one in made:
        close_all(one.lines)


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "supervisor_reload.edges.telling")
    return caplog


def document(directory: Path) -> dict[str, object]:
    assert (directory / "doc").read_bytes() == (directory / "file").read_bytes()
    found: dict[str, object] = json.loads((directory / "doc").read_bytes())
    return found


def environment(directory: Path) -> dict[str, str]:
    found = dict(line.split("=", 1) for line in (directory / "env").read_text().splitlines())
    found.pop("SUPERVISOR_RELOAD_DOCUMENT")
    return {name.removeprefix("SUPERVISOR_RELOAD_"): value for name, value in found.items()}


def test_before_a_rollout(preparing, facts, tmp_path, told):
    """It gets the rollout, in the program's directory; its last lines are in the log."""
    preparing(f"{TELL}; echo prepared").run("web", 7, R1, ("/app/a.py",))
    assert facts.get(timeout=20) == HookSucceeded(target="web", rollout=7)
    got = document(tmp_path)
    assert (got["event"], got["rollout"], got["revision"], got["changed"]) == (
        "began",
        7,
        "r1",
        ["/app/a.py"],
    )
    assert (got["previous_revision"], got["trigger"]) == ("r0", "files")
    assert environment(tmp_path) == {"ROLLOUT": "7", "TARGET": "web", "REVISION": "r1", "OUTCOME": "began"}
    assert told.messages == ["web: rollout 7: before_rollout is done\n    | prepared"]


def test_before_a_rollout_that_must_not_be(preparing, facts):
    """The reason and what it said go to the engine, which tells them."""
    preparing("echo the database is locked >&2; exit 3").run("web", 7, R1, ())
    expected = HookFailed(target="web", rollout=7, reason="exit status 3", output="the database is locked\n")
    assert facts.get(timeout=20) == expected


@pytest.mark.fault(54)
def test_before_a_rollout_without_an_end(preparing, facts, tmp_path):
    """It has a limit, and its children die with it."""
    preparing("sleep 60 & echo $! > child; wait", timeout=0.3).run("web", 7, R1, ())
    failed = facts.get(timeout=20)
    assert isinstance(failed, HookFailed)
    assert failed.reason == "no end within 0.3 s"
    child = int((tmp_path / "child").read_text())
    wait_for(lambda: not is_alive(child))


def test_a_command_that_can_not_be_started(facts):
    """Is an answer, too."""
    one = Preparing([target(before=("/nowhere/at/all",))], facts.put, documents())
    one.run("web", 7, R1, ())
    failed = facts.get(timeout=20)
    one.close()
    assert isinstance(failed, HookFailed)
    assert failed.reason.startswith("could not be started: ")


def test_no_two_at_once(preparing, facts, tmp_path):
    """One that a newer rollout overtook is awaited; of those that wait only the newest is run."""
    one = preparing("echo begin >> runs; while [ ! -e go ]; do sleep 0.02; done; echo end >> runs")
    one.run("web", 7, R1, ())
    wait_for((tmp_path / "runs").exists)
    for rollout in (8, 9):
        one.run("web", rollout, R1, ())
    (tmp_path / "go").touch()
    assert facts.get(timeout=20) == HookSucceeded(target="web", rollout=7)
    assert facts.get(timeout=20) == HookSucceeded(target="web", rollout=9)
    assert (tmp_path / "runs").read_text().split() == ["begin", "end"] * 2


def test_one_that_an_earlier_listener_left(preparing, facts, tmp_path, told):
    """It is awaited, and ended at its own limit."""
    left = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        limit = time.monotonic() + 0.3
        write(tmp_path, left.pid, record(left.pid, until=limit), "before_rollout")
        preparing("true").run("web", 7, R1, ())
        threading.Thread(target=left.wait, daemon=True).start()
        assert facts.get(timeout=20) == HookSucceeded(target="web", rollout=7)
        assert time.monotonic() >= limit
        assert not is_alive(left.pid)
    finally:
        left.kill()


def test_closing_ends_it(preparing, facts, tmp_path):
    """Within a second, and nothing is said any more."""
    one = preparing("echo $$ > pid; exec sleep 60")
    one.run("web", 7, R1, ())
    pid = int(wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text()))
    began_at = time.monotonic()
    one.close()
    assert time.monotonic() - began_at < 1.5
    assert not is_alive(pid)
    assert facts.empty()


def test_what_runs_is_on_file(preparing, facts, tmp_path):
    """Also after somebody removed the file, so that the next listener finds it."""
    one = preparing("echo $$ > pid; while [ ! -e go ]; do sleep 0.02; done")
    one.run("web", 7, R1, ())
    pid = int(wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text()))
    file = tmp_path / f"before_rollout.{pid}"
    known = wait_for(lambda: file.exists() and file.read_text())
    file.unlink()
    one.tick()
    assert known == file.read_text()
    (tmp_path / "go").touch()
    assert facts.get(timeout=20) == HookSucceeded(target="web", rollout=7)
    assert not file.exists()


def test_after_a_rollout(following, tmp_path, told):
    """The same document, once it is complete."""
    one = following(after=f"{TELL}; echo thanks", on_failure="touch failed")
    one.follow(report())
    wait_for(lambda: told.messages)
    assert document(tmp_path)["event"] == "complete"
    assert environment(tmp_path)["OUTCOME"] == "complete"
    assert told.messages == ["web: rollout 7: after_rollout is done\n    | thanks"]
    assert not (tmp_path / "failed").exists()


@pytest.mark.parametrize("event", [Event.HALTED, Event.ABORTED, Event.REFUSED])
def test_on_failure(following, tmp_path, told, event):
    """Whatever keeps the code on disk from serving."""
    following(after="touch succeeded", on_failure=f"{TELL}; exit 1").follow(report(event))
    wait_for(lambda: told.messages)
    assert document(tmp_path)["event"] == event.value
    assert told.messages == ["web: rollout 7: on_failure failed (exit status 1)"]
    assert not (tmp_path / "succeeded").exists()


@pytest.mark.parametrize("event", [Event.BEGAN, Event.WITHDRAWN, Event.SUPERSEDED, Event.LIFTED])
def test_neither(following, tmp_path, told, event):
    """What is no end, or wanted nobody's attention."""
    one = following(after="touch after", on_failure="touch failed")
    one.follow(report(event))
    one.follow(report(Event.COMPLETE))
    wait_for(lambda: told.messages)
    assert told.messages == ["web: rollout 7: after_rollout is done"]
    assert not (tmp_path / "failed").exists()


def test_what_follows_is_on_file(following, tmp_path, told):
    """Also after somebody removed the file."""
    one = following(after="echo $$ > pid; while [ ! -e go ]; do sleep 0.02; done")
    one.follow(report())
    pid = int(wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text()))
    file = tmp_path / f"after_rollout.{pid}"
    known = wait_for(lambda: file.exists() and file.read_text())
    file.unlink()
    one.tick()
    assert known == file.read_text()
    (tmp_path / "go").touch()
    wait_for(lambda: told.messages)
    assert not file.exists()


def test_they_follow_in_order_and_nobody_waits(following, tmp_path, told):
    """One after the other, of one target."""
    one = following(after="n=$SUPERVISOR_RELOAD_ROLLOUT; echo $n >> runs; sleep 0.05; echo end >> runs")
    began_at = time.monotonic()
    for rollout in (1, 2, 3):
        one.follow(report(rollout=rollout))
    assert time.monotonic() - began_at < 0.1
    wait_for(lambda: len(told.messages) == 3)
    assert (tmp_path / "runs").read_text().split() == ["1", "end", "2", "end", "3", "end"]


def test_new_settings_hold_for_what_comes(following, tmp_path, told):
    """What waits already is done by those of its time."""
    one = following(after="while [ ! -e go ]; do sleep 0.02; done; echo old >> runs")
    one.follow(report(rollout=1))
    one.follow(report(rollout=2))
    one.settle([target(after=("sh", "-c", "echo new >> runs"), directory=str(tmp_path))])
    one.follow(report(rollout=3))
    one.settle([])
    one.follow(report(rollout=4))
    (tmp_path / "go").touch()
    wait_for(lambda: len(told.messages) == 3)
    assert (tmp_path / "runs").read_text().split() == ["old", "old", "new"]


def test_what_it_says_forges_no_line(following, told):
    """Control characters are written out."""
    following(after=r"printf '\033[31mred\nweb: rollout 8: complete'").follow(report())
    wait_for(lambda: told.messages)
    (message,) = told.messages
    assert message.splitlines()[1:] == ["    | \\x1b[31mred", "    | web: rollout 8: complete"]


def test_no_shell_takes_part(tmp_path, told):
    """A word is a word."""
    one = Following([target(after=("touch", "$(reboot)", "x ;y"), directory=str(tmp_path))])
    one.follow(report())
    wait_for(lambda: told.messages)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["$(reboot)", "x ;y"]
    close_all(one.lines)
