"""etc/pinned.conf as it is: one slot, saves under load, and nobody is refused, reset or cut."""

from __future__ import annotations

import pytest

from benchmarks.demo import wait_until_settled
from benchmarks.experiment import experiment
from benchmarks.loading import Plan
from benchmarks.service import Service

pytestmark = pytest.mark.integration


def test_one_slot_loses_nothing() -> None:
    """The old process drains, its clients wait in the queue of the kept socket, the new one answers them."""
    with Service.of_etc("pinned.conf") as service:
        wait_until_settled(service)
        outcome = experiment("pinned", service, Plan(saves=3, rest=(0.2, 0.4)))
    assert outcome.missed == 0
    assert len(outcome.requests) > 200
    assert dict(outcome.errors) == {}
