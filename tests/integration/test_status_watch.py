"""``status --watch`` beside a real supervisord: rollouts, a listener that goes and comes, a lost journal."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.docs.scenarios import environment
from tests.integration.scene import ONE, PLAIN, Scene, scene
from tests.integration.test_drain_connections import abrupt, ask

pytestmark = pytest.mark.integration

UNTIL_GO = """
import os, time
while not os.path.exists("../go"):
    time.sleep(0.01)
"""


class Watched:
    """What a ``status --watch`` has written."""

    def __init__(self, act: Scene, descriptor: int, process: subprocess.Popen[bytes]) -> None:
        self._act, self._descriptor, self.process = act, descriptor, process
        self._text = ""

    @property
    def text(self) -> str:
        with contextlib.suppress(BlockingIOError, OSError):  # nothing yet; a terminal that nobody has open
            while read := os.read(self._descriptor, 65536):
                self._text += read.decode()
        return self._text

    @property
    def objects(self) -> list[Any]:
        *whole, _ = self.text.split("\n")
        return [json.loads(line) for line in whole]

    def until(self, what: str, condition: Callable[[Any], bool]) -> Any:
        """The newest object, once it is so."""
        self._act.supervisord.wait_for(lambda: self.objects and condition(self.objects[-1]), 20.0, what)
        return self.objects[-1]

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(10)


@contextmanager
def watched(act: Scene, ours: int, theirs: int, *words: str) -> Iterator[Watched]:
    os.set_blocking(ours, False)
    argv = [sys.executable, "-W", "ignore", "-m", "supervisor_reload", "status", "--watch", *words]
    argv += ["-c", str(act.supervisord.conf)]
    surroundings = {**environment(), "TERM": "xterm"}
    with subprocess.Popen(argv, stdout=theirs, stderr=theirs, env=surroundings) as process:
        os.close(theirs)
        try:
            yield Watched(act, ours, process)
        finally:
            process.kill()
            os.close(ours)


def web_is(condition: str) -> Callable[[Any], bool]:
    return lambda told: "error" not in told and told["targets"][0]["condition"] == condition


def test_everything_that_may_happen_meanwhile() -> None:
    """
    Each is one object; nothing of it is an end, and SIGTERM is. A terminal shows the same as a picture.
    """
    with scene(PLAIN, ONE) as act, watched(act, *os.pipe(), "--json") as told:
        told.until("the first look", web_is("READY"))
        on_a_terminal(act, told)
        assert "READY" == told.until("the rollout's end", web_is("READY"))["targets"][0]["condition"]
        act.supervisord.rpc.supervisor.stopProcess("reload")
        told.until("a listener that is down", lambda last: not last["listener"]["is_running"])
        (journal,) = act.directory.glob("supervisor_reload-*/journal")
        journal.unlink()
        lost = told.until("no journal", lambda last: "error" in last)
        assert "no listener has written here yet" in lost["error"]
        act.supervisord.rpc.supervisor.startProcess("reload", False)
        last = told.until("the next listener", web_is("READY"))
        assert last["listener"]["is_current"]
        assert told.end(signal.SIGTERM) == 0
        assert len(told.objects) < 40  # and not one for each look


def on_a_terminal(act: Scene, told: Watched) -> None:
    """A rollout with its bar, and what it waits for; Ctrl-C leaves the last view on the screen."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 110, 0, 0))
    with watched(act, master, slave) as seen:
        act.supervisord.wait_for(lambda: "READY" in seen.text, 20.0, "the terminal")
        assert "\x1b[?1049h" in seen.text
        act.save("two", UNTIL_GO)
        waiting = told.until(
            "a probe",
            lambda last: (
                web_is("ROLLING")(last) and last["targets"][0]["processes"][0]["limit"] == "ready_timeout"
            ),
        )
        (process,) = waiting["targets"][0]["processes"]
        assert process["waits_for"].startswith("its probe")
        assert 0 < process["deadline_in"] <= 60
        bar = "[..........] 0 of 1 ready, rollout 1 to "
        act.supervisord.wait_for(lambda: bar in seen.text, 10.0, "the bar")
        act.supervisord.wait_for(lambda: "    waits for its probe" in seen.text, 10.0, "the wait")
        (act.directory / "go").touch()
        told.until("the new code", web_is("READY"))
        act.supervisord.wait_for(
            lambda: "web                              READY     revision" in seen.text.rpartition(bar)[2],
            10.0,
            "READY",
        )
        assert seen.end(signal.SIGINT) == 0
        left = seen.text.rpartition("\x1b[?1049l")[2]
    assert left.splitlines()[0].startswith("web                              READY     revision ")
    assert "\x1b" not in left


def test_a_reader_that_has_seen_enough() -> None:
    """
    ``status --watch | head``: it ends, with the exit status of what it showed.
    """
    with scene(PLAIN, ONE) as act:
        reader, writer = os.pipe()
        with watched(act, reader, writer) as seen:
            act.supervisord.wait_for(lambda: "READY" in seen.text, 20.0, "the first view")
            os.dup2(os.open(os.devnull, os.O_RDONLY), reader)
            assert seen.process.wait(10) == 0


def test_work_in_hand_is_counted() -> None:
    """
    While it drains: how much, and how long it may take; then the new code serves.
    """
    with abrupt(timeout=20) as act, watched(act, *os.pipe(), "--json") as told:
        stream = ask(act, "/stream")
        act.save("two")
        last = told.until("a drain", lambda last: last["targets"][0]["processes"][0]["in_flight"] == 1)
        (process,) = last["targets"][0]["processes"]
        assert ("DRAINING", "its work in hand", "drain_timeout") == tuple(
            process[key] for key in ("state", "waits_for", "limit")
        )
        assert 0 < process["deadline_in"] <= 20
        stream.close()
        told.until("its end", web_is("READY"))
