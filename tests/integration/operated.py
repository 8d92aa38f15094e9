"""A supervisord, our listener and a program whose every phase lasts until the test lets it end.

It exists so that an operator's command can be given in the middle of any phase of a rollout, without a sleep:
files in ``hold/`` keep a process from getting ready, from being drained or from leaving. It judges nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tests.integration.shapes import Shape
from tests.integration.supervisord import Supervisord, descendants, short_directory

T = TypeVar("T")
Event = Mapping[str, Any]

LIMIT = 30.0

READY = (
    "pid=$SUPERVISOR_RELOAD_PID; test -e $1/up/$pid && test ! -e $1/hold/ready && echo $pid >> $1/passed\n"
)
"""``ready=``: passes once the process says so, unless it is held; and tells for which process it passed"""

ENDS = frozenset(
    f"rollout {how}" for how in ("complete", "aborted", "halted", "withdrawn", "superseded", "resumed")
)


@dataclass(frozen=True, slots=True)
class Did:
    """One line that a process wrote."""

    pid: int
    slot: str
    what: str
    """``runs:TEXT``, or the name of a signal"""


class Operated:
    """The running scene; use it in a ``with`` statement. It is settled on the first revision then."""

    def __init__(self, shape: Shape, *, environment: Mapping[str, str] | None = None) -> None:
        self.shape = shape
        self.directory = short_directory()
        for name in ("src", "hold", "up"):
            (self.directory / name).mkdir()
        shutil.copy(Path(__file__).with_name("operated_app.py"), self.directory / "app.py")
        (self.directory / "ready.sh").write_text(READY)
        (self.directory / "src" / "same.txt").write_text("same")
        self.revision = 0
        self.save()
        self.supervisord = Supervisord(self.directory, shape.text, environment=environment)

    def __enter__(self) -> Operated:
        try:
            self.supervisord.start()
            self.wait_until_settled()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        below = descendants(self.supervisord.pid)
        self.supervisord.kill()  # a polite end takes seconds, and nothing is looked at after it
        for pid in below:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.supervisord.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    # what a test does

    def save(self, text: str = "") -> str:
        """Save the next revision of the code; what its processes will say that they run."""
        self.revision += 1
        text = text or f"r{self.revision}"
        (self.directory / "src" / "code.txt").write_text(f"{text}\n")
        return text

    def hold(self, *what: str) -> None:
        """Let nothing get ready, drained, or leave, until ``release``."""
        for name in what:
            (self.directory / "hold" / name).touch()

    def release(self) -> None:
        """Let everything go on."""
        for path in (self.directory / "hold").glob("*"):
            path.unlink()

    def configure(self, shape: Shape) -> None:
        """Save another configuration, by rename, as most editors do."""
        beside = self.directory / "conf.new"
        beside.write_text(shape.text)
        beside.rename(self.supervisord.conf)
        self.shape = shape

    def order(self, *words: str) -> subprocess.Popen[str]:
        """Give a command to ``supervisorctl``, and don't wait for it."""
        code = "import sys; from supervisor.supervisorctl import main; sys.exit(main())"
        argv = [sys.executable, "-W", "ignore", "-c", code, "-c", str(self.supervisord.conf), *words]
        return subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def ordered(self, *words: str) -> str:
        """Give a command to ``supervisorctl``; what it said when it was done."""
        return answer(self.order(*words))

    # what a test sees

    def wait(self, condition: Callable[[], T], what: str, limit: float = LIMIT) -> T:
        """Until the condition holds; else an AssertionError with all logs."""
        return self.supervisord.wait_for(condition, limit, what)

    def did(self) -> list[Did]:
        """What the processes wrote."""
        path = self.directory / "did"
        text = path.read_text() if path.exists() else ""
        fields = (line.split(" ", 2) for line in text.splitlines() if line.count(" ") == 2)
        return [Did(int(pid), slot, what) for pid, slot, what in fields]

    def got(self, pid: int) -> Counter[str]:
        """How often a process got each signal."""
        return Counter(did.what for did in self.did() if did.pid == pid and did.what.startswith("SIG"))

    def runs(self) -> dict[str, str]:
        """Slot -> the code that its process runs, of those that supervisord calls RUNNING."""
        newest = {did.pid: did.what[5:] for did in self.did() if did.what.startswith("runs:")}
        return {
            name: newest.get(info["pid"], "nothing yet")
            for name, info in self.processes().items()
            if info["statename"] == "RUNNING"
        }

    def processes(self) -> dict[str, dict[str, Any]]:
        """What supervisord says of the program's processes."""
        found = self.supervisord.rpc.supervisor.getAllProcessInfo()
        return {f"{one['group']}:{one['name']}": one for one in found if one["group"] == "web"}

    def states(self) -> dict[str, str]:
        """Slot -> state."""
        return {name: info["statename"] for name, info in self.processes().items()}

    def has_passed(self, pid: int) -> bool:
        """Whether a process has answered its probe."""
        path = self.directory / "passed"
        return path.exists() and str(pid) in path.read_text().split()

    def command_of(self, pid: int) -> str:
        """A process's command line; OSError where there is none."""
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")

    def lines(self) -> list[Event]:
        """The lines of the listener's log; what is no JSON (a traceback) as ``{"message": ...}``."""
        path = self.directory / "reload.log"
        text = path.read_text(errors="backslashreplace") if path.exists() else ""
        whole = text.rpartition("\n")[0]
        return [_parsed(line) for line in whole.splitlines()]

    def told(self, event: str, since: int = 0, **values: object) -> list[Event]:
        """The events of that name, with these values, from line ``since`` on."""
        return [
            line
            for line in self.lines()[since:]
            if line.get("event") == event and values.items() <= line.items()
        ]

    @property
    def is_at_rest(self) -> bool:
        """Whether no rollout is under way."""
        events = [line["event"] for line in self.lines() if str(line.get("event")).startswith("rollout ")]
        return not events or events[-1] in ENDS

    def wait_for_rollout(self, since: int) -> None:
        """Until one that began after line ``since`` of the log is complete."""
        self.wait(lambda: self.told("rollout complete", since), "a complete rollout")

    def wait_until_settled(self, since: int = 0) -> None:
        """Until the listener watches, all replicas are ready, and the surplus has left."""

        def is_settled() -> bool:
            watched = any("watches web" in line["message"] for line in self.lines()[since:])
            ready = {line["slot"] for line in self.told("slot ready", since)}
            states = list(self.states().values())
            is_quiet = {*states} <= {"RUNNING", "STOPPED", "EXITED"}
            return watched and is_quiet and len(ready) >= self.shape.replicas == states.count("RUNNING")

        self.wait(is_settled, "the listener at rest")


def _parsed(line: str) -> Event:
    try:
        event: Event = json.loads(line)
    except ValueError:
        return {"message": line, "level": "unreadable"}
    return event


def answer(command: subprocess.Popen[str]) -> str:
    """What a command said when it was done."""
    try:
        said = command.communicate(timeout=LIMIT)[0]
    except subprocess.TimeoutExpired:
        command.kill()
        raise AssertionError(f"not done within {LIMIT:g} s: {command.communicate()[0]}") from None
    return f"{said.strip()} ({command.returncode})"
