"""Whether the listener's user may do what the listener must: read the code, use the socket, keep its state.

It judges by the kernel's mode bits, for a user who is mostly not the one who asks; access control lists
beyond them are not looked at.
"""

# Path raises where we may not look; os.path answers no.
# ruff: noqa: PTH110, PTH112

from __future__ import annotations

import os
import pwd
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..core.filters import Filter
from ..core.model import TargetSettings
from .finding import Finding, error, ok, warning
from .patient import ROOT, Patient, name_of

LIMIT = 2.0
"""Seconds for a look at all watched trees"""

SHOWN = 3
"""Paths that are named"""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody, as the kernel judges him."""

    uid: int
    groups: frozenset[int]

    def may(self, found: os.stat_result, bits: int) -> bool:
        """Whether he may do something (4 read, 2 write, 1 execute or enter; inode(7))."""
        if self.uid == ROOT:
            return True
        if found.st_uid == self.uid:
            return (found.st_mode >> 6) & bits == bits
        if found.st_gid in self.groups:
            return (found.st_mode >> 3) & bits == bits
        return found.st_mode & bits == bits


def user(uid: int) -> User:
    """With all groups of his."""
    try:
        entry = pwd.getpwuid(uid)
        groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
    except (KeyError, OSError):
        groups = os.getgroups() if uid == os.geteuid() else []
    return User(uid, frozenset(groups))


def state(patient: Patient) -> Iterator[Finding]:
    """The directory of the journal: there, the listener's, and nobody else's to write."""
    if patient.place is None:
        yield error("state_dir", "it can't be told where it is: the configuration has errors")
        return
    path, uid = Path(patient.place.directory), patient.listener_uid
    who = name_of(uid)
    try:
        found = path.stat()
    except FileNotFoundError:
        yield from _missing(path, user(uid), who)
        return
    except OSError as why:
        yield warning("state_dir", f"{path} can't be looked at: {why.strerror}", "use sudo")
        return
    if found.st_uid != uid:
        yield error(
            "state_dir",
            f"{path} belongs to {name_of(found.st_uid)}, and the listener runs as {who}: it will not begin",
            f"chown -R {who} {path}",
        )
    elif found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        yield warning("state_dir", f"{path} can be written by others", f"chmod go-w {path}")
    else:
        yield ok("state_dir", f"{path} is {who}'s")


def _missing(path: Path, who: User, name: str) -> Iterator[Finding]:
    above = next((each for each in path.parents if os.path.exists(each)), Path("/"))
    if who.may(above.stat(), 0b011):
        yield ok("state_dir", f"{path} will be made by the listener")
    else:
        yield error(
            "state_dir",
            f"{path} does not exist, and the listener, as {name}, can't make it in {above}",
            f"install -d -m 700 -o {name} {path}",
        )


def door(patient: Patient) -> Iterator[Finding]:
    """supervisord's unix socket: there, a socket, and the listener's to use."""
    url = patient.place.serverurl if patient.place else ""
    if not url.startswith("unix://"):
        return
    path, uid = Path(url.removeprefix("unix://")), patient.listener_uid
    try:
        found = path.stat()
    except FileNotFoundError:
        return  # that supervisord can't be asked has been told, with what to do
    except OSError as why:
        yield error("socket", f"{path} can't be looked at: {why.strerror}", "use sudo")
        return
    if not user(uid).may(found, 0b010):
        who = name_of(uid)
        yield error(
            "socket",
            f"the listener runs as {who}, who may not use {path}",
            "in [unix_http_server]:",
            f"chown={who}",
        )
    else:
        yield ok("socket", f"{path} is the listener's to use")


def code(patient: Patient) -> Iterator[Finding]:
    """Whether the listener's user may read all that is watched: what he can't read, he can't tell apart."""
    who, deadline = user(patient.listener_uid), time.monotonic() + LIMIT
    for target in patient.targets:
        hidden = list(_hidden(target, who, deadline))
        if hidden:
            more = f" and {len(hidden) - SHOWN} more" if len(hidden) > SHOWN else ""
            named = ", ".join(hidden[:SHOWN]) + more
            yield error(
                "code",
                f"{target.name}: the listener, as {name_of(who.uid)}, can't read {named}",
                "let its user or group read them (chmod -R g+rX), or name them in exclude",
            )
        else:
            yield ok("code", f"{target.name}: {name_of(who.uid)} can read what is watched")


def _hidden(target: TargetSettings, who: User, deadline: float) -> Iterator[str]:
    """Paths that count, and that a user may not read; what is not looked at in time is not told."""
    for root in target.watch.paths:
        judge = Filter(target.watch)
        if not os.path.isdir(root):
            yield from _refused(root, who, 0b100)
            continue
        for directory, names, files in os.walk(root):
            if time.monotonic() > deadline:
                return
            below = os.path.relpath(directory, root)
            prefix = "" if below == "." else f"{below}/"
            yield from _refused(directory, who, 0b101)
            names[:] = [name for name in names if judge.directory_is_watched(prefix + name)]
            for name in files:
                if judge.file_is_watched(prefix + name):
                    yield from _refused(str(Path(directory, name)), who, 0b100)


def _refused(path: str, who: User, bits: int) -> Iterator[str]:
    try:
        if not who.may(Path(path).stat(), bits):
            yield path
    except OSError:
        return  # it has gone, or its link leads nowhere
