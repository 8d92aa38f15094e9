"""Documents are delivered in order, again and again, for a limited time; and nobody ever waits for it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from supervisor_reload.core.notifying import Event
from supervisor_reload.edges.telling.delivering import Courier, Patience
from supervisor_reload.edges.telling.documents import Report
from supervisor_reload.edges.telling.line import Line, close_all
from supervisor_reload.edges.telling.posting import Verdict
from tests.fakes.told import report
from tests.integration.supervisord import wait_for

QUICK = Patience(first=0.01, longest=0.04, give_up=20.0)
LATER = Verdict("it answered 503")


class Place:
    """Takes what it is sent, or not, by a list of verdicts; at its end the last again."""

    def __init__(self, *verdicts: Verdict) -> None:
        self.verdicts = verdicts or (Verdict(),)
        self.tries: list[tuple[str, float]] = []
        self.taken: list[int | None] = []
        self.may_answer = threading.Event()
        self.may_answer.set()

    def send(self, told: Report, closing: threading.Event) -> Verdict:
        self.tries.append((told.id, time.monotonic()))
        self.may_answer.wait(20)
        verdict = self.verdicts[min(len(self.tries), len(self.verdicts)) - 1]
        if not verdict.problem:
            self.taken.append(told.rollout)
        return verdict


@pytest.fixture
def courier() -> Iterator[type]:
    made: list[Courier] = []

    def make(place: Place, patience: Patience = QUICK) -> Courier:
        made.append(Courier("the webhook of web.example", place.send, patience))
        return made[-1]

    yield make  # type: ignore[misc]
    close_all(one.line for one in made)


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "supervisor_reload.edges.telling")
    return caplog


def test_in_order(courier):
    """Also where one has to be tried again: the others wait for it."""
    place = Place(LATER, LATER, Verdict())
    one = courier(place)
    for number in (1, 2, 3):
        one.bring(report(rollout=number))
    wait_for(lambda: place.taken == [1, 2, 3])
    assert len(place.tries) == 5


def test_the_same_id_again(courier, told):
    """It is one message, however often it is sent; the log tells it twice, not at each try."""
    place = Place(LATER, LATER, LATER, Verdict())
    courier(place).bring(report())
    wait_for(lambda: len(told.messages) == 2)
    assert len({name for name, _ in place.tries}) == 1
    assert told.messages == [
        "web: complete (7): could not be told to the webhook of web.example: it answered 503; "
        "trying again for 20 s",
        "web: complete (7): told to the webhook of web.example at try 4",
    ]


def test_pauses_grow(courier):
    """Twice as long each time, up to the longest."""
    place = Place(LATER)
    courier(place, Patience(first=0.05, longest=0.2, give_up=20)).bring(report())
    wait_for(lambda: len(place.tries) == 5)
    moments = [moment for _, moment in place.tries]
    pauses = [later - earlier for earlier, later in pairwise(moments)]
    assert all(pause >= least for pause, least in zip(pauses, (0.05, 0.1, 0.2, 0.2), strict=True))


def test_a_server_may_ask_for_patience(courier):
    """But not for more than the longest pause."""
    place = Place(Verdict("it answered 429", wait=3600.0), Verdict())
    courier(place, Patience(first=0.01, longest=0.3, give_up=20)).bring(report())
    wait_for(lambda: place.taken)
    (_, first), (_, second) = place.tries
    assert 0.3 <= second - first


def test_given_up(courier, told):
    """After the limit, with the reason; the next has its turn."""
    place = Place(LATER)
    one = courier(place, Patience(first=0.01, longest=0.02, give_up=0.2))
    one.bring(report(Event.HALTED))
    wait_for(lambda: [line for line in told.messages if "not told" in line])
    assert len(place.tries) > 3
    assert told.messages[-1].startswith("web: halted (7): not told to the webhook of web.example, try ")
    assert told.messages[-1].endswith(": it answered 503")
    place.verdicts = (Verdict(),)
    one.bring(report(rollout=8))
    wait_for(lambda: place.taken == [8])


def test_what_would_not_help_is_not_tried_again(courier, told):
    """Such as 404."""
    place = Place(Verdict("it answered 404\x1b[31m", is_final=True))
    courier(place).bring(report())
    wait_for(lambda: told.messages)
    assert told.messages == [
        "web: complete (7): not told to the webhook of web.example, try 1: it answered 404\\x1b[31m"
    ]
    assert len(place.tries) == 1


def test_nobody_waits(courier):
    """Neither for a place that hangs, nor at the end."""
    place = Place()
    place.may_answer.clear()
    one = courier(place)
    began = time.monotonic()
    for number in range(1000):
        one.bring(report(rollout=number + 1))
    assert time.monotonic() - began < 5
    began = time.monotonic()
    close_all([one.line])
    assert time.monotonic() - began < 1.5
    one.bring(report())
    place.may_answer.set()
    wait_for(lambda: [each.name for each in threading.enumerate()].count("the webhook of web.example") == 0)
    assert len(place.tries) == 1


def test_a_line_is_bounded(told):
    """The oldest goes, and that is told, once for all that go before there is room again."""
    done, may_go = [], threading.Event()

    def do(job: int, closing: threading.Event) -> None:
        may_go.wait(20)
        done.append(job)

    line = Line("a line", do, most=2)
    line.put(0)
    wait_for(lambda: not line._waiting)
    for job in (1, 2, 3, 4):
        line.put(job)
    may_go.set()
    wait_for(lambda: done == [0, 3, 4])
    assert told.messages == ["a line: more than 2 wait: the oldest are dropped"]


def test_what_waits_at_the_end_is_told(told):
    """And lost."""
    began = threading.Event()

    def do(job: int, closing: threading.Event) -> None:
        began.set()
        closing.wait(20)

    line = Line("a line", do)
    for job in range(3):
        line.put(job)
    assert began.wait(20)
    close_all([line])
    assert told.messages == ["a line: 2 that waited are dropped"]


def test_a_defect_is_not_the_others_business(told):
    """It is told, and the next is done."""
    done = []

    def do(job: int, closing: threading.Event) -> None:
        done.append(1 // job)

    line = Line("a line", do)
    line.put(0)
    line.put(1)
    wait_for(lambda: done == [1])
    assert told.messages == ["a line failed"]


def test_no_thread_without_a_job():
    """It comes and goes with them."""
    line = Line("a rare line", lambda job, closing: None)
    for _ in range(3):
        line.put(1)
        wait_for(lambda: "a rare line" not in [each.name for each in threading.enumerate()])
