"""Every heading of every page that has commands below it, with the scenario that runs them."""

from __future__ import annotations

from collections.abc import Callable

from . import scenarios, started
from .blocks import Step

SCENARIOS: dict[tuple[str, str], Callable[[list[Step]], None]] = {**scenarios.SCENARIOS, **started.STARTED}
