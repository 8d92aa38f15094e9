"""The names of the targets, for whoever completes what is typed. It only looks."""

from __future__ import annotations

from .knowledge import Knowledge
from .place import place_of
from .reading import look


def target_names(config_file: str | None) -> list[str]:
    """Those that the listener knows. Raises ConfigErrors, Unknown."""
    return Knowledge(look(place_of(config_file)).records, born=None).targets
