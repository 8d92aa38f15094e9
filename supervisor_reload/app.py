"""The composition root: the only module that knows every concrete class, and how long each lives.

It wires and unwires; it decides nothing.
"""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import TextIO

from . import __version__, config
from .core.configuration import Configuration
from .core.coordinator import Coordinator
from .core.errors import ConfigError, ConfigErrors, ReloadError
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
from .core.model import LogFormat, Settings, SlotName, TargetSettings
from .core.publication import publication
from .core.recall import marks
from .core.secrets import Redaction, secrets_of
from .core.standing import standing
from .edges.ancestry import supervisords_pid
from .edges.claims import Claimed, Claims
from .edges.clock import monotonic, wall
from .edges.commands import Checking, Commanding
from .edges.configuration import ConfigurationFiles
from .edges.drains import Drains
from .edges.drains.told import Told as ToldDrained
from .edges.holders import Holders
from .edges.journal import JournalError, prepare
from .edges.leaving import leave
from .edges.listening import Listener
from .edges.metrics import Metering, versions
from .edges.notices import Notices
from .edges.observers import logs
from .edges.probes import Probes
from .edges.probes.told import Told as ToldReady
from .edges.processes import Exits, born
from .edges.sources import Sources
from .edges.supervisord import Supervisord
from .edges.telling import Documents, Preparing, Telling
from .edges.watching import Watching
from .engine import Engine, Inbox
from .outside import Outside
from .resuming import Legacy, resume
from .surroundings import Eyes, Hands

log = logging.getLogger(__name__)

REFUSED = 2
"""Exit status of a listener that is not the first: as for a configuration that can't be used."""


def listen(config_file: str | None, stdin: TextIO, protocol: TextIO) -> int:
    """Be the event listener until supervisord ends us. Returns the exit status.

    Raises ConfigErrors.
    """
    reading = config.read(config_file)
    known = reading.configuration
    log_to(sys.stderr, known.settings)
    for line in (line for warning in known.warnings for line in warning.splitlines()):
        log.warning("%s", line)
    supervisor = supervisords_pid()
    identity = f"{supervisor} {born(supervisor)}"
    try:
        claims = _claim(known.settings, identity)
    except (Claimed, JournalError) as refusal:
        log.error("%s", refusal)
        leave(stdin.fileno())
        return REFUSED
    with contextlib.closing(claims):
        try:
            code = _work(known, identity, claims, stdin, protocol)
        except ReloadError:
            raise
        except Exception:  # through the log, which hides secrets; supervisord starts us again
            log.exception("a defect of ours ended the listener; please report it")
            return 1
    return code if code >= 0 else _end_by(signal.Signals(-code))


def _end_by(number: signal.Signals) -> int:
    """End by the signal that told us to: supervisord starts us again, unless the signal was its own."""
    sys.stderr.flush()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    return 128 + number  # it is blocked


def _claim(settings: Settings, identity: str) -> Claims:
    """Be the only listener here: for this state directory, and for each process.

    Raises Claimed, and JournalError for a directory in which no file may be made: it is not ours.
    """
    with contextlib.suppress(OSError):  # a full disk is the journal's business
        prepare(settings.state_dir)
    claims = Claims(settings.state_dir, identity)
    try:
        claims.take(_slots(settings))
    except Claimed:
        claims.close()
        raise
    return claims


def _slots(settings: Settings) -> list[SlotName]:
    return [slot.name for target in settings.targets for slot in target.slots]


def _work(known: Configuration, identity: str, claims: Claims, stdin: TextIO, protocol: TextIO) -> int:
    inbox = Inbox()
    legacy = resume(known.settings.state_dir, identity, inbox.put)
    signals: dict[ListenerClosed, signal.Signals] = {}
    for number in (signal.SIGTERM, signal.SIGINT):
        end = ListenerClosed(reason=f"told to stop by {number.name}", is_expected=False)
        signals[end] = number
        signal.signal(number, lambda *_, end=end: inbox.put(end))
    notices = Notices(slot for target in known.settings.targets for slot in target.slots)
    notices.start()
    Listener(stdin, protocol, inbox.put, notices.hear).start()
    build = _Builder(inbox, notices, claims, known.settings)
    with (
        contextlib.closing(notices),
        contextlib.closing(legacy.journal),
        _engine(known, build, legacy) as engine,
    ):
        end = engine.run()
        for name, phase in engine.unfinished:
            log.info("leaving in the middle: %s is %s; the next listener goes on", name, phase)
    log.info("leaving: %s", end.reason)
    return -signals[end] if end in signals else int(not end.is_expected)


