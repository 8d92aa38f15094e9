"""Sources that remember, one life after the other on the same files."""

from __future__ import annotations

import os
import queue
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from supervisor_reload.core.facts import RevisionComputed
from supervisor_reload.core.model import ReactionSettings, TargetSettings, WatchSettings
from supervisor_reload.core.ports import Put
from supervisor_reload.edges.sources import Sources
from supervisor_reload.edges.sources.remembered import file_name
from tests.fakes.reader import Reader


class Life(Reader):
    """One life of a listener's Sources, which remembers; ``mark`` is what its journal holds in the end."""

    def __init__(
        self,
        state: Path,
        *paths: Path,
        known: str = "",
        name: str = "web",
        reactions: ReactionSettings | None = None,
        put: Put | None = None,
        **settings,
    ) -> None:
        """``put`` takes the facts in place of ``answer``."""
        self.facts = queue.SimpleQueue()
        self._is_answering = put is None
        watch = WatchSettings(paths=tuple(map(str, paths)), **settings)
        target = TargetSettings(name=name, slots=(), watch=watch, reactions=reactions or ReactionSettings())
        self.state, self.name, self.mark = state, name, known
        marks = {name: known} if known else {}
        self.sources = Sources([target], put or self.facts.put, directory=str(state), known=marks)

    def order(self, *hints: Path | str, final: bool = True) -> None:
        self.sources.compute(self.name, tuple(map(str, hints)), full=not hints, final=final)

    def look(self, *hints: Path | str, final: bool = True) -> RevisionComputed:
        fact = super().look(*hints, final=final)
        self.mark = fact.mark or self.mark
        return fact

    @property
    def file(self) -> Path:
        return self.state / file_name(self.name)

    def settle(self) -> None:
        """Until all is written: an answer comes before that, and the worker does one after the other."""
        if self._is_answering:
            self.sources.ask_git(self.name)
            self.answer()


@contextmanager
def life(state: Path, *paths: Path, known: str = "", **more) -> Iterator[Life]:
    """A life that ends as suddenly as a kill, but for the thread."""
    one = Life(state, *paths, known=known, **more)
    try:
        yield one
        one.settle()
    finally:
        one.sources.close()


def live(state: Path, *paths: Path, known: str = "", **more) -> tuple[RevisionComputed, str]:
    """A life of one reading; what it told, and the mark."""
    with life(state, *paths, known=known, **more) as one:
        return one.look(), one.mark


def names(fact: RevisionComputed, app: Path) -> set[str]:
    return {os.path.relpath(path, app) for path in fact.changed}
