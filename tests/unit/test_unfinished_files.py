"""The files that tell which commands run: what is written, what is believed, and what is thrown away."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from supervisor_reload.edges.spawning import run
from supervisor_reload.edges.unfinished import Unfinished
from tests.unit.leftovers import LIMIT, never, record, write


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    return tmp_path / "state"


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "supervisor_reload.edges.unfinished")
    return caplog


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """Somebody's process, with a group and a session of its own."""
    with subprocess.Popen(["sleep", "50"], start_new_session=True) as process:
        yield process
        process.kill()


def hostile(pid: int) -> dict[str, Any]:
    return {
        "empty": "",
        "torn": json.dumps(record(pid))[:-9],
        "nested": "[" * 4000,
        "large": json.dumps(record(pid)) + " " * 4096,
        "list": [record(pid)],
        "other fields": {**record(pid), "more": 1},
        "fewer": {"pid": pid},
        "text as pid": record(pid, pid=str(pid)),
        "true as pid": record(pid, pid=True),
        "another pid": record(pid, pid=pid + 1),
        "no birth": record(pid, born=""),
        "endless": record(pid, until=math.inf),
        "no number": record(pid, until=math.nan),
        "whole seconds": record(pid, until=10**300),
        "no mark": record(pid, mark="\ud800"),
        "long number": '{"pid": ' + "9" * 4000 + "}",
    }


@pytest.mark.parametrize("name", hostile(1))
def test_a_file_of_nonsense_is_told_and_removed(
    state: Path, child: subprocess.Popen[bytes], told: pytest.LogCaptureFixture, name: str
) -> None:
    """Whatever somebody wrote there: nothing raises, nothing waits, nobody is ended."""
    file = write(state, child.pid, hostile(child.pid)[name])
    assert "" == Unfinished(str(state), "run_on").see_off("web", LIMIT, never())
    assert child.poll() is None
    assert not file.exists()
    assert 1 == told.text.count(f"{file} tells of no command of ours, and is removed: ")


@pytest.mark.parametrize("pid", [1, os.getpid(), os.getpgrp(), 2**22 + 1, 9999999999])
def test_some_pids_are_no_commands(state: Path, told: pytest.LogCaptureFixture, pid: int) -> None:
    """The first, our own, our group's, and what can't be one."""
    file = write(state, pid, record(pid if pid < 2**22 else 1, pid=pid, born="1"))
    assert "" == Unfinished(str(state), "run_on").see_off("web", LIMIT, never())
    assert not file.exists()
    assert "it tells what can't be" in told.text


def test_what_is_no_file_is_not_read(
    state: Path, tmp_path: Path, child: subprocess.Popen[bytes], told: pytest.LogCaptureFixture
) -> None:
    """A link to a file that would do, a pipe that nobody writes to, a directory: each is said once."""
    elsewhere = write(tmp_path, child.pid, record(child.pid))
    (state / f"run_on.{child.pid}").symlink_to(elsewhere)
    os.mkfifo(state / "run_on.77")
    (state / "run_on.78").mkdir()
    unfinished = Unfinished(str(state), "run_on")
    for _ in range(2):
        assert "" == unfinished.see_off("web", LIMIT, never())
    assert child.poll() is None
    assert elsewhere.exists()
    assert [state / "run_on.78"] == list(state.iterdir())
    assert 3 == told.text.count("tells of no command of ours")


def test_what_has_ended_is_forgotten_at_the_start(state: Path, child: subprocess.Popen[bytes]) -> None:
    """Also a file that was never finished; what is not ours stays."""
    for name in ("journal", "run_on.txt", "run_on.078", "check.2000000"):
        (state / name).write_text("theirs")
    with subprocess.Popen(["true"], start_new_session=True) as ended:
        write(state, ended.pid, record(ended.pid))
    (state / f"run_on.{ended.pid}.new").write_text("{")
    alive = [write(state, child.pid, record(child.pid)), state / f"run_on.{child.pid}.new"]
    alive[1].write_text("{")
    Unfinished(str(state), "run_on")
    kept = {"journal", "run_on.txt", "run_on.078", "check.2000000", *(file.name for file in alive)}
    assert kept == {file.name for file in state.iterdir()}


def test_what_runs_is_on_file_as_long_as_it_runs(state: Path) -> None:
    """For us alone; it names no word of the command, which may hold a secret."""
    unfinished = Unfinished(str(state), "run_on")
    seen = []

    @contextlib.contextmanager
    def keep(pid: int, mark: str) -> Iterator[None]:
        with unfinished.kept("web", 5.0, pid, mark):
            (file,) = state.iterdir()
            seen.append((file.name, file.stat().st_mode & 0o7777, json.loads(file.read_text()), pid, mark))
            yield

    before = time.monotonic()
    assert "secret\n" == run(["echo", "secret"], limit=LIMIT, named_in="NAMES", keep=keep).output
    ((name, mode, content, pid, mark),) = seen
    assert (f"run_on.{pid}", 0o600) == (name, mode)
    assert mark.startswith("NAMES=/")
    assert before + 5 <= content.pop("until") <= time.monotonic() + 5
    assert content.pop("born").isdigit()
    assert {"target": "web", "pid": pid, "mark": mark} == content
    assert [] == list(state.iterdir())


@pytest.mark.parametrize(("place", "times"), [("", 0), ("missing", 1)])
def test_without_a_place_for_it_everything_runs(
    tmp_path: Path, told: pytest.LogCaptureFixture, place: str, times: int
) -> None:
    """Nothing is kept then, which is said once, or not at all where nothing was to be kept."""
    unfinished = Unfinished(str(tmp_path / place) if place else "", "run_on")
    for _ in range(2):
        assert "" == unfinished.see_off("web", LIMIT, never())
        assert 0 == run(["true"], limit=LIMIT, keep=partial(unfinished.kept, "web", 5.0)).code
    assert times == told.text.count("can't keep which commands run")
    assert [] == list(tmp_path.iterdir())


FULL = """
import logging, resource, sys
from supervisor_reload.edges.unfinished import Unfinished
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(levelname)s")
import os
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
with Unfinished(sys.argv[1], "run_on").kept("web", 5.0, os.getppid(), ""):
    print(os.listdir(sys.argv[1]))
"""


def test_a_full_disk_is_no_reason_not_to_run(state: Path) -> None:
    """Half a file is no file."""
    argv = [sys.executable, "-c", FULL, str(state)]
    said = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    assert ("INFO\n[]\n", "") == (said.stdout, said.stderr)
