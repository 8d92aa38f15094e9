"""A Sources on real files with its answers, one at a time."""

from __future__ import annotations

import queue
from collections.abc import Callable
from pathlib import Path

from supervisor_reload.core.facts import GitHeld, RevisionComputed
from supervisor_reload.core.filters import Filter
from supervisor_reload.core.model import ReactionSettings, TargetSettings, WatchSettings
from supervisor_reload.edges.sources import Sources

LIMIT = 10.0


class Reader:
    """A Sources with its answers, one at a time."""

    def __init__(
        self,
        *paths: Path,
        reactions: ReactionSettings | None = None,
        make_filter: Callable[[WatchSettings], Filter] = Filter,
        **settings,
    ) -> None:
        self.paths = paths
        self.facts: queue.SimpleQueue = queue.SimpleQueue()
        watch = WatchSettings(paths=tuple(map(str, paths)), **settings)
        target = TargetSettings(name="web", slots=(), watch=watch, reactions=reactions or ReactionSettings())
        filters = {"web": tuple(make_filter(watch) for _ in paths)}
        self.sources = Sources([target], self.facts.put, filters)

    def order(self, *hints: Path | str, final: bool = True) -> None:
        """Ask and go on; ``answer`` brings what comes of it."""
        self.sources.compute("web", tuple(map(str, hints)), full=not hints, final=final)

    def answer(self):
        return self.facts.get(timeout=LIMIT)

    def look(self, *hints: Path | str, final: bool = True) -> RevisionComputed:
        fact = self.ask(*hints, final=final)
        assert isinstance(fact, RevisionComputed), fact
        return fact

    def ask(self, *hints: Path | str, final: bool = True):
        self.order(*hints, final=final)
        return self.answer()

    def git(self) -> bool:
        return self.git_sign() != ""

    def git_sign(self) -> str:
        """By what git is seen to be at work; empty where it is not."""
        self.sources.ask_git("web")
        fact = self.answer()
        assert isinstance(fact, GitHeld)
        return fact.sign if fact.held else ""
