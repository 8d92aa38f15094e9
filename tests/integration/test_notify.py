"""Readiness said by the application: real processes, a real supervisord, a real gunicorn."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor_reload.core.model import ReadySettings, SlotName, SlotSettings
from supervisor_reload.edges.probes.told import Told
from tests.fakes.servers import NEVER
from tests.fakes.speakers import hearing, unused
from tests.integration.scene import LISTENER
from tests.integration.supervisord import Supervisord, free_port, short_directory, wait_for

pytestmark = pytest.mark.integration

LIMIT = 20.0


@pytest.fixture
def directory() -> Iterator[Path]:
    made = short_directory().resolve()
    yield made
    shutil.rmtree(made, ignore_errors=True)


SLOW_IMPORT = """
import os, time
while not os.path.exists("go"):
    time.sleep(0.01)
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


@pytest.mark.parametrize("worker", ["sync", "gthread"])
def test_gunicorn_is_ready_when_its_workers_are(directory, worker) -> None:
    """Its READY=1 comes while they still import the application; it is not enough."""
    (directory / "slow.py").write_text(SLOW_IMPORT)
    where, port = unused(), free_port()
    settings = ReadySettings(scheme="notify", address=where)
    argv = ["gunicorn", "slow:app", "--worker-class", worker, "--bind", f"127.0.0.1:{port}"]
    slots = SlotSettings(name=SlotName("web:web"), ready=settings, notify_socket=where)
    with hearing(slots) as notices, (directory / "out").open("wb") as out:
        gunicorn = subprocess.Popen(
            [sys.executable, "-m", *argv],
            cwd=directory,
            env={**os.environ, "NOTIFY_SOCKET": where, "HOME": str(directory)},  # for its control socket
            stdout=out,
            stderr=out,
        )
        try:
            told = Told(notices)
            wait_for(lambda: (said := notices.said(gunicorn.pid)) and said.is_ready, LIMIT)
            for _ in range(3):
                assert told(settings, gunicorn.pid, 0.2, NEVER) is not None
            (directory / "go").touch()
            wait_for(lambda: told(settings, gunicorn.pid, LIMIT, NEVER) is None, LIMIT)
            assert answers(port)
        finally:
            (directory / "go").touch()
            gunicorn.terminate()
            gunicorn.wait(LIMIT)


def answers(port: int) -> bool:
    """Whether the server answers at once."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1.0)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read() == b"ok"
    finally:
        connection.close()


WORKER = """
import os, signal, sys, time
from supervisor_reload import notify
text = open("src/code").read()
notify.status(f"{text} loads")
while True:
    if os.path.exists(f"ready.{text}"):
        notify.ready()  # again and again: what the old process says must not count for the new one
    time.sleep(0.02)
"""

PROGRAM = """
[program:web]
command={command}
directory=%(here)s
process_name=%(program_name)s_%(process_num)02d
numprocs=2
startsecs=0
stopwaitsecs=5
{more}

[reload:web]
watch=%(here)s/src
replicas=1
max_surge=1
ready={ready}
ready_timeout={timeout}
failure_limit=1
"""

ROADS = {
    "exec": ("supervisor-reload exec --no-socket -- python worker.py", "", "notify"),
    "environment": ("python worker.py", 'environment=NOTIFY_SOCKET="%(here)s/notify"', "notify"),
    "message": ("python worker.py", "stdout_capture_maxbytes=1KB", "message"),
}


class Workers:
    """Two slots and one replica of the worker, under a real supervisord with our listener."""

    def __init__(self, directory: Path, road: str, timeout: float = 20.0) -> None:
        self.directory = directory
        (directory / "worker.py").write_text(WORKER)
        (directory / "src").mkdir()
        command, more, ready = ROADS[road]
        text = LISTENER + PROGRAM.format(command=command, more=more, ready=ready, timeout=timeout)
        self.save("one")
        self.allow("one")
        self.supervisord = Supervisord(directory, text)

    def save(self, text: str) -> None:
        (self.directory / "src" / "code").write_text(text)

    def allow(self, text: str) -> None:
        """Let the processes that run this code say that they are ready."""
        (self.directory / f"ready.{text}").touch()

    def log(self) -> str:
        path = self.directory / "reload.log"
        return path.read_text(errors="backslashreplace") if path.exists() else ""

    def wait_for_log(self, text: str, after: int = 0) -> None:
        self.supervisord.wait_for(lambda: text in self.log()[after:], LIMIT, f"{text!r} in the log")

    def pids(self) -> set[int]:
        names = "web:web_00", "web:web_01"
        return {pid for pid in map(self.supervisord.process_pid, names) if pid}

    def settle(self) -> int:
        """Until one process is left; its pid."""
        self.wait_for_log("left after")
        self.supervisord.wait_for(lambda: len(self.pids()) == 1, LIMIT, "one process")
        return next(iter(self.pids()))


def shout(address: str) -> None:
    """READY=1 from this test, which is no process of the slot's."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        stranger.connect("\0" + address[1:] if address.startswith("@") else address)
        stranger.send(b"READY=1")


