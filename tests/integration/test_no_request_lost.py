"""Promise 3 under real load: requests in flight and new ones during rollouts, none refused, reset or cut."""

from __future__ import annotations

import pytest

from benchmarks.demo import wait_until_settled
from benchmarks.experiment import Plan, experiment
from benchmarks.service import Service

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("keep_alive", [False, True], ids=["fresh connections", "keep-alive"])
def test_swap_loses_nothing(keep_alive: bool) -> None:
    """etc/swap.conf, some hundred requests a second, saves in place and by rename."""
    with Service.of_etc("swap.conf") as service:
        wait_until_settled(service)
        plan = Plan(saves=4, keep_alive=keep_alive)
        outcome = experiment("swap", service, plan)
    assert outcome.missed == 0
    assert len(outcome.requests) > 200
    assert dict(outcome.errors) == {}
