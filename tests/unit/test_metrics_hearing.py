"""How long what runs outside took, where one waits for another, or is never told of again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from supervisor_reload.core.facts import Fact, HookFailed, HookSucceeded
from supervisor_reload.core.model import Revision
from supervisor_reload.edges.metrics.definitions import PHASE_SECONDS
from supervisor_reload.edges.metrics.hearing import HeardHooks, Hearing, heard
from supervisor_reload.edges.metrics.saves import Saves
from supervisor_reload.edges.metrics.tally import Tally

R1 = Revision("r1")


class Hooks:
    """The port: notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []

    def run(self, target: str, rollout: int, revision: Revision, changed: tuple[str, ...]) -> None:
        self.asked.append(("run", target, rollout))

    def cancel(self, target: str, rollout: int) -> None:
        self.asked.append(("cancel", target, rollout))

    def tick(self) -> None:
        self.asked.append(("tick",))

    def close(self) -> None:
        self.asked.append(("close",))


class Bench:
    """Hooks that are overheard, and what was measured."""

    def __init__(self) -> None:
        self.now = 0.0
        self.tally = Tally()
        self.hearing = Hearing(self.tally, Saves(self.clock), self.clock)
        self.hooks = Hooks()
        self.heard = HeardHooks(self.hooks, self.hearing)
        self.put: Callable[[Fact], None] = heard(lambda _: None, self.hearing)

    def clock(self) -> float:
        return self.now

    def run(self, at: float, rollout: int, target: str = "web") -> None:
        self.now = at
        self.heard.run(target, rollout, R1, ())

    def end(self, at: float, rollout: int, target: str = "web") -> None:
        self.now = at
        self.put(HookSucceeded(target=target, rollout=rollout))

    @property
    def measured(self) -> tuple[int, float]:
        """How many for web, and their sum."""
        spread = self.tally.read().spreads[PHASE_SECONDS].get(("web", "before_rollout"))
        return (0, 0.0) if spread is None else (sum(spread.counts), spread.total)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_two_hooks_in_one_line(bench: Bench) -> None:
    """Each is measured from its own order to its own end."""
    bench.run(10, 7)
    bench.run(13, 8)
    bench.end(15, 7)
    assert bench.measured == (1, 5.0)
    bench.now = 17
    bench.put(HookFailed(target="web", rollout=8, reason="exit status 1"))
    assert bench.measured == (2, 9.0)


def test_one_that_was_overtaken(bench: Bench) -> None:
    """It is never run, so nothing of it is measured, or kept."""
    for at, rollout in ((10, 7), (11, 8), (12, 9)):
        bench.run(at, rollout)
    bench.run(12, 3, "job")
    bench.end(14, 7)
    bench.end(15, 9)
    assert bench.measured == (2, 7.0)
    assert [*bench.hearing._began] == [("before_rollout", "job", 3)]
    bench.end(16, 8)
    assert bench.measured == (2, 7.0)


def test_one_that_is_cancelled(bench: Bench) -> None:
    """No fact follows; the one behind it goes on."""
    bench.run(10, 7)
    bench.run(11, 8)
    bench.heard.cancel("web", 7)
    bench.end(12, 7)
    assert bench.measured == (0, 0.0)
    bench.end(14, 8)
    assert bench.measured == (1, 3.0)


def test_everything_is_given_on(bench: Bench) -> None:
    """The port behind it is asked all that it was asked."""
    bench.run(1, 7)
    bench.heard.cancel("web", 7)
    bench.heard.tick()
    bench.heard.close()
    assert bench.hooks.asked == [("run", "web", 7), ("cancel", "web", 7), ("tick",), ("close",)]
