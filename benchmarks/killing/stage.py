"""A supervisord, our listener with a fuse, a program and its clients: where one cell of the matrix is played.

It acts and looks; it never judges. What runs, and what was lost, it asks supervisord, the program itself and
its clients; the journal only tells whether a rollout is under way.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.loading import LoadProcess
from benchmarks.loading import Plan as LoadPlan
from supervisor_reload.core.model import Record
from supervisor_reload.edges.journal import read
from tests.integration.supervisord import Supervisord, descendants, free_port, short_directory

from .listener import Plan
from .shapes import Shape

T = TypeVar("T")

LIMIT = 40.0
"""seconds for a rollout, the listener's death and return included"""

LOAD = LoadPlan(clients=4, pause=0.02, limit=15.0)
"""some 80 requests a second; with own port a boot and a drain must fit into a request's limit"""

OLD, NEW = "v1", "v2"

SCRIPT = f"""#!{sys.executable}
import sys
from benchmarks.killing.listener import main
if __name__ == "__main__":
    sys.exit(main({{directory!r}}))
"""
"""under the name by which a listener of ours is known"""


class Stage:
    """The running scene; use it in a ``with`` statement. It is settled on OLD and under load then."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.directory = short_directory().resolve()
        (self.directory / "src").mkdir()
        for name in ("server.py", "gunicorned.py"):
            shutil.copy(Path(__file__).with_name(name), self.directory)
        script = self.directory / "supervisor-reload"
        script.write_text(SCRIPT.format(directory=str(self.directory)))
        script.chmod(0o700)
        self.plan = self.directory / "plan"
        self.port = free_port()
        self.saved_at = float("inf")
        self._write(OLD)
        self.supervisord = Supervisord(self.directory, shape.text(self.port))
        self._open = contextlib.ExitStack()
        self.load: LoadProcess

    def __enter__(self) -> Stage:
        try:
            self.supervisord.start()
            self.load = self._open.enter_context(LoadProcess(self.port, self.directory / "requests", LOAD))
            self.wait(self._is_settled, f"{self.shape.running} processes at rest")
            self._known = set(self.history())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._open.close()
        with contextlib.suppress(AssertionError, ProcessLookupError):  # it was never started, or has ended
            os.kill(self.supervisord.pid, signal.SIGSTOP)  # it starts nothing more
            below = descendants(self.supervisord.pid)
            self.supervisord.kill()  # a polite end takes seconds, and nothing is looked at after it
            for pid in below:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.supervisord.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _write(self, text: str) -> None:
        beside = self.directory / "code.new"
        beside.write_text(text)
        beside.replace(self.directory / "src" / "code.txt")

    # what is done

    def save(self, plan: Plan) -> None:
        """Save NEW, and have the listener die as planned."""
        plan.save(self.plan)
        self.saved_at = time.monotonic()
        self._write(NEW)

    def wait(self, condition: Callable[[], T], what: str, limit: float = LIMIT) -> T:
        """Until the condition holds; else an AssertionError with all logs."""
        return self.supervisord.wait_for(condition, limit, what)

    def stop_load(self) -> tuple[int, Counter[str]]:
        """End the clients; the requests that ended since the save, and what those that failed met."""
        requests = [each for each in self.load.finish() if each.began + each.seconds >= self.saved_at]
        return len(requests), Counter(each.error for each in requests if each.error)

    def keep(self, directory: Path) -> None:
        """Copy all that can be read."""
        shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(self.directory, directory, ignore=shutil.ignore_patterns("*.sock", "*.py"))

    # what is seen

    @property
    def deaths(self) -> int:
        """How many listeners have been killed."""
        path = self.directory / "deaths"
        return path.stat().st_size if path.exists() else 0

    def processes(self) -> list[Mapping[str, Any]]:
        """What supervisord says of the program's processes."""
        found = self.supervisord.rpc.supervisor.getAllProcessInfo()
        return [one for one in found if one["group"] == "web"]

    def listener(self) -> str:
        """What supervisord says of our listener."""
        return self.supervisord.state("reload")

    def did(self) -> list[tuple[int, str]]:
        """What the processes wrote, each line with its pid."""
        path = self.directory / "did"
        text = path.read_text().rpartition("\n")[0] if path.exists() else ""
        fields = (line.split(" ", 2) for line in text.splitlines())
        return [(int(pid), what) for pid, _, what in fields]

    def runs(self) -> dict[int, str]:
        """The pids that supervisord calls RUNNING, and the code that each of them runs."""
        newest = {pid: what[5:] for pid, what in self.did() if what.startswith("runs:")}
        up = [one["pid"] for one in self.processes() if one["statename"] == "RUNNING"]
        return {pid: newest.get(pid, "nothing yet") for pid in up}

    def records(self) -> Mapping[str, Record]:
        """What the journal holds."""
        return read(str(self.directory / "state")).records

    def history(self) -> dict[int, Record]:
        """The rollouts that have ended, by number."""
        found = (record for key, record in self.records().items() if key.startswith("rollout web "))
        return {int(str(record["id"])): record for record in found}

    def ended(self) -> list[Record]:
        """The rollouts that have ended since the save, the last one last; none while one is under way."""
        if "rollout" in self.records().get("target web", {}):
            return []
        return [record for number, record in sorted(self.history().items()) if number not in self._known]

    def writes(self) -> list[dict[str, Record | None]]:
        """What was written into the journal since the save, as far as it was counted."""
        path = self.directory / "writes"
        text = path.read_text().rpartition("\n")[0] if path.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    def lines(self) -> list[Mapping[str, Any]]:
        """The lines of the listener's log; what is no JSON (a traceback) at level ``unreadable``."""
        path = self.directory / "reload.log"
        text = path.read_text(errors="backslashreplace") if path.exists() else ""
        return [_parsed(line) for line in text.rpartition("\n")[0].splitlines()]

    def listeners(self) -> int:
        """How many listeners have begun to watch."""
        return sum("watches web" in line["message"] for line in self.lines())

    def _is_settled(self) -> bool:
        states = Counter(one["statename"] for one in self.processes())
        spare = self.shape.slots - self.shape.running
        is_at_rest = states == Counter({"RUNNING": self.shape.running, "STOPPED": spare}) - Counter()
        condition = self.records().get("target web", {}).get("condition")
        return is_at_rest and condition == "READY" and self.load.total > 0


def _parsed(line: str) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = json.loads(line)
    except ValueError:
        return {"message": line, "level": "unreadable"}
    return found
