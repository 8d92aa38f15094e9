"""The article's experiment: save the code N times while clients ask, and keep what they met.

It knows neither the tool that reloads nor the server; it only saves, waits until the new version is
answered, and collects. It never waits without a limit: a version that is not served in time is counted.
"""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration.supervisord import wait_for

from .load import Request
from .progress import Progress
from .service import Service

ROOT = Path(__file__).resolve().parent.parent
SAVE_LIMIT = 30.0
"""seconds until a saved version that is not served counts as missed"""
SETTLE_LIMIT = 30.0
"""seconds until one process runs again and none is coming or going"""
BOOT_LIMIT = 30.0
"""seconds for the service to come up"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is done to every tool alike."""

    saves: int = 20
    clients: int = 8
    pause: float = 0.03
    """seconds that a client waits between two requests"""
    keep_alive: bool = False
    rest: tuple[float, float] = (0.6, 1.2)
    """seconds between the end of a reload and the next save: a random number in this range"""
    seed: int = 1


@dataclass(slots=True)
class Outcome:
    """What the clients met under one tool."""

    name: str
    saves: int = 0
    missed: int = 0
    """saves whose version was never served within SAVE_LIMIT"""
    restarts: int = 0
    """processes that supervisord started for them"""
    seconds: float = 0.0
    requests: list[Request] = field(default_factory=list)
    windows: list[tuple[float, float]] = field(default_factory=list)
    """from each save until one process ran again and none was coming or going (``time.monotonic``)"""
    delays: list[float] = field(default_factory=list)
    """seconds from each save to the first whole answer of its version"""

    @property
    def errors(self) -> Counter[str]:
        """Lost requests by kind."""
        return Counter(request.error for request in self.requests if request.error)

    def latencies(self, *, in_windows: bool | None = None) -> list[float]:
        """Seconds of the answered requests, sorted: all, or those that met a reload window, or the others."""
        answered = (r for r in self.requests if not r.error)
        if in_windows is None:
            return sorted(r.seconds for r in answered)
        return sorted(r.seconds for r in answered if self._meets_window(r) is in_windows)

    def _meets_window(self, request: Request) -> bool:
        ended = request.began + request.seconds
        return any(request.began <= end and ended >= begin for begin, end in self.windows)


class LoadProcess:
    """The load of ``benchmarks.load`` in a process of its own; use it in a ``with`` statement."""

    def __init__(self, port: int, out: Path, plan: Plan) -> None:
        self.total = self.errors = 0
        self._out = out
        self._seen: dict[str, float] = {}
        self._news = threading.Condition()
        argv = [sys.executable, "-m", "benchmarks.load", str(port), str(out)]
        argv += ["--clients", str(plan.clients), "--pause", str(plan.pause)]
        argv += ["--keep-alive"] if plan.keep_alive else []
        self._process = subprocess.Popen(
            argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

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

    def finish(self) -> list[Request]:
        """End the load and hand over every request."""
        self._end()
        with self._out.open(encoding="ascii") as lines:
            return [Request(*json.loads(line)) for line in lines]

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(5)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()


def experiment(
    name: str,
    service: Service,
    plan: Plan,
    *,
    first_version: int = 2,
    between: Callable[[], object] = lambda: None,
) -> Outcome:
    """Save ``plan.saves`` times under load. The service must answer already.

    ``first_version`` must be one that was not served before; ``between`` runs after every reload.
    """
    outcome = Outcome(name)
    progress = Progress(name, plan.saves)
    choice = random.Random(plan.seed)
    spawned = service.spawned()
    began = time.monotonic()
    try:
        with LoadProcess(service.port, service.directory / "run" / "requests", plan) as load:
            _rest(load, progress, 0, 2.0)
            for number in range(plan.saves):
                _save_once(outcome, service, load, progress, f"{first_version + number:04d}")
                _rest(load, progress, number + 1, choice.uniform(*plan.rest))
                between()
            outcome.requests = load.finish()
    finally:
        progress.close()
    outcome.seconds = time.monotonic() - began
    outcome.restarts = service.spawned() - spawned
    return outcome


def _save_once(
    outcome: Outcome, service: Service, load: LoadProcess, progress: Progress, version: str
) -> None:
    """One save and the wait for its version: every second one replaces the file, the others write into it."""
    done = outcome.saves
    outcome.saves += 1
    at = service.save(version, atomic=done % 2 == 0)
    first = load.first_answer(
        f"version {version}", SAVE_LIMIT, lambda: progress.show(done, load.total, load.errors)
    )
    _settle(service)
    outcome.windows.append((at, time.monotonic()))
    if first is None:
        outcome.missed += 1
    else:
        outcome.delays.append(first - at)


def _settle(service: Service) -> None:
    """Until the reload is over; a service that never settles only makes its window long."""
    with contextlib.suppress(TimeoutError):
        wait_for(service.is_settled, SETTLE_LIMIT, step=0.05)


def _rest(load: LoadProcess, progress: Progress, done: int, seconds: float) -> None:
    """Let the load go on for a while; the experiment's own pace, not a wait for something."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        progress.show(done, load.total, load.errors)
        time.sleep(min(left, 0.2))
