"""The numbers themselves: set by the engine's thread and a few others, read by those who publish them.

They are our own, and not the library's: its counters share files with every process of the machine whose
environment has PROMETHEUS_MULTIPROC_DIR, as a container's may. It knows no meaning of any number.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .definitions import DEFINITIONS, SECONDS, Definition, Kind

Labels = tuple[str, ...]


@dataclass(slots=True)
class Spread:
    """What a histogram has seen."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(SECONDS) + 1))
    """for each upper bound, and beyond the last, those that are within it and not within the one before"""
    total: float = 0.0

    def copy(self) -> Spread:
        """The same, to be read while this goes on."""
        return Spread([*self.counts], self.total)


@dataclass(frozen=True, slots=True)
class Reading:
    """All numbers of one moment."""

    values: Mapping[Definition, Mapping[Labels, float]]
    spreads: Mapping[Definition, Mapping[Labels, Spread]]


class Tally:
    """All numbers; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[Definition, dict[Labels, float]] = {each: {} for each in DEFINITIONS}
        self._spreads: dict[Definition, dict[Labels, Spread]] = {each: {} for each in DEFINITIONS}

    def add(self, definition: Definition, *labels: str, by: float = 1) -> None:
        """Count something."""
        _check(definition, labels)
        with self._lock:
            values = self._values[definition]
            values[labels] = values.get(labels, 0) + by

    def set(self, definition: Definition, value: float, *labels: str) -> None:
        """Say how something stands."""
        _check(definition, labels)
        with self._lock:
            self._values[definition][labels] = value

    def choose(self, definition: Definition, *labels: str) -> None:
        """1 for this series, and of the same target 0 for those of the closed set, and no other."""
        _check(definition, labels)
        with self._lock:
            values = self._values[definition]
            for known in [known for known in values if known[0] == labels[0]]:
                del values[known]
            values.update({(labels[0], value): 0 for value in definition.values})
            values[labels] = 1

    def observe(self, definition: Definition, seconds: float, *labels: str) -> None:
        """Add one to a histogram."""
        _check(definition, labels)
        with self._lock:
            spread = self._spreads[definition].setdefault(labels, Spread())
            spread.counts[bisect_left(SECONDS, seconds)] += 1
            spread.total += seconds

    def begin(self, target: str) -> None:
        """Have every counter and histogram of a target, from zero: what rises from nothing can't be seen."""
        with self._lock:
            for definition in DEFINITIONS:
                if not definition.is_of_target or definition.kind is Kind.GAUGE:
                    continue
                series: list[Labels] = [(target, value) for value in definition.values]
                for labels in series or [(target,)]:
                    if definition.kind is Kind.COUNTER:
                        self._values[definition].setdefault(labels, 0)
                    else:
                        self._spreads[definition].setdefault(labels, Spread())

    def keep(self, targets: Iterable[str]) -> None:
        """Forget every other target."""
        kept = {*targets}
        with self._lock:
            for definition in DEFINITIONS:
                if definition.is_of_target:
                    _keep(self._values[definition], kept)
                    _keep(self._spreads[definition], kept)

    def read(self) -> Reading:
        """All numbers of this moment."""
        with self._lock:
            return Reading(
                {one: {**values} for one, values in self._values.items()},
                {
                    one: {labels: spread.copy() for labels, spread in spreads.items()}
                    for one, spreads in self._spreads.items()
                },
            )


def _check(definition: Definition, labels: Labels) -> None:
    assert len(labels) == len(definition.labels), (definition.name, labels)
    assert not definition.values or labels[1] in definition.values, (definition.name, labels)


def _keep(series: dict[Labels, float] | dict[Labels, Spread], targets: set[str]) -> None:
    for labels in [labels for labels in series if labels[0] not in targets]:
        del series[labels]
