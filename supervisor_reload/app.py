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
from typing import TextIO

from . import __version__, config
from .core.coordinator import Coordinator
from .core.facts import ListenerClosed
from .core.filters import filters_of
from .core.model import LogFormat, Settings
from .edges.clock import monotonic
from .edges.commands import Checking, Commanding
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

log = logging.getLogger(__name__)


def listen(config_file: str | None, stdin: TextIO, protocol: TextIO) -> int:
    """Be the event listener until supervisord ends us. Returns the exit status.

    Raises ConfigErrors.
    """
    reading = config.read(config_file)
    settings = reading.settings
    log_to(sys.stderr, settings)
    for line in (line for warning in reading.warnings for line in str(warning).splitlines()):
        log.warning("%s", line)
    inbox = Inbox()
    for number in (signal.SIGTERM, signal.SIGINT):
        reason = f"told to stop by {number.name}"
        signal.signal(number, lambda *_, reason=reason: inbox.put(ListenerClosed(reason=reason)))
    notices = Notices(slot for target in settings.targets for slot in target.slots)
    notices.start()
    Listener(stdin, protocol, inbox.put, notices.hear).start()
    url = os.environ.get("SUPERVISOR_SERVER_URL", reading.server_url)
    with contextlib.closing(notices), _engine(settings, url, inbox, notices) as engine:
        end = engine.run()
        for name, phase in engine.unfinished:
            log.warning("leaving in the middle: %s is %s; afterwards look whether it serves", name, phase)
    log.info("leaving: %s", end.reason)
    return 0 if end.is_expected else 1


@contextlib.contextmanager
def _engine(settings: Settings, url: str, inbox: Inbox, notices: Notices) -> Iterator[Engine]:
    """Everything that works while the engine runs; each part is closed, also when a later one failed."""
    targets = settings.targets
    with contextlib.ExitStack() as stack:
        filters = filters_of(targets)
        supervisor = Supervisord(url, settings.username, settings.password)
        stack.callback(supervisor.close)
        sources = Sources(targets, inbox.put, filters)
        stack.callback(sources.close)
        watching = Watching(targets, inbox.put, filters)
        stack.callback(watching.close)
        checks = Checking(targets, inbox.put)
        stack.callback(checks.close)
        commands = Commanding(targets, inbox.put)
        stack.callback(commands.close)
        slots = [slot for target in targets for slot in target.slots]
        ready = ToldReady(notices)
        probing = Probes(slots, inbox.put, {"notify": ready, "message": ready})
        stack.callback(probing.close)
        draining = Drains(slots, inbox.put, {"message": ToldDrained(notices)})
        stack.callback(draining.close)
        exits = Exits(inbox.put)
        stack.callback(exits.close)
        began = time.monotonic()
        watching.start()
        names = ", ".join(target.name for target in targets)
        log.info(
            "supervisor_reload %s watches %s (armed in %.0f ms)",
            __version__,
            names,
            (time.monotonic() - began) * 1000,
        )
        outside = Outside(
            supervisor=supervisor,
            sources=sources,
            watch=watching,
            checks=checks,
            commands=commands,
            probing=probing,
            draining=draining,
            exits=exits,
            observers=(logs.tell,),
            clock=monotonic,
        )
        yield Engine(Coordinator(targets), inbox, outside)


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
