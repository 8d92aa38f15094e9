"""What the clients met, kept small: sixteen bytes a request, so that half a million fit without a thought.

It holds and orders; it never rounds, and never leaves a request out.
"""

from __future__ import annotations

import bisect
import json
from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from .load import Request


class Requests(Collection[Request]):
    """A growing record of requests."""

    def __init__(self) -> None:
        self._began = array("d")
        self._seconds = array("d")
        self._errors: dict[int, str] = {}

    @classmethod
    def read(cls, path: Path) -> Requests:
        """The record that ``benchmarks.load`` wrote. Raises ValueError for a line that is none."""
        record = cls()
        with path.open(encoding="ascii") as lines:
            for line in lines:
                record.append(Request(*json.loads(line)))
        return record

    def append(self, request: Request) -> None:
        """Add one."""
        if request.error:
            self._errors[len(self._began)] = request.error
        self._began.append(request.began)
        self._seconds.append(request.seconds)

    def __len__(self) -> int:
        return len(self._began)

    def __iter__(self) -> Iterator[Request]:
        for index, (began, seconds) in enumerate(zip(self._began, self._seconds, strict=True)):
            yield Request(began, seconds, self._errors.get(index, ""))

    def __contains__(self, request: object) -> bool:
        return any(one == request for one in self)


class Windows:
    """Spans of time; they may overlap."""

    def __init__(self, spans: Iterable[tuple[float, float]]) -> None:
        merged: list[list[float]] = []
        for begin, end in sorted(spans):
            if merged and begin <= merged[-1][1]:
                merged[-1][1] = max(merged[-1][1], end)
            else:
                merged.append([begin, end])
        self._begins = [begin for begin, _ in merged]
        self._ends = [end for _, end in merged]

    def meets(self, request: Request) -> bool:
        """Whether the request was under way at any moment of any of them."""
        at = bisect.bisect_left(self._ends, request.began)  # the first that had not ended before it began
        return at < len(self._ends) and self._begins[at] <= request.began + request.seconds


def since_last(moments: Sequence[float], at: float) -> float:
    """Seconds from the last of the sorted moments before ``at``; nan where there is none."""
    index = bisect.bisect_right(moments, at) - 1
    return at - moments[index] if index >= 0 else float("nan")
