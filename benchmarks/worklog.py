"""Reads the log that the queue workers of ``etc/app`` write, and says what became of every job.

It exists so that "every job done exactly once" is counted from what the workers themselves wrote down. It
starts and stops nothing, and knows neither the kind of worker nor the tool that reloads.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log."""

    at: float
    """``time.time``"""
    pid: int
    """of the worker, also where a child of it has the job"""
    version: str
    what: str
    """put, began, done, back (taken back from a killed worker); up, TERM (or QUIT, INT), left"""
    job: str


class WorkLog:
    """What the log says now; reading it again is a new one."""

    def __init__(self, lines: list[Line]) -> None:
        self.lines = lines

    @classmethod
    def read(cls, path: Path) -> WorkLog:
        """Read the file; none yet is an empty log. The last line may still be on its way."""
        if not path.exists():
            return cls([])
        whole = path.read_text(encoding="utf-8").rpartition("\n")[0]
        fields = (line.split(" ") for line in whole.splitlines())
        return cls([Line(float(at), int(pid), version, what, job) for at, pid, version, what, job in fields])

    def _of(self, what: str) -> list[Line]:
        return [line for line in self.lines if line.what == what]

    def _count(self, what: str) -> Counter[str]:
        return Counter(line.job for line in self._of(what))

    @property
    def enqueued(self) -> int:
        """Jobs that were put into the queue."""
        return len(self._count("put"))

    @property
    def open(self) -> list[str]:
        """Jobs that nobody has done (yet)."""
        done = self._count("done")
        return [job for job in self._count("put") if job not in done]

    @property
    def done_once(self) -> int:
        """Jobs that were done exactly once."""
        return sum(number == 1 for number in self._count("done").values())

    @property
    def done_again(self) -> list[str]:
        """Jobs that were done more than once."""
        return [job for job, number in self._count("done").items() if number > 1]

    @property
    def begun_again(self) -> list[str]:
        """Jobs that were begun more than once: done again, or cut and begun anew."""
        return [job for job, number in self._count("began").items() if number > 1]

    @property
    def terms(self) -> Counter[int]:
        """How often TERM came, for each pid that it came to."""
        return Counter(line.pid for line in self._of("TERM"))

    @property
    def drains(self) -> list[float]:
        """Seconds from the first TERM of each pid to its last word."""
        first: dict[int, float] = {}
        for line in self._of("TERM"):
            first.setdefault(line.pid, line.at)
        return [line.at - first[line.pid] for line in self._of("left") if line.pid in first]

    @property
    def asked_in_work(self) -> int:
        """How many of the TERMs came to a worker with a job in hand."""
        in_hand: dict[int, set[str]] = {}
        number = 0
        for line in sorted(self.lines, key=lambda line: line.at):
            jobs = in_hand.setdefault(line.pid, set())
            if line.what == "began":
                jobs.add(line.job)
            elif line.what == "done":
                jobs.discard(line.job)
            elif line.what == "TERM":
                number += bool(jobs)
        return number

    def in_hand(self, pid: int) -> str | None:
        """The job that a worker has begun and not done."""
        done = {line.job for line in self._of("done")}
        own = [line.job for line in self._of("began") if line.pid == pid and line.job not in done]
        return own[-1] if own else None

    def version_of(self, pid: int) -> str | None:
        """The version that a worker said it runs when it came up."""
        said = [line.version for line in self._of("up") if line.pid == pid]
        return said[-1] if said else None

    @property
    def versions(self) -> list[str]:
        """The versions that did a job, in order of their first."""
        return list(dict.fromkeys(line.version for line in self._of("done")))

    @property
    def failures(self) -> list[str]:
        """What must not be, in words; empty where every job was done once and every TERM came once."""
        found = [f"{len(self.open)} jobs lost"] if self.open else []
        found += [f"{len(self.done_again)} jobs done more than once"] if self.done_again else []
        found += [f"{len(self.begun_again)} jobs begun more than once"] if self.begun_again else []
        twice = [pid for pid, number in self.terms.items() if number > 1]
        return found + ([f"{len(twice)} workers got TERM more than once"] if twice else [])
