"""A real journal with given records, as a listener leaves it, and what is shown of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from supervisor_reload import cli
from supervisor_reload.core.model import Record
from supervisor_reload.edges.claims import Claims
from supervisor_reload.edges.journal import Journal
from supervisor_reload.edges.machine import boot_id

from .place import HEAD, LISTENER, PLAIN, RELOAD, Place
from .supervisord import Boot
from .world import World, settled, web

SUPERVISOR = "1 2"

TIME = re.compile(r"(?:\d+ days?, )?\d+:\d\d:\d\d")


def records_of(boot: Boot | None = None) -> dict[str, Record]:
    """What the journal of a swap with one save holds in the end; ``boot`` is how the new code behaves."""
    world = settled(World(web(2, failure_limit=1)))
    world.save("r1", boot=boot)
    world.advance(20)
    return world.journal.found()


class Written:
    """A directory with a configuration, and the state beside its socket."""

    def __init__(self, place: Place, capsys: pytest.CaptureFixture[str]) -> None:
        self._place, self._capsys = place, capsys
        self.state = place.directory / "run" / "supervisor_reload-supervisor"
        self.conf = place.write(HEAD + LISTENER + PLAIN + RELOAD)

    def write(self, records: Mapping[str, Record], *, boot: str | None = None) -> None:
        """These records are in the journal, and nobody works."""
        journal = Journal(
            str(self.state),
            lambda fact: pytest.fail(f"{fact}"),
            boot=boot_id() if boot is None else boot,
            supervisor=SUPERVISOR,
        )
        journal.open()
        journal.write(records)
        journal.close()

    @contextmanager
    def listener(self, records: Mapping[str, Record]) -> Iterator[None]:
        """A listener works that wrote these."""
        claims = Claims(str(self.state), SUPERVISOR, limit=0)
        try:
            self.write(records)
            yield
        finally:
            claims.close()

    def run(self, *words: str) -> tuple[int, str, str]:
        """The exit status, stdout and stderr of ``supervisor-reload -c CONF ...``."""
        code = cli.main(["-c", str(self.conf), *words])
        told = self._capsys.readouterr()
        here = str(self._place.directory)
        return code, told.out.replace(here, "HERE"), told.err.replace(here, "HERE")

    def lines(self, *words: str) -> tuple[int, list[str]]:
        """The exit status, and the lines of stdout, in which every time is TIME; nothing else was said."""
        code, out, err = self.run(*words)
        assert err == ""
        return code, TIME.sub("TIME", out).splitlines()

    def json(self, *words: str) -> tuple[int, Any]:
        """The same with ``--json``, read."""
        code, out, err = self.run(*words, "--json")
        assert err == ""
        return code, json.loads(out)
