"""The load as the experiment sees it: a process that is started, listened to, and ended.

It never looks at a single request before the load has ended; the running totals and the versions that were
answered come over a pipe.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .load import REQUEST_LIMIT
from .record import Requests

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is done to every tool alike."""

    saves: int = 20
    clients: int = 8
    pause: float = 0.03
    """seconds that a client waits between two requests"""
    keep_alive: bool = False
    path: str = "/"
    spread: float = 0.0
    """seconds over which the clients begin, at random moments"""
    limit: float = REQUEST_LIMIT
    """seconds for one request"""
    rest: tuple[float, float] = (0.6, 1.2)
    """seconds between the end of a reload and the next save: a random number in this range"""
    seed: int = 1


class LoadProcess:
    """The load of ``benchmarks.load`` in a process of its own; use it in a ``with`` statement."""

    def __init__(self, port: int, out: Path, plan: Plan) -> None:
        self.total = self.errors = 0
        self.busy = float("nan")
        """the share of one core that the load used, known when it has ended"""
        self._out = out
        self._limit = plan.limit
        self._seen: dict[str, float] = {}
        self._news = threading.Condition()
        argv = [sys.executable, "-m", "benchmarks.load", str(port), str(out), "--path", plan.path]
        argv += ["--clients", str(plan.clients), "--pause", str(plan.pause), "--limit", str(plan.limit)]
        argv += ["--spread", str(plan.spread)]
        argv += ["--keep-alive"] if plan.keep_alive else []
        self._process = subprocess.Popen(
            argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The load's pid."""
        return self._process.pid

    def __enter__(self) -> LoadProcess:
        return self

    def __exit__(self, *exc: object) -> None:
        self._end()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            news = json.loads(line)
            with self._news:
                if "seen" in news:
                    self._seen[news["seen"]] = news["at"]
                else:
                    self.total, self.errors = news["requests"], news["errors"]
                    self.busy = news.get("busy", self.busy)
                self._news.notify_all()

    def first_answer(self, text: str, limit: float, meanwhile: Callable[[], None]) -> float | None:
        """When ``text`` was first answered (``time.monotonic``); None if not within ``limit`` seconds."""
        deadline = time.monotonic() + limit
        with self._news:
            while text not in self._seen and time.monotonic() < deadline:
                if self._process.poll() is not None:
                    raise RuntimeError(f"the load ended by itself with {self._process.returncode}")
                self._news.wait(0.2)
                meanwhile()
            return self._seen.get(text)

    def finish(self) -> Requests:
        """End the load and hand over every request; RuntimeError where not all were written down."""
        self._end()
        requests = Requests.read(self._out)
        if self._process.returncode != 0 or len(requests) != self.total:
            raise RuntimeError(
                f"the load ended with {self._process.returncode} and wrote down {len(requests):,} "
                f"of {self.total:,} requests: this run says nothing"
            )
        return requests

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(self._limit + 5)  # requests under way are finished
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(5)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()