@contextlib.contextmanager
def _engine(known: Configuration, build: _Builder, legacy: Legacy) -> Iterator[Engine]:
    """Everything that works while the engine runs; each part is closed, also when a later one failed."""
    settings, inbox = known.settings, build.inbox
    targets = settings.targets
    with contextlib.ExitStack() as stack:
        url = os.environ.get("SUPERVISOR_SERVER_URL", known.server_url)
        supervisor = stack.enter_context(
            contextlib.closing(Supervisord(url, settings.username, settings.password))
        )
        stack.enter_context(contextlib.closing(build.telling))
        metering = stack.enter_context(contextlib.closing(build.metering))
        metering.recall(legacy.past.records)
        exits = stack.enter_context(contextlib.closing(Exits(inbox.put)))
        hands = stack.enter_context(contextlib.closing(build.hands(targets)))
        began = time.monotonic()
        known_files = marks(legacy.past, targets)
        eyes = stack.enter_context(contextlib.closing(build.eyes(targets, known=known_files)))
        names = ", ".join(target.name for target in targets)
        log.info(
            "supervisor_reload %s watches %s (armed in %.0f ms)",
            __version__,
            names,
            (time.monotonic() - began) * 1000,
        )
        files = ConfigurationFiles(known, partial(build.read_again, settings.config_file), inbox.put)
        stack.enter_context(contextlib.closing(files))
        core = Coordinator(targets, known, legacy.past, monotonic())
        outside = Outside(
            supervisor=supervisor,
            sources=eyes.sources,
            watch=eyes.watch,
            checks=hands.checks,
            commands=hands.commands,
            hooks=hands.hooks,
            probing=hands.probing,
            draining=hands.draining,
            exits=exits,
            observers=(logs.tell, build.telling, metering.tell),
            clock=monotonic,
            in_the_way=Holders(supervisords_pid()).told,
            journal=metering.following(legacy.journal, partial(standing, core)),
            tick=build.tick,
            wall=wall,
            hide=build.hide,
        )
        engine = Engine(core, inbox, outside, build, legacy.kept)
        stack.callback(engine.close)
        build.publish(settings)
        files.start()
        yield engine


class _Builder:
    """The port ``Build``."""

    def __init__(self, inbox: Inbox, notices: Notices, claims: Claims, settings: Settings) -> None:
        self.inbox, self._notices, self._claims = inbox, notices, claims
        self._state_dir = settings.state_dir
        self._redact = _redaction(settings)
        self.metering = Metering(monotonic, wall, versions(__version__))
        documents = Documents(host=platform.node(), hide=self.hide)
        self.telling = Telling(settings.targets, documents, settings.state_dir)

    def hide(self, text: str) -> str:
        """The text without the secrets of the settings that hold now."""
        return self._redact(text)

    def publish(self, settings: Settings) -> None:
        """Publish our numbers where the settings say so."""
        self.metering.publish(map(publication, settings.metrics))

    def read_again(self, config_file: str) -> Configuration:
        """The configuration as it is now. Raises ConfigErrors."""
        read = config.read(config_file).configuration
        try:
            self._claims.take(_slots(read.settings))
        except Claimed as refusal:
            raise ConfigErrors((ConfigError(config_file, "", "", str(refusal)),)) from None
        return read

    def tick(self) -> None:
        """See that others find us by the lock in our directory, unless that is no longer ours."""
        with contextlib.suppress(OSError, JournalError):  # of which the journal tells
            prepare(self._state_dir)
            self._claims.tick()
        self.telling.tick()

    def eyes(
        self,
        targets: tuple[TargetSettings, ...],
        by: TargetSettings | None = None,
        known: Mapping[str, str] = MappingProxyType({}),
    ) -> Eyes:
        """``known``: by target, the reading of which the journal knows; none where settings changed."""
        filters = filters_of(targets)
        put = self.metering.heard(self.inbox.put if by is None else partial(self._put_seen, by))
        with contextlib.ExitStack() as stack:
            sources = Sources(targets, put, filters, self._state_dir, known)
            stack.callback(sources.close)
            watching = Watching(targets, put, filters, linked=sources.linked)
            stack.callback(watching.close)
            watching.start()
            stack.pop_all()
        return Eyes(sources=sources, watch=watching)

    def _put_seen(self, by: TargetSettings, fact: Fact) -> None:
        if isinstance(fact, FileChanged | GitHeld | RevisionComputed | RevisionFailed):
            self.inbox.put(SeenBy(settings=by, fact=fact))

    def hands(self, targets: tuple[TargetSettings, ...]) -> Hands:
        put = self.metering.heard(self.inbox.put)
        slots = [slot for target in targets for slot in target.slots]
        ready = ToldReady(self._notices)
        hooks = Preparing(targets, put, self.telling.documents, self._state_dir)
        return Hands(
            checks=self.metering.heard_checks(Checking(targets, put, self._state_dir)),
            commands=self.metering.heard_commands(Commanding(targets, put, self._state_dir)),
            hooks=self.metering.heard_hooks(hooks),
            probing=Probes(slots, put, {"notify": ready, "message": ready}),
            draining=Drains(slots, put, {"message": ToldDrained(self._notices)}),
        )

    def settle(self, settings: Settings) -> None:
        log_to(sys.stderr, settings)
        self._redact = _redaction(settings)
        self.publish(settings)
        self._claims.keep(_slots(settings))
        self.telling.settle(settings.targets)
        self._notices.listen_for(slot for target in settings.targets for slot in target.slots)


def _redaction(settings: Settings) -> Redaction:
    return Redaction(secrets_of(settings, os.environ))


def log_to(stream: TextIO, settings: Settings) -> None:
    """Send our log, and nobody else's below WARNING, to a stream."""
    handler = logging.StreamHandler(stream)
    is_json = settings.log_format is LogFormat.JSON
    redact = _redaction(settings)
    handler.setFormatter(logs.JsonFormatter(redact) if is_json else logs.TextFormatter(redact))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("supervisor_reload").setLevel(settings.log_level.upper())
    logging.captureWarnings(capture=True)
