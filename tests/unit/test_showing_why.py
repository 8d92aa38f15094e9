"""The verb ``why`` on real files: what it tells of a failure, and when there is none to tell of any more."""

from __future__ import annotations

import pytest

from supervisor_reload.core.memory import WHY
from supervisor_reload.core.model import Record
from tests.fakes.place import Place
from tests.fakes.supervisord import Boot
from tests.fakes.written import Written, records_of


@pytest.fixture
def written(place: Place, capsys: pytest.CaptureFixture[str]) -> Written:
    return Written(place, capsys)


@pytest.fixture(scope="module")
def held() -> dict[str, Record]:
    """The new code died at once."""
    return records_of(Boot(dies_after=0.1))


@pytest.fixture
def served(held: dict[str, Record]) -> dict[str, Record]:
    """The newest code serves, and of an earlier failure there is still a record."""
    return {**records_of(), WHY + "web": held[WHY + "web"]}


def test_a_failure(written: Written, held: dict[str, Record]) -> None:
    with written.listener(held):
        _, lines = written.lines("why")
        assert written.json("why")[1]["targets"][0]["failure"]["event"] == "rollout halted"
    assert any(line.startswith("  rollout halted of r1") for line in lines)


def test_what_serves_by_now_has_no_failure(written: Written, served: dict[str, Record]) -> None:
    """
    Whoever brought the newest code there: an operator, for example.
    """
    with written.listener(served):
        _, lines = written.lines("why")
        assert written.json("why")[1]["targets"][0]["failure"] is None
    assert "  nothing failed" == lines[-1]


def test_what_is_paused_waits_for_resume(written: Written, served: dict[str, Record]) -> None:
    """
    The failure is told all the same: a pause hides no trouble.
    """
    served["target web"] = {**served["target web"], "condition": "PAUSED"}
    with written.listener(served):
        _, lines = written.lines("why")
    assert "  it waits for resume: supervisor-reload resume web" in lines
    assert any(line.startswith("  rollout halted of r1") for line in lines)
