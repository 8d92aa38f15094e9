"""The numbers as text for Prometheus, by prometheus_client. It is the only module that imports the library.

What is exposed is in a registry of our own: no number of the process, of Python or of anybody else.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from .definitions import DEFINITIONS, SECONDS, Definition, Kind
from .tally import Labels, Spread, Tally

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""of the text format (prometheus.io/docs/instrumenting/exposition_formats)"""

FRESH_SECONDS = 0.5
"""A page that is not older is given again: nobody who asks without end can make us work without end."""


class Page:
    """All numbers as text; from any thread.

    The library is imported by whoever wants the first page: that takes 0.1 s, which the engine has not.
    """

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._registry: CollectorRegistry | None = None
        self._lock = threading.Lock()
        self._text = b""
        self._made_at = float("-inf")

    def text(self, *, is_newest: bool = False) -> bytes:
        """The page, as of FRESH_SECONDS ago at most. Raises ImportError."""
        from prometheus_client import CollectorRegistry, generate_latest

        with self._lock:
            if self._registry is None:
                self._registry = CollectorRegistry(auto_describe=False)
                self._registry.register(_Collector(self._tally))
            now = time.monotonic()
            if is_newest or now > self._made_at + FRESH_SECONDS:
                self._text = generate_latest(self._registry)
                self._made_at = now
            return self._text


class _Collector:
    """What the registry asks for the numbers."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def collect(self) -> Iterator[Metric]:
        """Every metric with all its series."""
        reading = self._tally.read()
        for definition in DEFINITIONS:
            yield _family(definition, reading.values[definition].items(), reading.spreads[definition].items())


def _family(
    definition: Definition, values: Iterable[tuple[Labels, float]], spreads: Iterable[tuple[Labels, Spread]]
) -> Metric:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    of = definition.name, definition.doc
    if definition.kind is Kind.HISTOGRAM:
        histogram = HistogramMetricFamily(*of, labels=definition.labels)
        for labels, spread in spreads:
            histogram.add_metric(labels, _buckets(spread), spread.total)
        return histogram
    kind = CounterMetricFamily if definition.kind is Kind.COUNTER else GaugeMetricFamily
    family = kind(*of, labels=definition.labels)
    for labels, value in values:
        family.add_metric(labels, value)
    return family


def _buckets(spread: Spread) -> list[tuple[str, float]]:
    bounds = [*(repr(bound) for bound in SECONDS), "+Inf"]
    return list(zip(bounds, accumulate(spread.counts), strict=True))
