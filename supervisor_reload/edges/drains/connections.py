"""Drained when no connection of the process tree is in use: ``drain=connections``. Asks only the kernel.

Only what these processes themselves have accepted counts: on a shared socket the new process's connections
are none of ours, and what waits to be accepted is nobody's. It never closes anything.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from socket import ntohs

from ...core.model import SlotSettings
from .. import sockdiag
from ..connections import UnixRow, rows, unix_rows, why_hidden
from ..processes import first_sockets, sockets, tree
from ..sockdiag import CLOSE_WAIT, ESTABLISHED, LISTEN, Tcp
from .use import Use, is_outgoing, use_of

REFRESH = 10
"""Looks for which it is remembered which sockets are whose; new ones in use are always looked up."""

MANY = 2000
"""Sockets: to find out whose so many are takes a look of its own, so that no look costs too much."""

REMEMBERED = 64
"""Processes whose sockets are remembered; more than are drained at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The connections that a process tree has accepted."""

    requests: int = 0
    streams: int = 0
    idle: int = 0
    unix: int = 0
    """on unix sockets, where nobody can tell idle from busy: all of them count as busy"""
    unknown: int = 0
    """on TCP, where the kernel does not tell idle from busy: all of them count as busy"""
    why_unknown: str = ""

    @property
    def busy(self) -> int:
        """How many must be waited for."""
        return self.requests + self.streams + self.unix + self.unknown

    def __str__(self) -> str:
        kinds = (
            (self.requests, f"{_some(self.requests, 'request')} in hand"),
            (self.streams, _some(self.streams, "stream")),
            (self.unix, f"{self.unix} on a unix socket, in use or not"),
            (self.unknown, f"{self.unknown} in use or not: {self.why_unknown}"),
        )
        which = ", ".join(words for count, words in kinds if count)
        return f"{_some(self.busy, 'busy connection')} ({which}), {self.idle} idle"


class HiddenError(Exception):
    """Nobody can tell what these processes have accepted; its text says why, and what to do."""


class Connections:
    """The look ``drain=connections``. Remembers which sockets it found a process to hold.

    To find that out is a third of the cost of a look, and a connection stays with who accepted it.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[set[int], int]] = {}
        """of a process: the inodes that it and its descendants hold, and how many looks ago that was"""

    def drained(self, slot: SlotSettings, pid: int, limit: float, ended: threading.Event) -> str | None:
        """Whether no connection of the process is in use; None, or how many are."""
        del slot, limit, ended  # it waits for nobody but the kernel, and that has its own limit
        try:
            processes = _visible(pid)
            if self._is_stale(pid) and len(self._learn(pid, processes)) > MANY:
                return "has many connections, which are looked at next"
            counts = self.count(pid)
        except HiddenError as hidden:
            return str(hidden)
        return str(counts) if counts.busy else None

    def in_flight(self, pid: int) -> int | None:
        """How many connections of a process and its descendants are in use; None where nobody can tell."""
        try:
            counts = self.count(pid)
        except HiddenError:
            return None
        return None if counts.unknown else counts.busy

    def count(self, pid: int) -> Counts:
        """The connections that a process and its descendants have accepted. Raises HiddenError."""
        processes = _visible(pid)
        try:
            ports = {each.inode: each.port for each in sockdiag.listening()}
            flows = sockdiag.connections(ports.values())
        except OSError as error:
            return _count_only(processes, error)
        seen = _Seen(ports, _accepted(flows, set(ports.values())), unix_rows())
        ours = self._ours(pid, processes, seen)
        uses = Counter(use for tcp, use in seen.busy if tcp.inode in ours)
        unix = sum(row.inode in ours and not row.is_listening for row in seen.unix)
        return Counts(
            requests=uses[Use.REQUEST],
            streams=uses[Use.STREAM],
            idle=len(seen.tcp & ours) - uses.total(),
            unix=unix,
        )

    def _ours(self, pid: int, processes: Sequence[int], seen: _Seen) -> set[int]:
        """The inodes of the sockets that matter, of those that these processes hold.

        All their descriptors are looked at before it is said that nothing of theirs is in use.
        """
        known, looks = self._known.get(pid, (set(), REFRESH))  # the engine's thread may look meanwhile
        if looks >= REFRESH:
            known, looks = self._learn(pid, processes), 0
        ours = known & seen.inodes
        if looks and not seen.of_interest_to(ours) <= ours:
            ours, looks = self._learn(pid, processes) & seen.inodes, 0
        if not seen.of_interest_to(ours) <= ours or seen.used.isdisjoint(ours):
            ours = ours if seen.used <= ours else set().union(*map(sockets, processes)) & seen.inodes
        self._known[pid] = (ours, looks + 1)
        return ours

    def _is_stale(self, pid: int) -> bool:
        return self._known.get(pid, (None, REFRESH))[1] >= REFRESH

    def _learn(self, pid: int, processes: Sequence[int]) -> set[int]:
        """Find out what these processes hold; with many connections that is half the cost of a look."""
        found: set[int] = set().union(*map(first_sockets, processes))
        self._known[pid] = (found, 0)
        for stale in tuple(self._known)[:-REMEMBERED]:
            self._known.pop(stale, None)
        return found


def _visible(pid: int) -> tuple[int, ...]:
    """The process and its descendants. Raises HiddenError where we may not look into all of them."""
    processes = tree(pid)
    if hidden := why_hidden(processes, "drain"):
        raise HiddenError(hidden)
    return processes


class _Seen:
    """What the kernel listed: listening TCP sockets with their ports, accepted connections, unix sockets."""

    def __init__(self, ports: dict[int, int], accepted: Sequence[Tcp], unix: Sequence[UnixRow]) -> None:
        self.accepted = accepted
        self.busy = [(tcp, use) for tcp in accepted if (use := use_of(tcp)) is not Use.IDLE]
        self.unix = unix
        self.tcp = {tcp.inode for tcp in accepted}
        self.used = {tcp.inode for tcp, _ in self.busy}.union(r.inode for r in unix if not r.is_listening)
        self.inodes = self.tcp.union(ports, (row.inode for row in unix))
        self._ports = ports

    def of_interest_to(self, ours: set[int]) -> set[int]:
        """The connections that must be known for ours or not: on a port or path on which ours are, too."""
        ports = {port for inode, port in self._ports.items() if inode in ours}
        ports |= {ntohs(port) for port in {tcp.written_port for tcp in self.accepted if tcp.inode in ours}}
        paths = {row.name for row in self.unix if row.inode in ours}
        busy = {tcp.inode for tcp, _ in self.busy if tcp.port in ports}
        return busy | {row.inode for row in self.unix if row.name in paths and not row.is_listening}


def _accepted(flows: Sequence[Tcp], ports: set[int]) -> list[Tcp]:
    """Those that somebody has accepted.

    A port that nobody listens on any more may be that of a process which takes no new work.
    """
    return [tcp for tcp in flows if tcp.inode and (not is_outgoing(tcp) or tcp.port in ports)]


def _count_only(processes: Sequence[int], error: OSError) -> Counts:
    """What /proc/net lists, for a system where the kernel can't be asked more."""
    listed = rows()
    ports = {row.port for row in listed if row.state == LISTEN}
    ours: set[int] = set().union(*map(sockets, processes))
    states = (ESTABLISHED, CLOSE_WAIT)
    why = f"the kernel does not tell here ({error.strerror})"
    return Counts(
        unknown=sum(row.inode in ours and row.state in states and row.port in ports for row in listed),
        unix=sum(row.inode in ours and not row.is_listening for row in unix_rows()),
        why_unknown=why,
    )


def _some(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
