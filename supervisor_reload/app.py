"""The composition root: the only module that knows every concrete class, and how long each lives.

It wires and unwires; it decides nothing.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator
from functools import partial
from typing import TextIO

from . import __version__, config
from .core.configuration import Configuration
from .core.coordinator import Coordinator
from .core.facts import (
    Fact,
    FileChanged,
    GitHeld,
    ListenerClosed,
    RevisionComputed,
    RevisionFailed,
    SeenBy,
)
from .core.filters import filters_of
from .core.model import LogFormat, Settings, TargetSettings
from .edges.clock import monotonic, wall
from .edges.commands import Checking, Commanding
from .edges.configuration import ConfigurationFiles
from .edges.drains import Drains
from .edges.drains.told import Told as ToldDrained
from .edges.listening import Listener
from .edges.notices import Notices
from .edges.observers import logs
from .edges.probes import Probes
from .edges.probes.told import Told as ToldReady
from .edges.processes import Exits
from .edges.sources import Sources
from .edges.supervisord import Supervisord
from .edges.watching import Watching
from .engine import Engine, Inbox
from .outside import Outside
from .resuming import resume, supervisor_of
from .surroundings import Eyes, Hands

log = logging.getLogger(__name__)


def listen(config_file: str | None, stdin: TextIO, protocol: TextIO) -> int:
    """Be the event listener until supervisord ends us. Returns the exit status.

    Raises ConfigErrors.
    """
    reading = config.read(config_file)
    known = reading.configuration
    log_to(sys.stderr, known.settings)
    for line in (line for warning in known.warnings for line in warning.splitlines()):
        log.warning("%s", line)
    inbox = Inbox()
    for number in (signal.SIGTERM, signal.SIGINT):
        reason = f"told to stop by {number.name}"
        signal.signal(number, lambda *_, reason=reason: inbox.put(ListenerClosed(reason=reason)))
    notices = Notices(slot for target in known.settings.targets for slot in target.slots)
    notices.start()
    Listener(stdin, protocol, inbox.put, notices.hear).start()
    with contextlib.closing(notices), _engine(known, inbox, notices) as engine:
        end = engine.run()
        for name, phase in engine.unfinished:
            log.warning("leaving in the middle: %s is %s; afterwards look whether it serves", name, phase)
    log.info("leaving: %s", end.reason)
    return 0 if end.is_expected else 1


@contextlib.contextmanager
def _engine(known: Configuration, inbox: Inbox, notices: Notices) -> Iterator[Engine]:
    """Everything that works while the engine runs; each part is closed, also when a later one failed."""
    settings = known.settings
    targets = settings.targets
    with contextlib.ExitStack() as stack:
        url = os.environ.get("SUPERVISOR_SERVER_URL", known.server_url)
        supervisor = stack.enter_context(
            contextlib.closing(Supervisord(url, settings.username, settings.password))
        )
        exits = stack.enter_context(contextlib.closing(Exits(inbox.put)))
        build = _Builder(inbox, notices)
        hands = stack.enter_context(contextlib.closing(build.hands(targets)))
        began = time.monotonic()
        eyes = stack.enter_context(contextlib.closing(build.eyes(targets)))
        names = ", ".join(target.name for target in targets)
        log.info(
            "supervisor_reload %s watches %s (armed in %.0f ms)",
            __version__,
            names,
            (time.monotonic() - began) * 1000,
        )
        files = ConfigurationFiles(known, lambda: config.read(settings.config_file).configuration, inbox.put)
        stack.enter_context(contextlib.closing(files))
        legacy = resume(settings.state_dir, supervisor_of(supervisor), inbox.put)
        stack.enter_context(contextlib.closing(legacy.journal))
        outside = Outside(
            supervisor=supervisor,
            sources=eyes.sources,
            watch=eyes.watch,
            checks=hands.checks,
            commands=hands.commands,
            probing=hands.probing,
            draining=hands.draining,
            exits=exits,
            observers=(logs.tell,),
            clock=monotonic,
            journal=legacy.journal,
            wall=wall,
        )
        core = Coordinator(targets, known, legacy.past, monotonic())
        engine = Engine(core, inbox, outside, build, legacy.kept)
        stack.callback(engine.close)
        files.start()
        yield engine


class _Builder:
    """The port ``Build``."""

    def __init__(self, inbox: Inbox, notices: Notices) -> None:
        self._inbox, self._notices = inbox, notices

    def eyes(self, targets: tuple[TargetSettings, ...], by: TargetSettings | None = None) -> Eyes:
        filters = filters_of(targets)
        put = self._inbox.put if by is None else partial(self._put_seen, by)
        with contextlib.ExitStack() as stack:
            sources = Sources(targets, put, filters)
            stack.callback(sources.close)
            watching = Watching(targets, put, filters)
            stack.callback(watching.close)
            watching.start()
            stack.pop_all()
        return Eyes(sources=sources, watch=watching)

    def _put_seen(self, by: TargetSettings, fact: Fact) -> None:
        if isinstance(fact, FileChanged | GitHeld | RevisionComputed | RevisionFailed):
            self._inbox.put(SeenBy(settings=by, fact=fact))

    def hands(self, targets: tuple[TargetSettings, ...]) -> Hands:
        put = self._inbox.put
        slots = [slot for target in targets for slot in target.slots]
        ready = ToldReady(self._notices)
        return Hands(
            checks=Checking(targets, put),
            commands=Commanding(targets, put),
            probing=Probes(slots, put, {"notify": ready, "message": ready}),
            draining=Drains(slots, put, {"message": ToldDrained(self._notices)}),
        )

    def settle(self, settings: Settings) -> None:
        log_to(sys.stderr, settings)
        self._notices.listen_for(slot for target in settings.targets for slot in target.slots)


def log_to(stream: TextIO, settings: Settings) -> None:
    """Send our log, and nobody else's below WARNING, to a stream."""
    handler = logging.StreamHandler(stream)
    if settings.log_format is LogFormat.JSON:
        handler.setFormatter(logs.JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("supervisor_reload").setLevel(settings.log_level.upper())
    logging.captureWarnings(capture=True)