def addresses(pids: set[int]) -> set[str]:
    """What the processes have in NOTIFY_SOCKET."""
    environments = (Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") for pid in pids)
    found = (each for environment in environments for each in environment)
    return {os.fsdecode(each[14:]) for each in found if each.startswith(b"NOTIFY_SOCKET=")}


@pytest.mark.parametrize("road", ROADS)
def test_a_slot_is_ready_when_it_says_so(directory, road) -> None:
    """Not before; not by the old process's word, nor by a stranger's."""
    workers = Workers(directory, road)
    with workers.supervisord:
        old = workers.settle()
        workers.save("two")
        both = workers.supervisord.wait_for(lambda: p if len(p := workers.pids()) == 2 else None, LIMIT)
        for address in addresses(both):
            wait_for(lambda where=address: shout(where) is None, LIMIT)
        before = len(workers.log())
        with pytest.raises(TimeoutError):  # the proof that nothing follows takes some time
            wait_for(lambda: "ready after" in workers.log()[before:] or old not in workers.pids(), 0.6)
        workers.allow("two")
        workers.wait_for_log("complete", before)
        assert both - {old} == workers.pids()
    assert ("does not descend from our supervisord" in workers.log()) == (road != "message")


def test_what_it_said_last_is_in_the_log(directory) -> None:
    """One that never becomes ready: its status tells how far it came."""
    workers = Workers(directory, "message", timeout=2.0)
    with workers.supervisord:
        old = workers.settle()
        workers.save("two")
        workers.wait_for_log("it has not said READY=1 yet; its status: two loads")
        assert old in workers.pids()


def test_a_new_listener_waits_for_no_old_word(directory) -> None:
    """What was said to its predecessor is in the journal: the process is ready still, and nothing is done."""
    workers = Workers(directory, "exec", timeout=60.0)
    with workers.supervisord:
        old = workers.settle()
        (directory / "ready.one").unlink()
        before = len(workers.log())
        os.kill(workers.supervisord.process_pid("reload:reload"), 9)
        workers.wait_for_log("watches web", before)
        command = [sys.executable, "-m", "supervisor_reload", "-c", str(workers.supervisord.conf), "status"]
        wait_for(
            lambda: subprocess.run(command, check=False, capture_output=True).returncode == 0, LIMIT, "READY"
        )
        assert workers.pids() == {old}


DRAINS = """
import os, signal, time
from supervisor_reload import notify
in_hand = 2
def leave(*_):
    notify.draining(active=in_hand)
signal.signal(signal.SIGUSR1, leave)
notify.ready()
while in_hand:
    time.sleep(0.01)
    if os.path.exists("done"):
        in_hand -= 1
        notify.draining(active=in_hand)
signal.pause()  # the stop signal ends it
"""

DRAINED = """
[program:web]
command=python worker.py
directory=%(here)s
stdout_capture_maxbytes=1KB
startsecs=0

[reload:web]
watch=%(here)s/src
ready=message
quiesce_signal=USR1
drain=message
drain_interval=0.02
drain_timeout=60
"""


def test_an_old_process_is_stopped_when_it_says_that_it_is_done(directory) -> None:
    """Not before, and not by a limit."""
    (directory / "worker.py").write_text(DRAINS)
    (directory / "src").mkdir()
    code = directory / "src" / "code"
    code.write_text("one")
    log = directory / "reload.log"
    with Supervisord(directory, LISTENER + DRAINED) as supervisord:
        supervisord.wait_for(lambda: log.exists() and "ready after" in log.read_text(), LIMIT, "ready")
        old = supervisord.process_pid("web:web")
        code.write_text("two")
        supervisord.wait_for(lambda: "rolling out" in log.read_text(), LIMIT, "a rollout")
        with pytest.raises(TimeoutError):  # the proof that nothing follows takes some time
            wait_for(lambda: supervisord.process_pid("web:web") != old, 0.6)
        (directory / "done").touch()
        supervisord.wait_for(
            lambda: supervisord.process_pid("web:web") not in (0, old), LIMIT, "a new process"
        )
        (directory / "done").unlink()
        supervisord.wait_for(lambda: "complete" in log.read_text(), LIMIT, "complete")
