"""Where a verb looks: at the files of this machine, or at what a supervisord hands out. It only chooses."""

from __future__ import annotations

from collections.abc import Callable

from .afar import Afar
from .credentials import Server, completed
from .place import place_of
from .reading import Here, Reading

Look = Callable[[], Reading]
"""One look; raises Unknown where there is nothing to tell."""


def looking(config_file: str | None, server: Server | None) -> Look:
    """How to look, once or again and again. Raises ConfigErrors."""
    if server is None:
        return Here(place_of(config_file)).look
    return Afar(completed(server, config_file)).look
