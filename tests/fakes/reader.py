"""A Sources on real files with its answers, one at a time."""

from __future__ import annotations

import queue
from pathlib import Path

from supervisor_reload.core.facts import GitHeld, RevisionComputed
from supervisor_reload.core.model import TargetSettings, WatchSettings
from supervisor_reload.edges.sources import Sources

LIMIT = 10.0


class Reader:
    """A Sources with its answers, one at a time."""

    def __init__(self, *paths: Path, **settings) -> None:
        self.paths = paths
        self.facts: queue.SimpleQueue = queue.SimpleQueue()
        watch = WatchSettings(paths=tuple(map(str, paths)), **settings)
        self.sources = Sources([TargetSettings(name="web", slots=(), watch=watch)], self.facts.put)

    def look(self, *hints: Path | str, final: bool = True) -> RevisionComputed:
        fact = self.ask(*hints, final=final)
        assert isinstance(fact, RevisionComputed), fact
        return fact

    def ask(self, *hints: Path | str, final: bool = True):
        self.sources.compute("web", tuple(map(str, hints)), full=not hints, final=final)
        return self.facts.get(timeout=LIMIT)

    def git(self) -> bool:
        self.sources.ask_git("web")
        fact = self.facts.get(timeout=LIMIT)
        assert isinstance(fact, GitHeld)
        return fact.held
