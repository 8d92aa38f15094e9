"""Which directory the configuration names for our state, and why it can't be read, in words.

It judges no other part of the configuration: in the middle of an edit, too, an operator must be able to ask.
It changes and makes nothing.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..config.find import find
from ..config.findings import Findings
from ..config.ownlistener import own_listeners
from ..config.sections import COMMON, OwnSection
from ..config.state import credentials, server_of, state_dir
from ..config.supervisorconf import read_supervisorconf
from ..core.errors import ConfigError, ConfigErrors, ReloadError
from ..edges.journal.place import JOURNAL
from ..edges.lockfile import owner
from ..edges.observers.logs import escaped

UNKNOWN = 4
"""Exit status where nothing can be told, as ``supervisorctl status`` (LSBStatusExitStatuses.UNKNOWN)."""

KEY = "state_dir"

BESIDE = ("supervisord", "unix_http_server")
"""The sections that decide where the directory is when nobody wrote ``state_dir``."""


class Unknown(ReloadError):
    """There is nothing to tell; the text says why, and what to do."""

    code = UNKNOWN

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(map(escaped, lines)))  # they name paths


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the state of a listener is."""

    directory: str
    config_file: str
    listener: str
    """how supervisorctl names our listener; '' where the configuration has none"""
    serverurl: str = ""
    """where supervisord is reached; '' where it has no server"""
    username: str = ""
    password: str = field(default="", repr=False)
    pidfile: str = ""
    """supervisord's; '' where that depends on the directory in which it was started"""

    @property
    def journal(self) -> Path:
        """The file that tells."""
        return Path(self.directory, JOURNAL)


def place_of(config_file: str | None) -> Place:
    """What the configuration says of the place, whatever else is wrong with it.

    Raises ConfigErrors where it can't be told.
    """
    findings = Findings()
    conf = read_supervisorconf(find(config_file), findings)
    listeners = own_listeners(conf)
    common = OwnSection(conf, COMMON, findings)
    server = server_of(conf, listeners)
    directory = state_dir(conf, common, server)
    username, password = credentials(conf, server, Findings())
    errors = tuple(_concerning(findings.errors, is_written=common.is_set(KEY)))
    if errors:
        raise ConfigErrors(errors)
    name = listeners[0].group if listeners else ""
    return Place(
        directory=directory,
        config_file=conf.main,
        listener=name,
        serverurl=server.url if server else "",
        username=username,
        password=password,
        pidfile=conf.pidfile if conf.is_pidfile_fixed else "",
    )


def _concerning(errors: list[ConfigError], *, is_written: bool) -> Iterator[ConfigError]:
    """The errors for which the place may be another one."""
    for error in errors:
        if error.key == KEY or (not is_written and error.section in BESIDE):
            yield error


def is_supervisord_gone(place: Place) -> bool:
    """Whether supervisord is known not to run: nobody has the pid in its file, or it took the file along.

    A cleaner of temporary files may have been there, too, so that a file that is missing says nothing while
    our listener lives, whose parent is supervisord. Where it can't be told, it is not known to be gone.
    """
    if not place.pidfile:
        return False
    try:
        pid = int(Path(place.pidfile).read_bytes())
        if pid > 0:  # else it would be a group of processes
            os.kill(pid, 0)
    except FileNotFoundError:
        return _is_without_listener(place)
    except ProcessLookupError:
        return True
    except (OSError, ValueError, OverflowError):  # not ours to ask, or no pid
        return False
    return False


def _is_without_listener(place: Place) -> bool:
    try:
        return owner(place.directory) is None
    except OSError:
        return False


def see(place: Place) -> os.stat_result:
    """The journal's own entry. Raises Unknown where there is no journal, or we may not read it."""
    try:
        found = place.journal.stat()
        if os.access(place.journal, os.R_OK):
            return found
    except (FileNotFoundError, NotADirectoryError):
        raise Unknown(_missing(place)) from None
    except PermissionError:
        pass
    except OSError as error:
        raise Unknown(f"{place.journal} can't be read: {error.strerror}") from error
    raise Unknown(_forbidden(place))


def _missing(place: Place) -> str:
    name = place.listener or "reload"
    if place.listener and is_supervisord_gone(place):
        advice = f"supervisord does not run: supervisord -c {place.config_file}"
    elif place.listener:
        advice = f"is [eventlistener:{name}] running? supervisorctl -c {place.config_file} status {name}"
    else:
        advice = f"{place.config_file} has no listener of ours; is it the right file? -c names another"
    return f"no listener has written here yet: {place.directory} ({advice})"


def _forbidden(place: Place) -> str:
    us = _name(os.geteuid())
    for path in (place.journal, Path(place.directory)):
        try:
            owner = _name(path.stat().st_uid)
        except OSError:
            continue
        return f"{path} can be read by {owner} only, and you are {us}: use sudo"
    return f"{place.directory} can't be looked into by {us}: use sudo"


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
