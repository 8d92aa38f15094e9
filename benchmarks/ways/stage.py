"""A real supervisord with our listener and the program of the trials, seen through what they write down.

What counts as one rollout is read from the listener's log, what runs from the program's own words. It waits
for conditions, with limits, and never asks the listener anything.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.integration.scene import LISTENER
from tests.integration.supervisord import Supervisord, short_directory

from . import program
from .site import Site
from .way import Way

START_LIMIT = 30.0
"""seconds until everything runs and is watched"""
STEP = 0.02
"""seconds between two looks at the files"""
POLL_INTERVAL = 0.5
"""seconds, as configured; half of the default, so that the whole table takes less time"""
CALM = {"native": 1.2, "auto": 2.5, "polling": 1.8}
"""seconds without anything new after which a rollout counts as the last one: more than the quiet period, than
the listener's own second look at a tree that came to rest, and than three looks of polling"""

CONF = """
[program:web]
command=python -I -S %(here)s/program.py %(here)s/{watched} %(here)s/boots
startsecs=0
autorestart=true
{program}

[reload]
log_format=json

[reload:web]
watch=%(here)s/{watched}
observer={observer}
poll_interval={poll_interval}
{settings}
"""

ECHOED = "rollout echoed"
BEGUN, COMPLETE = "rollout began", "rollout complete"
ENDS = (COMPLETE, "rollout superseded", "rollout withdrawn", "rollout aborted", "rollout halted")


@dataclass(slots=True)
class Lines:
    """A file of JSON lines that grows; lines that are none are kept apart."""

    path: Path
    read: list[Mapping[str, Any]] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    _offset: int = 0

    def look(self) -> int:
        """Read what is new; the number of lines now."""
        if self.path.exists():
            with self.path.open("rb") as file:
                file.seek(self._offset)
                whole, end, _ = file.read().rpartition(b"\n")
            self._offset += len(whole + end)
            for line in whole.decode(errors="backslashreplace").splitlines():
                self._take(line)
        return len(self.read)

    def _take(self, line: str) -> None:
        try:
            self.read.append(json.loads(line))
        except ValueError:
            self.other.append(line)


class Stage:
    """One way's supervisord, and what happened there since a mark."""

    def __init__(self, site: Site, supervisord: Supervisord, calm: float) -> None:
        self.site = site
        self.supervisord = supervisord
        self.calm = calm
        self.log = Lines(site.directory / "reload.log")
        self.boots = Lines(site.directory / "boots")
        self._mark = (0, 0)

    def mark(self) -> None:
        """What follows belongs to the next try."""
        self._mark = (self.log.look(), self.boots.look())

    def events(self, name: str) -> list[Mapping[str, Any]]:
        """The log's events of this name since the mark."""
        return [line for line in self.log.read[self._mark[0] :] if line.get("event") == name]

    def booted(self) -> list[Mapping[str, Any]]:
        """What the processes that booted since the mark said."""
        return self.boots.read[self._mark[1] :]

    def content(self) -> str:
        """The digest of what is on disk now."""
        return program.digest(str(self.site.app))

    def serves(self) -> bool:
        """Whether the process that runs now booted from what is on disk now."""
        newest = self.boots.read[-1] if self.boots.read else None
        if newest is None or newest["digest"] != self.content():
            return False
        return bool(self.supervisord.process_pid("web:web") == newest["pid"])

    def becomes_calm(self, limit: float, *, must_serve: bool = True) -> bool:
        """Wait until the final content serves and nothing new came for a while; whether that came true."""
        deadline = time.monotonic() + limit
        seen, since = (-1, -1), time.monotonic()
        while time.monotonic() < deadline:
            now = (self.log.look(), self.boots.look())
            if now != seen:
                seen, since = now, time.monotonic()
            is_idle = time.monotonic() - since >= self.calm
            if is_idle and self._is_through() and (not must_serve or self.serves()):
                return True
            time.sleep(STEP)
        return False

    def _is_through(self) -> bool:
        events = [line.get("event") for line in self.log.read]
        return events.count(BEGUN) == sum(events.count(end) for end in ENDS)

    def troubles(self) -> list[str]:
        """What the listener complained of, or wrote that is no log line.

        Tries at one pace look like a program that writes its own code: that is no complaint.
        """
        worse = [
            str(line.get("message"))
            for line in self.log.read
            if line.get("level") in ("warning", "error", "critical") and line.get("event") != ECHOED
        ]
        return worse + [line for line in self.log.other if line.strip()]


@contextmanager
def staged(way: Way, observer: str) -> Iterator[Stage]:
    """The stage of one way, settled: the program runs, its tree is watched."""
    directory = short_directory().resolve()
    site = Site(directory, way.watched)
    chosen = way.observer if observer == "native" else observer
    text = LISTENER + CONF.format(
        watched=way.watched,
        program=way.program,
        observer=chosen,
        poll_interval=POLL_INTERVAL,
        settings=way.settings,
    )
    try:
        shutil.copy(program.__file__, directory / "program.py")
        way.lay(site)
        with Supervisord(directory, text) as supervisord:
            stage = Stage(site, supervisord, CALM[chosen])
            supervisord.wait_for(lambda: _is_watching(stage), START_LIMIT, "the tree is watched")
            yield stage
    finally:
        if way.clear is not None:
            way.clear(site)
        shutil.rmtree(directory, ignore_errors=True)


def _is_watching(stage: Stage) -> bool:
    stage.log.look()
    stage.boots.look()
    return bool(stage.boots.read) and any(
        "watches web" in str(line.get("message")) for line in stage.log.read
    )
