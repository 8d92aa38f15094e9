"""Who is ended as what an earlier listener left, and who never is, whatever a file tells."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor_reload.edges.processes import born
from supervisor_reload.edges.unfinished import Unfinished
from tests.fakes.children import as_nobody
from tests.integration.supervisord import short_directory, wait_for
from tests.unit.leftovers import LIMIT, never, record, write
from tests.unit.test_spawning import is_alive


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    return tmp_path / "state"


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """Somebody's process, with a group and a session of its own."""
    with subprocess.Popen(["sleep", "50"], start_new_session=True) as process:
        yield process
        process.kill()


def test_a_file_is_believed_where_all_of_it_is_true(state: Path, child: subprocess.Popen[bytes]) -> None:
    """The proof that the next tests could end their process."""
    write(state, child.pid, record(child.pid))
    threading.Thread(target=child.wait).start()
    assert "" == Unfinished(str(state), "run_on").see_off("web", 0.0, never())
    assert -signal.SIGKILL == child.wait(LIMIT)


@pytest.mark.parametrize("changes", [{"born": "1"}, {"mark": "X=1", "born": "1"}, {"target": "other"}])
def test_who_has_its_pid_now_is_never_ended(
    state: Path, child: subprocess.Popen[bytes], changes: dict[str, object]
) -> None:
    """A pid alone says nothing, and neither does the number of a group."""
    write(state, child.pid, record(child.pid, **changes))
    assert "" == Unfinished(str(state), "run_on").see_off("web", 0.0, never())
    assert child.poll() is None


def test_a_process_of_another_group_is_never_ended(state: Path) -> None:
    """Every command of ours leads one that was made for it."""
    with subprocess.Popen(["sleep", "50"]) as child:
        file = write(state, child.pid, record(child.pid))
        assert "" == Unfinished(str(state), "run_on").see_off("web", 0.0, never())
        assert child.poll() is None
        assert not file.exists()
        child.kill()


def test_a_group_without_our_mark_is_never_ended(state: Path, tmp_path: Path) -> None:
    """A daemon, whose parent led its group and has left: the number may be somebody else's by now."""
    argv = ["sh", "-c", f"sleep 50 & echo $! > {tmp_path}/pid"]
    with subprocess.Popen(argv, start_new_session=True) as parent:
        pass
    daemon = int((tmp_path / "pid").read_text())
    try:
        file = write(state, parent.pid, record(parent.pid, born="1", mark="SUPERVISOR_RELOAD_FILES=/tmp/x"))
        assert "" == Unfinished(str(state), "run_on").see_off("web", 0.0, never())
        assert is_alive(daemon)
        assert not file.exists()
    finally:
        os.kill(daemon, signal.SIGKILL)


def test_a_zombie_has_ended(state: Path) -> None:
    """In a container nobody may ever reap it."""
    with subprocess.Popen(["true"], start_new_session=True) as child:
        file = write(state, child.pid, record(child.pid, until=1e300))
        wait_for(lambda: not is_alive(child.pid), LIMIT)
        assert born(child.pid)
        assert "" == Unfinished(str(state), "run_on").see_off("web", LIMIT, never())
        assert not file.exists()


REFUSED = """
import json, os, subprocess, sys, threading, time
from supervisor_reload.edges.processes import born
from supervisor_reload.edges import orphans
from supervisor_reload.edges.unfinished import Unfinished
orphans.KILL_LIMIT = 0.1
directory = sys.argv[1]
child = subprocess.Popen(["sleep", "50"], start_new_session=True)
try:
    told = dict(target="web", pid=child.pid, born=born(child.pid), until=time.monotonic(), mark="")
    file = f"{directory}/run_on.{child.pid}"
    with open(file, "w") as out:
        json.dump(told, out)
    for path in (file, directory):
        os.chown(path, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, 0)
    refusal = Unfinished(directory, "run_on").see_off("web", 0.0, threading.Event())
    print(refusal.replace(str(child.pid), "PID"), os.path.exists(file), child.poll())
finally:
    os.setresuid(0, 0, 0)
    child.kill()
    child.wait()
"""


def test_what_can_not_be_ended_is_told() -> None:
    """As after ``sudo``, for a listener that is not root: ours does not run beside it."""
    directory = short_directory()  # into pytest's nobody may look
    try:
        said = as_nobody(f"import logging; logging.disable()\n{REFUSED}", str(directory))
    finally:
        shutil.rmtree(directory)
    refusal = "pid PID of an earlier run still runs and could not be ended: it is another user's"
    assert f"{refusal} True None\n" == said
