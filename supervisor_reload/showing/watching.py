"""``status --watch``: looks again and again, and shows what changed, until somebody has seen enough.

Level, not events: each look stands for itself, so a listener that goes and comes back, or a journal that
vanishes, is only another view. It changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from ..edges.clock import monotonic
from .credentials import Server
from .ending import ending, stopped_between
from .glance import Glance, Glances
from .lines import page
from .looking import Look, looking
from .page import FORMAT, is_terminal, say
from .place import UNKNOWN, Unknown
from .reading import Reading
from .screens import Blocks, Objects, Screen, Terminal, View

INTERVAL = 0.2
"""Seconds between two looks at the files of this machine: a stat, and a lock that is tried."""

INTERVAL_AFAR = 1.0
"""Seconds between two questions to a supervisord, which hands the whole journal out."""

REFRESH = 1.0
"""Seconds after which clocks and connections are looked at again, though the journal did not change."""


def watch_status(
    config_file: str | None,
    names: Sequence[str],
    stream: TextIO,
    errors: TextIO,
    *,
    server: Server | None = None,
    as_json: bool = False,
) -> int:
    """Show how these targets stand (all without any), again whenever that changes, until Ctrl-C or SIGTERM.

    Returns the exit status of the last view. Raises ConfigErrors, and Unknown where there is nothing to tell
    from the beginning.
    """
    look = looking(config_file, server)
    glances = Glances(names)
    first = glances.at(look())
    for line in first.refused:
        say(errors, line)
    if first.refused:
        return UNKNOWN
    views = Views(look, glances)
    with ending(stream) as end, _shown_on(stream, views, as_json=as_json) as screen:
        screen.show(views.next())
        while not end.within(INTERVAL if server is None else INTERVAL_AFAR):
            screen.show(views.next())
    return views.last.code


@contextmanager
def _shown_on(stream: TextIO, views: Views, *, as_json: bool) -> Iterator[Screen]:
    """The screen for this stream, which is left with the last view on it, whatever happens."""
    if as_json or not is_terminal(stream):
        screen = Objects(stream) if as_json else Blocks(stream)
        try:
            yield screen
        finally:
            screen.close(views.last)
        return
    terminal = Terminal(stream)
    try:
        with stopped_between(terminal.leave, terminal.enter):
            yield terminal
    finally:
        terminal.close(views.last)


class Views:
    """One view after the other; none of them is made twice."""

    def __init__(self, look: Look, glances: Glances, clock: Callable[[], float] = monotonic) -> None:
        self._look, self._glances, self._clock = look, glances, clock
        self._reading: Reading | None = None
        self._due = 0.0
        self.last = View(lines=(), told={}, code=UNKNOWN)
        self._known: Sequence[str] = ()
        """the lines of the last view that could be made"""

    def next(self) -> View:
        """How things stand now; where nothing can be told, that, and what was known last."""
        try:
            reading = self._look()
        except Unknown as error:
            self._reading = None
            self.last = self._lost(str(error), error.code)
            return self.last
        if not self._is_known(reading):
            self._reading, self._due = reading, self._clock() + REFRESH
            self.last = _view(self._glances.at(reading))
            self._known = self.last.lines
        return self.last

    def _is_known(self, reading: Reading) -> bool:
        was = self._reading
        return (
            was is not None
            and was.records is reading.records
            and (was.listener, was.is_current, was.damage)
            == (reading.listener, reading.is_current, reading.damage)
            and self._clock() < self._due
        )

    def _lost(self, why: str, code: int) -> View:
        lines = [f"Error: {line}" for line in why.splitlines()]
        if self._known:
            lines += ["what was known last:", *self._known]
        return View(lines=lines, told={"format": FORMAT, "error": why}, code=code)


def _view(glance: Glance) -> View:
    lines = (*glance.refused, *page(glance, is_live=True))
    return View(lines=lines, told=glance.told(), code=glance.code)
