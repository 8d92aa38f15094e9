"""What ``wait`` says of how a target stands, and how long it waits for the first answer."""

from __future__ import annotations

import time

import pytest

from supervisor_reload.core.condition import Condition
from supervisor_reload.core.requests import Answer, Requested, Verb
from supervisor_reload.showing.place import Place
from supervisor_reload.showing.standing import Standing
from supervisor_reload.steering import waiting
from supervisor_reload.steering.request import request
from supervisor_reload.steering.waiting import Look, Verdict, judge


def judged(condition: Condition, why: str = "") -> Look:
    return judge(Standing(name="web", condition=condition.value, revision="abc", why=why), "abc")


def test_a_refusal_names_who_refused() -> None:
    """
    The check, or another command.
    """
    expected = Look(Verdict.FAILED, "refused: before_rollout: exit status 3")
    assert expected == judged(Condition.REFUSED, "before_rollout: exit status 3")


def test_a_pause_is_waited_for_with_what_ends_it() -> None:
    assert Look(Verdict.OPEN, "PAUSED: supervisor-reload resume web") == judged(Condition.PAUSED)
    told = judged(Condition.PAUSED, "in the rollout to abc")
    assert Look(Verdict.OPEN, "PAUSED: in the rollout to abc; supervisor-reload resume web") == told


def test_what_is_held_points_to_why() -> None:
    told = judged(Condition.HELD, "web:web: Exited too quickly")
    assert Verdict.FAILED is told.verdict
    assert "it is held: web:web: Exited too quickly; supervisor-reload why web tells more" == told.why


def test_now_is_a_time_that_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    With --timeout 0 the listener still has a moment to answer.
    """
    limits: list[float] = []

    def answered(place: Place, asked: Requested, limit: float) -> Answer:
        limits.append(limit)
        return Answer(id=asked.id)

    monkeypatch.setattr(waiting, "send", lambda place, asked: None)
    monkeypatch.setattr(waiting, "answer_to", answered)
    place = Place(directory="/none", config_file="/none", listener="reload")
    waiting._asked(place, request(Verb.READ, ("web",)), time.monotonic())
    assert [waiting.AGAIN] == limits
