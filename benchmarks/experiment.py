"""The article's experiment: save the code N times while clients ask, and keep what they met.

It knows neither the tool that reloads nor the server; it only saves, waits until the new version is
answered, and collects. It never waits without a limit: a version that is not served in time is counted.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from tests.integration.supervisord import wait_for

from .load import Request
from .loading import LoadProcess, Plan
from .progress import Progress
from .record import Requests, Windows
from .service import Service

__all__ = ["BOOT_LIMIT", "SAVE_LIMIT", "SETTLE_LIMIT", "Outcome", "Plan", "experiment"]

SAVE_LIMIT = 30.0
"""seconds until a saved version that is not served counts as missed"""
SETTLE_LIMIT = 30.0
"""seconds until one process runs again and none is coming or going"""
BOOT_LIMIT = 30.0
"""seconds for the service to come up"""


@dataclass(slots=True)
class Outcome:
    """What the clients met under one tool."""

    name: str
    saves: int = 0
    missed: int = 0
    """saves whose version was never served within SAVE_LIMIT"""
    unsettled: int = 0
    """reloads that had not ended SETTLE_LIMIT after their version was served"""
    restarts: int = 0
    """processes that supervisord started for them"""
    seconds: float = 0.0
    busy: float = float("nan")
    """the share of one core that the load itself used"""
    requests: Collection[Request] = field(default_factory=Requests)
    windows: list[tuple[float, float]] = field(default_factory=list)
    """from each save until the reload was over (``time.monotonic``)"""
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
        windows = Windows(self.windows)
        return sorted(r.seconds for r in answered if windows.meets(r) is in_windows)


def experiment(
    name: str,
    service: Service,
    plan: Plan,
    *,
    first_version: int = 2,
    between: Callable[[], object] = lambda: None,
    settled: Callable[[], float] | None = None,
) -> Outcome:
    """Save ``plan.saves`` times under load. The service must answer already.

    ``first_version`` must be one that was not served before; ``between`` runs after every reload;
    ``settled`` says since when (``time.monotonic``) the reload is over, or 0.0: by default, since one process
    runs and none comes or goes.
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
                _settle(outcome, settled or (lambda: service.is_settled() * time.monotonic()))
                _rest(load, progress, number + 1, choice.uniform(*plan.rest))
                between()
            outcome.requests = load.finish()
            outcome.busy = load.busy
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
    outcome.windows.append((at, at))
    first = load.first_answer(
        f"version {version}", SAVE_LIMIT, lambda: progress.show(done, load.total, load.errors)
    )
    if first is None:
        outcome.missed += 1
    else:
        outcome.delays.append(first - at)


def _settle(outcome: Outcome, settled: Callable[[], float]) -> None:
    """Until the reload is over; a service that never settles only makes its window long."""
    try:
        over_at = wait_for(settled, SETTLE_LIMIT, step=0.05)
    except TimeoutError:
        outcome.unsettled += 1
        over_at = time.monotonic()
    outcome.windows[-1] = (outcome.windows[-1][0], over_at)


def _rest(load: LoadProcess, progress: Progress, done: int, seconds: float) -> None:
    """Let the load go on for a while; the experiment's own pace, not a wait for something."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        progress.show(done, load.total, load.errors)
        time.sleep(min(left, 0.2))
