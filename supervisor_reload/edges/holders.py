"""Who listens where one of our programs was to listen, though supervisord knows nothing of it.

When supervisord is killed its programs live on, keep their ports, and the next supervisord's programs find
"address already in use"; so does a program whose predecessor left a worker behind. This only says who that
is, for a line of the log. It never ends a process, never raises, and has a limit.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import time
from collections.abc import Collection, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from . import sockdiag
from .ancestry import child_above
from .connections import listening, unix_rows
from .processes import command, may_look, sockets, tree
from .sayings import printable

LIMIT = 0.1
"""Seconds for one search: a look at one process takes some 50 microseconds, or 100 on a busy machine."""

COMMAND_LIMIT = 120
"""Characters of a command line that are told."""

CANDIDATES = 4
"""Addresses of one line that are looked at, at most."""

IN_USE = re.compile(r"in use|EADDRINUSE|AddrInUse", re.IGNORECASE)

TIME = re.compile(r"(?<![\w.:])\d{1,2}:\d{2}:\d{2}(?:[.,]\d+)?")
"""Of the day, whose seconds would be a port"""

UNIX_PATH = re.compile(r"(?<![\w.])(?:unix:(?://)?)?(/[^\s'\",;:)]+)")

TCP = re.compile(
    r"(?P<host>localhost|[0-9a-f:.]{0,45})"
    r"(?:\]?:|['\"],\ |\bport[ :=]+)"  # [::1]:80, 127.0.0.1:80, *:80, :80, ('127.0.0.1', 80), port 80
    r"(?P<port>[0-9]{2,5})\b(?![:.][0-9])",
    re.IGNORECASE,
)

DEFAULT_PORTS = {"http": 80, "https": 443}


class Holder(NamedTuple):
    """Who listens on an address, and is no process of this supervisord."""

    address: str
    pid: int
    """0: the kernel shows a listener, and nobody into whom we may look has it"""
    command: str = ""
    """its command line, shortened, without control characters"""

    def __str__(self) -> str:
        if not self.pid:
            return (
                f"{self.address} is in use by a process into which we may not look: another user's, "
                "or one of another container"
            )
        told = f" ({self.command})" if self.command else ""
        return f"{self.address} is held by pid {self.pid}{told}, which is not a process of this supervisord"


class Holders:
    """Searches for strangers on the addresses of our programs. Linux; elsewhere it finds nobody."""

    def __init__(self, supervisor: int, *, limit: float = LIMIT) -> None:
        """``supervisor`` is supervisord's pid; ``limit`` is in seconds, for one search."""
        self._supervisor = supervisor
        self._limit = limit

    def told(self, address: str, words: str) -> str:
        """Who is in the way of a program, as a sentence; '' for nobody.

        ``words`` are its last ones: an address of which they say that it is in use comes first, then
        ``address``, where the program was to answer ('' for unknown).
        """
        for each in (*complained_of(words), address):
            holder = self.holder(each)
            if holder is not None:
                return str(holder)
        return ""

    def holder(self, address: str) -> Holder | None:
        """Who listens on an address (``tcp://h:p``, ``http://h:p/...``, ``unix:...``) beside our programs.

        None where nobody does, where a process of this supervisord does too, where the address is not of this
        machine, and where the time was too short to know.
        """
        try:
            wanted = _wanted(address)
            return None if wanted is None else self._search(wanted)
        except (OSError, ValueError):  # a line of the log is not worth more
            return None

    def _search(self, wanted: Wanted) -> Holder | None:
        inodes = wanted.listeners()
        if not inodes:
            return None
        deadline = time.monotonic() + self._limit
        ours = [pid for pid in tree(self._supervisor) if self._is_ours(pid)]
        may_be_hidden = False
        for pid in (*ours, *_others(ours)):
            if time.monotonic() > deadline:
                return None
            if sockets(pid).isdisjoint(inodes):
                may_be_hidden |= pid in ours and not may_look(pid)
            elif pid in ours:
                return None
            else:
                return Holder(wanted.written, pid, _short(command(pid)))
        return None if may_be_hidden else Holder(wanted.written, 0)

    def _is_ours(self, pid: int) -> bool:
        """Whether supervisord, or what it started, is or made this process.

        Where supervisord is pid 1, whatever lost its parent becomes its child. But what supervisord starts
        leads a group of processes, and what some program left behind is in that program's.
        """
        if pid == self._supervisor:
            return True
        above = child_above(pid, self._supervisor)
        try:
            return above is not None and os.getpgid(above.pid) == above.pid
        except ProcessLookupError:
            return False


class Wanted(NamedTuple):
    """Where a program was to listen."""

    written: str
    """as it is told"""
    port: int = 0
    hosts: Collection[str] = ()
    """of TCP: the addresses; empty for all of this machine"""
    path: str = ""
    """of a unix socket"""

    def listeners(self) -> list[int]:
        """The inodes of the listening sockets that are in the way."""
        if self.path:
            return [row.inode for row in unix_rows() if row.is_listening and row.name == self.path]
        try:
            listens = [(each.inode, each.address, each.port) for each in sockdiag.listening()]
        except OSError:
            listens = [
                (inode, parts.hostname or "", parts.port or 0)
                for inode, where in listening().items()
                if (parts := urlsplit(where)).scheme == "tcp"
            ]
        return [inode for inode, host, port in listens if port == self.port and self._is_at(host)]

    def _is_at(self, host: str) -> bool:
        address = ipaddress.ip_address(host)
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return not self.hosts or address.is_unspecified or str(mapped or address) in self.hosts


def complained_of(words: str) -> list[str]:
    """The addresses of which a program said last that they are in use, as URLs, the likeliest first."""
    line = next((line for line in reversed(words.splitlines()) if IN_USE.search(line)), "")
    line = TIME.sub("", line)
    found = [f"unix://{match[1]}" for match in UNIX_PATH.finditer(line)]
    found += [_url(match["host"], match["port"]) for match in TCP.finditer(line)]
    return list(dict.fromkeys(found))[:CANDIDATES]


def _url(host: str, port: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"tcp://0.0.0.0:{port}"
    return f"tcp://[{host}]:{port}" if address.version == 6 else f"tcp://{host}:{port}"


def _wanted(address: str) -> Wanted | None:
    """What to look for; None where that is not on this machine. Raises ValueError, OSError."""
    if address.startswith("unix:"):
        path = address.removeprefix("unix:").removeprefix("//")
        return Wanted(printable(f"unix:{path}"), path=path)
    parts = urlsplit(address)
    host, port = parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    hosts = _local(host)
    if not port or hosts is None:
        return None
    return Wanted(printable(f"[{host}]:{port}" if ":" in host else f"{host}:{port}"), port, hosts)


def _local(host: str) -> Collection[str] | None:
    """The addresses for which a host stands, () for all of this machine; None where it is another's.

    No name but ``localhost`` is looked up: that may take seconds. Raises OSError for another's address.
    """
    if host == "localhost":
        return ("127.0.0.1", "::1")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if address.is_unspecified:
        return ()
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_STREAM) as own:
        own.bind((host, 0))  # no other port of ours: only whether the address is
    return (str(address),)


def _others(ours: Collection[int]) -> Iterator[int]:
    """All processes of the machine but these, the lowest numbers first: a server before its workers."""
    with os.scandir("/proc") as entries:
        yield from sorted({int(entry.name) for entry in entries if entry.name.isdigit()} - set(ours))


def _short(text: str) -> str:
    text = printable(text)
    return text if len(text) <= COMMAND_LIMIT else f"{text[: COMMAND_LIMIT - 3]}..."
