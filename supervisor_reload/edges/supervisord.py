"""supervisord, asked and told through its XML-RPC interface; every call has a limit.

It never waits for a program (``wait=False`` throughout: with ``wait=True`` supervisord spins at 98 % CPU),
and never decides anything. One instance serves one thread.
"""

from __future__ import annotations

import http.client
import os
import xmlrpc.client
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from supervisor.xmlrpc import getFaultDescription

from ..core.configfacts import GroupsCompared
from ..core.errors import SupervisorFault, SupervisorUnavailable
from ..core.model import Process, ProcessState, SlotName
from .calling import Transport
from .unreachable import NO_ANSWER, TOLD, refused, unreachable

CALL_LIMIT = 5.0
"""Seconds for each step of a call, and for its whole answer; supervisord answers in about 1 ms."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOut:
    """A listener's journal, as supervisord's ``reload.readJournal`` told it. Times are seconds."""

    path: str
    content: bytes
    size: int
    """of the file, in bytes; where the content has fewer, the newest is missing"""
    written: float
    """since 1970"""
    age: float
    now: float
    """monotonic, of its machine"""
    boot: str
    listener: int
    """its pid; 0 where that can't be told, -1 where none works"""


class Supervisord:
    """The port ``Supervisor``, on a running supervisord."""

    def __init__(
        self, serverurl: str, username: str = "", password: str = "", limit: float = CALL_LIMIT
    ) -> None:
        self.serverurl, self._limit = serverurl, limit
        self._transport = Transport(username, password, serverurl, limit)
        self._proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", self._transport)
        self._logs: dict[SlotName, str] = {}
        self._marks: dict[SlotName, int] = {}

    def processes(self) -> tuple[Process, ...]:
        """All processes of all groups. Raises SupervisorUnavailable."""
        return self._call(lambda rpc: tuple(self._process(info) for info in rpc.getAllProcessInfo()))

    def process(self, name: SlotName) -> Process:
        """One process. Raises SupervisorUnavailable, SupervisorFault (BAD_NAME)."""
        return self._call(lambda rpc: self._process(rpc.getProcessInfo(name)))

    def start(self, name: SlotName) -> None:
        """Start without waiting. Raises SupervisorUnavailable, SupervisorFault."""
        self._mark(name)
        self._call(lambda rpc: rpc.startProcess(name, False))

    def stop(self, name: SlotName) -> None:
        """Stop without waiting. Raises SupervisorUnavailable, SupervisorFault."""
        self._call(lambda rpc: rpc.stopProcess(name, False))

    def signal(self, name: SlotName, signal: str) -> None:
        """Send a signal. Raises SupervisorUnavailable, SupervisorFault."""
        self._mark(name)
        self._call(lambda rpc: rpc.signalProcess(name, signal))

    def last_words(self, name: SlotName, size: int) -> str:
        """The last ``size`` bytes that the process wrote to its stderr log since it was last started."""
        try:
            with Path(self._logs.get(name, "")).open("rb") as log:
                end = log.seek(0, os.SEEK_END)
                mark = self._marks.get(name, 0)
                log.seek(max(end - size, mark if mark <= end else 0))
                return log.read(size).decode(errors="replace")
        except OSError:
            return ""  # logging off, another user's, syslog or a terminal

    def reread(self) -> GroupsCompared:
        """Read the configuration again. Raises SupervisorUnavailable, SupervisorFault (CANT_REREAD)."""
        return self._call(lambda rpc: GroupsCompared(**_compared(*rpc.reloadConfig()[0])))

    def remove_group(self, group: str) -> None:
        """Forget a group. Raises SupervisorUnavailable, SupervisorFault (BAD_NAME, STILL_RUNNING)."""
        self._call(lambda rpc: rpc.removeProcessGroup(group))

    def add_group(self, group: str) -> None:
        """Add a group. Raises SupervisorUnavailable, SupervisorFault (BAD_NAME, ALREADY_ADDED)."""
        self._call(lambda rpc: rpc.addProcessGroup(group))

    def send(self, kind: str, text: str) -> None:
        """Have supervisord tell its event listeners something. Raises SupervisorUnavailable."""
        self._call(lambda rpc: rpc.sendRemoteCommEvent(kind, text))

    def journal(self) -> HandedOut:
        """The journal of its listener (``[rpcinterface:reload]``).

        Raises SupervisorUnavailable, SupervisorFault (UNKNOWN_METHOD, NO_FILE).
        """
        return self._call(lambda rpc: _handed_out(rpc.readJournal()), "reload")

    def close(self) -> None:
        """Drop the connection."""
        self._transport.close()

    def _mark(self, name: SlotName) -> None:
        try:
            self._marks[name] = Path(self._logs[name]).stat().st_size
        except (OSError, KeyError):
            self._marks[name] = 0

    def _process(self, info: dict[str, Any]) -> Process:
        name = SlotName(f"{_text(info, 'group')}:{_text(info, 'name')}")
        self._logs[name] = _text(info, "stderr_logfile") or _text(info, "stdout_logfile")
        state = ProcessState.__members__.get(_text(info, "statename"), ProcessState.UNKNOWN)
        pid = _number(info, "pid")
        if pid < 0:
            raise ValueError(f"{pid} is no process")
        return Process(name=name, state=state, pid=pid, detail=_detail(info))

    def _call(self, ask: Callable[[Any], T], namespace: str = "supervisor") -> T:
        try:
            return ask(getattr(self._proxy, namespace))
        except xmlrpc.client.Fault as fault:
            code = getFaultDescription(fault.faultCode)
            if code == "SHUTDOWN_STATE":  # to any question, and before the event that says so
                raise SupervisorUnavailable("supervisord is shutting down") from fault
            raise SupervisorFault(code, str(fault.faultString)[:TOLD]) from fault
        except xmlrpc.client.ProtocolError as error:
            self.close()
            raise SupervisorUnavailable(refused(self.serverurl, error)) from error
        except (OSError, http.client.HTTPException, *NO_ANSWER) as error:
            self.close()
            raise SupervisorUnavailable(unreachable(self.serverurl, error, self._limit)) from error


def _text(info: dict[str, Any], key: str) -> str:
    if not isinstance(info[key], str):
        raise TypeError(f"{key} is no text")
    return str(info[key])


def _number(info: dict[str, Any], key: str) -> int:
    if type(info[key]) is not int:  # a bool is an int, too
        raise TypeError(f"{key} is no whole number")
    return int(info[key])


def _compared(*groups: list[str]) -> dict[str, tuple[str, ...]]:
    if not all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in groups):
        raise TypeError("the groups are no lists of names")
    return {key: tuple(names) for key, names in zip(("added", "changed", "removed"), groups, strict=True)}


def _detail(info: dict[str, Any]) -> str:
    if info["statename"] != "EXITED":
        return _text(info, "spawnerr")
    # its own words for EXITED are "Bad exit code -1", also for a process that a signal ended
    status = _number(info, "exitstatus")
    return f"exited with status {status}" if status >= 0 else "ended by a signal"


def _handed_out(told: Any) -> HandedOut:
    """Raises ValueError, as for any answer that makes no sense."""
    if not isinstance(told, dict) or not isinstance(told.get("content"), xmlrpc.client.Binary):
        raise ValueError("no journal")
    content = told["content"].data
    return HandedOut(
        path=_text(told, "path"),
        content=content,
        size=int(told.get("size", len(content))),
        written=float(told.get("written", 0.0)),
        age=float(told.get("age", 0.0)),
        now=float(told.get("now", 0.0)),
        boot=_text(told, "boot"),
        listener=int(told.get("listener", -1)),
    )
