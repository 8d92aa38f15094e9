"""Everything that the checks look at, gathered once: the configuration, what supervisord says, the
listener's state.

It asks supervisord questions only, and opens files for reading only. What can't be learnt is told as
missing.
"""

from __future__ import annotations

import contextlib
import os
import pwd
from dataclasses import dataclass, field
from pathlib import Path

from .. import config
from ..config.findings import Findings
from ..config.ownlistener import own_listeners
from ..config.programs import ProgramProcess
from ..config.supervisorconf import SupervisorConf, read_supervisorconf
from ..config.users import user_of
from ..core.configfacts import GroupsCompared
from ..core.errors import ConfigError, ConfigErrors, SupervisorFault, SupervisorUnavailable
from ..core.model import Process, TargetSettings
from ..edges.journal import Found, read
from ..edges.lockfile import owner
from ..edges.supervisord import Supervisord
from ..showing.place import Place, is_supervisord_gone, place_of

ROOT = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a running supervisord says of itself."""

    version: str
    pid: int
    processes: tuple[Process, ...]
    compared: GroupsCompared | None
    """the files against what runs; None where it can't read them"""
    unread: str = ""
    """why it can't"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """One system, at one moment."""

    main: str
    conf: SupervisorConf
    errors: tuple[ConfigError, ...] = ()
    warnings: tuple[ConfigError, ...] = ()
    targets: tuple[TargetSettings, ...] = ()
    """none where there are errors"""
    place: Place | None = None
    """None where it can't be told"""
    told: Told | None = None
    """None where supervisord does not answer"""
    silence: str = ""
    """why it does not"""
    listener: int | None = None
    """the pid of the listener that works; 0 where that can't be told"""
    listener_problem: str = ""
    """why it can't be told whether one works"""
    journal: Found = field(default_factory=Found)

    @property
    def listeners(self) -> tuple[ProgramProcess, ...]:
        """Our listener, as it is configured."""
        return own_listeners(self.conf)

    @property
    def listener_uid(self) -> int:
        """As whom it runs, or would: the kernel's word, the configuration's, supervisord's, last ours."""
        if self.listener:
            with contextlib.suppress(OSError):
                return Path("/proc", str(self.listener)).stat().st_uid
        for listener in self.listeners:
            configured = user_of(listener, self.conf)
            if configured is not None:
                return configured
        if self.told is not None:
            with contextlib.suppress(OSError):
                return Path("/proc", str(self.told.pid)).stat().st_uid
        with contextlib.suppress(OSError):
            return Path(self.conf.pidfile).stat().st_uid  # supervisord writes it as itself
        return os.geteuid()

    def processes_of(self, target: TargetSettings) -> list[ProgramProcess]:
        """The processes of a target, as they are configured."""
        names = {slot.name for slot in target.slots}
        return [process for process in self.conf.processes if process.name in names]


def patient_of(config_file: str | None) -> Patient:
    """Gather it. Raises ConfigErrors where there is no configuration that can be read at all."""
    main = config.find(config_file)
    conf = read_supervisorconf(main, Findings())
    errors: tuple[ConfigError, ...] = ()
    warnings: tuple[ConfigError, ...] = ()
    targets: tuple[TargetSettings, ...] = ()
    try:
        reading = config.read(main)
        warnings, targets = reading.warnings, reading.settings.targets
    except ConfigErrors as wrong:
        errors = wrong.errors
    place: Place | None = None
    with contextlib.suppress(ConfigErrors):
        place = place_of(main)
    told, silence = _ask(place)
    listener, problem = _listener(place)
    return Patient(
        main=main,
        conf=conf,
        errors=errors,
        warnings=warnings,
        targets=targets,
        place=place,
        told=told,
        silence=silence,
        listener=listener,
        listener_problem=problem,
        journal=read(place.directory) if place else Found(),
    )


class _Asked(Supervisord):
    """supervisord, asked for what only the doctor wants to know."""

    def told(self) -> Told:
        """Raises SupervisorUnavailable, SupervisorFault.

        To compare its files with what runs, supervisord reads them again, as for ``supervisorctl reread``:
        that changes nothing of what runs, and our listener has it done after every change of them.
        """
        compared: GroupsCompared | None = None
        unread = ""
        try:
            compared = self.reread()
        except SupervisorFault as why:
            unread = str(why)
        return Told(
            version=self._call(lambda rpc: str(rpc.getSupervisorVersion())),
            pid=self._call(lambda rpc: int(rpc.getPID())),
            processes=self.processes(),
            compared=compared,
            unread=unread,
        )


def _ask(place: Place | None) -> tuple[Told | None, str]:
    if place is None or not place.serverurl:
        return None, "the configuration names no server of supervisord's, so it can't be asked"
    asked = _Asked(place.serverurl, place.username, place.password)
    with contextlib.closing(asked):
        try:
            return asked.told(), ""
        except (SupervisorUnavailable, SupervisorFault) as why:
            if is_supervisord_gone(place):
                return None, f"it does not run. supervisord -c {place.config_file}"
            return None, str(why)


def _listener(place: Place | None) -> tuple[int | None, str]:
    if place is None:
        return None, "it can't be told where its state is"
    try:
        return owner(place.directory), ""
    except OSError as why:
        return None, f"the lock in {place.directory} can't be read: {why.strerror}"


def name_of(uid: int) -> str:
    """A user's name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
