"""Hostile endpoints: each attempt ends at its limit, by the probe and by the look at in-flight work."""

from __future__ import annotations

import pytest

from benchmarks import hostile

LIMIT = 0.4
SLACK = 0.3
"""The benchmark holds 0.05; a test must also pass on a machine that is busy."""


@pytest.fixture(scope="module")
def endings() -> list[hostile.Ending]:
    return list(hostile.endings(LIMIT, drip=0.05))


@pytest.mark.fault(28)
def test_each_ends_at_its_limit(endings: list[hostile.Ending]) -> None:
    """By the clock on the wall, whatever the other side sends, and however slowly."""
    assert [] == [ending for ending in endings if not ending.is_kept(LIMIT, SLACK)]
    assert 2 * (len(hostile.ENDPOINTS) + 1) == len(endings)


@pytest.mark.fault(28)
def test_none_counts_as_an_answer_but_a_good_head(endings: list[hostile.Ending]) -> None:
    """The probe does not read the body, so an endless one does not matter; nothing else is a yes."""
    assert {"sends 1 GB", "drips its body, a byte at a time"} == {
        ending.endpoint for ending in endings if ending.said == "yes"
    }
    assert "ready" == next(ending.asked_by for ending in endings if ending.said == "yes")
    assert not [ending for ending in endings if ending.said == "yes" and ending.asked_by == "drain"]
