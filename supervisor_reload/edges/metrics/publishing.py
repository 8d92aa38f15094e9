"""Which places the numbers are published at, while that may change. It publishes nothing itself."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from typing import Protocol

from ...core.publication import Publication
from .exposing import CONTENT_TYPE, Page
from .serving import Server
from .tally import Tally
from .textfile import Textfile


class Publisher(Protocol):
    """Publishes at one place, in a thread of its own."""

    def start(self) -> None:
        """Begin."""

    def touch(self) -> None:
        """There are new numbers; returns at once."""

    def close(self) -> None:
        """End, within a second."""


class Publishing:
    """Publishes at every place that is wanted; used by the engine's thread alone."""

    def __init__(self, tally: Tally) -> None:
        self._page = Page(tally)
        self._publishers: dict[Publication, Publisher] = {}

    def publish(self, places: Iterable[Publication]) -> None:
        """Publish at these places, and no longer at others. What fails is said, and never raised."""
        wanted = dict.fromkeys(places)
        for place in [place for place in self._publishers if place not in wanted]:
            self._publishers.pop(place).close()
        if wanted and importlib.util.find_spec("prometheus_client") is None:
            return  # of which whoever read the configuration tells
        for place in wanted:
            if place not in self._publishers:
                publisher = self._publishers[place] = _publisher(place, self._page)
                publisher.start()

    def touch(self) -> None:
        """There are new numbers; returns at once."""
        for publisher in self._publishers.values():
            publisher.touch()

    def close(self) -> None:
        """Publish nothing any more."""
        self.publish(())


def _publisher(place: Publication, page: Page) -> Publisher:
    if place.scheme == "textfile":
        return Textfile(place, lambda: page.text(is_newest=True))
    return Server(place, page.text, CONTENT_TYPE)
