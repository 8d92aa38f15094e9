"""The key ``metrics``: where our numbers are published, and what is missing for it. It publishes nothing."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from supervisor_reload.core.publication import publication

from .values import words

if TYPE_CHECKING:
    from .sections import OwnSection

KEY = "metrics"
LIBRARY = "prometheus_client"
INSTALL = "pip install 'supervisor-reload[metrics]'"


def addresses(text: str) -> tuple[str, ...]:
    """A list of addresses, each of them one of ours; ``none`` is ()."""
    if text.strip().lower() == "none":
        return ()
    found = tuple(dict.fromkeys(words(text)))
    places = [publication(one) for one in found]
    for number, place in enumerate(places):
        if any(str(place) == str(other) for other in places[:number]):
            raise ValueError(f"{str(place)!r} stands there twice")
    return found


def note_metrics(common: OwnSection) -> None:
    """Note what keeps the numbers from being published; without them everything else works."""
    written = common.optional(KEY, tuple) or ()
    if written and importlib.util.find_spec(LIBRARY) is None:
        common.warning(
            KEY, f"no metrics are published, as the Python package {LIBRARY} is not installed: {INSTALL}"
        )
    for place in map(publication, written):
        directory = Path(place.path).parent
        if place.path and not directory.is_dir():
            common.warning(
                KEY, f"nothing is published at {place} as long as there is no directory {directory}"
            )
