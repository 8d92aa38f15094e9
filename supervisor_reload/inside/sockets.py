"""Decides which listening sockets are kept open, for whom, and until when.

Like the rest of the project it compares instead of scripting: ``sweep`` looks at supervisord's groups as they
are, so that an update, a changed ``socket=``, a stop by hand and a program that failed for good need no cases
of their own.
"""

from __future__ import annotations

import errno
import socket
import time
from typing import Any

from supervisor.states import ProcessStates

from . import groups
from .guard import Guard
from .listeningsocket import set_nodelay
from .pins import Pin, Pins

GONE_AFTER = 2.0
"""seconds; a group that is gone may be on its way back (``supervisorctl update`` removes and adds, in ms),
but not for longer than this. Not more than ``release_after`` either."""

NO_PIN = (
    "can't keep a listening socket open; it closes with the last process of its group, as without us, "
    "and clients are refused until the next one"
)
NOT_ADOPTED = (
    "can't reuse a kept socket; the group binds a new one, and connections that wait in the old are lost"
)
NO_NODELAY = "can't set TCP_NODELAY on a listening socket; kept-alive answers may take 40 ms"
NO_ROOM = "can't tell whether a kept socket is in the way of a new one"
NO_BACKOFF = "can't hold back a program without a socket"
LOW_PIN = (
    "can't keep listening sockets across a reload of supervisord (SIGHUP), because no descriptor above "
    "minfds is allowed; raise the hard limit of open files above minfds, or lower minfds"
)


class Sockets:
    """The kept sockets of a supervisord, and what happens when one is bound."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self.pins = Pins()
        self.supervisord: Any = None
        self.release_after = 0.0
        self.is_armed = False
        """whether new sockets are kept; not while supervisord stops or starts"""

    # --- around create_and_bind and spawn ---

    def bind(self, config: Any, original: Any) -> socket.socket:
        """What ``create_and_bind`` returns: a kept socket, or a new one. Raises as Supervisor's own."""
        adopted = self.guard.attempt(NOT_ADOPTED, None, self._adopt, config)
        if adopted is not None:
            return adopted
        try:
            sock: socket.socket = original(config)
        except OSError as why:
            if why.errno != errno.EADDRINUSE or not self._make_room(config):
                raise
            sock = original(config)
        if self.is_armed:
            self.guard.attempt(NO_NODELAY, None, set_nodelay, sock)
            self.guard.attempt(NO_PIN, None, self._keep, config, sock)
        return sock

    def spawn(self, process: Any, original: Any) -> int | None:
        """What ``spawn`` returns; a process that can't get its socket goes to BACKOFF, and is tried again.

        In Supervisor (up to 4.3.0) that exception leaves the main loop and ends supervisord, for instance
        where a pre-fork server's master was killed and its workers hold the port.
        """
        before = process.get_state()
        try:
            pid: int | None = original(process)
        except (OSError, ValueError) as why:
            unchanged = process.get_state() == before and not process.pid
            if not unchanged or not self.guard.attempt(NO_BACKOFF, False, _back_off, process, why):
                raise
            url = groups.config_of(process.group).url
            self.guard.warn(
                f"somebody else has the socket {url} of {process.group.config.name}: see who with ss -ltnxp; "
                "supervisord tries again as after any failed start"
            )
            return None
        return pid

    def _adopt(self, config: Any) -> socket.socket | None:
        if self.pins.get(config.url) is None or groups.other_holder(self.supervisord, config):
            return None
        return self.pins.adopt(config)

    def _keep(self, config: Any, sock: socket.socket) -> None:
        """Keep a socket that was bound for a process; a group that is added makes one only to try."""
        group = groups.owner_of(self.supervisord, config)
        if not group or groups.other_holder(self.supervisord, config):
            return
        pin = self.pins.keep(config, sock, self._floor(), group)
        if not pin.is_high:
            self.guard.warn(LOW_PIN)

    def _floor(self) -> int:
        return int(self.supervisord.options.minfds)

    def _make_room(self, config: Any) -> bool:
        return self.guard.attempt(NO_ROOM, False, self._release_port, getattr(config, "port", None))

    def _release_port(self, port: int | None) -> bool:
        """Let go of kept sockets of this port that no process has: the address is spelt anew."""
        idle = [
            pin
            for pin in self.pins
            if port is not None
            and pin.port == port
            and not any(groups.is_up(group) for _, group in groups.users_of(self.supervisord, pin.url))
        ]
        for pin in idle:
            self._release(pin, "another group needs its port")
        return bool(idle)

    # --- when to let go ---

    def arm(self, supervisord: Any, release_after: float) -> None:
        """A supervisord has made its groups: keep its sockets, and let go of those that none of them has."""
        self.supervisord = supervisord
        self.release_after = release_after
        self.is_armed = True
        for pin in self.pins:
            if not groups.users_of(supervisord, pin.url):
                self._release(pin, "no group has it any more")

    def disarm(self, *, restarting: bool) -> None:
        """supervisord stops: keep nothing new; what was kept only for its restart, where it outlives that."""
        self.is_armed = False
        for pin in self.pins:
            if not (restarting and pin.is_high):
                self.pins.release(pin.url)

    def sweep(self) -> None:
        """Let go of every kept socket that nobody has used for too long."""
        now = time.monotonic()
        for pin in self.pins:
            users = groups.users_of(self.supervisord, pin.url)
            if users:
                self._sweep_used(pin, users, now)
            else:
                self._sweep_gone(pin, now)

    def _sweep_used(self, pin: Pin, users: list[tuple[str, Any]], now: float) -> None:
        up = [name for name, group in users if groups.is_up(group)]
        pin.group = (up or [users[0][0]])[0] if pin.group not in dict(users) else pin.group
        if up:
            pin.idle_since = None
        elif _is_over(pin, self.release_after, now):
            self._release(pin, f"no process of {pin.group} ran for {self.release_after:g} s")

    def _sweep_gone(self, pin: Pin, now: float) -> None:
        if pin.group in self.supervisord.process_groups:
            self._release(pin, f"{pin.group} has another one or none now")
        elif _is_over(pin, min(GONE_AFTER, self.release_after), now):
            self._release(pin, f"there is no group {pin.group} any more")

    def _release(self, pin: Pin, reason: str) -> None:
        self.pins.release(pin.url)
        self.guard.info(f"released the socket {pin.url}: {reason}")


def _is_over(pin: Pin, limit: float, now: float) -> bool:
    if pin.idle_since is None:
        pin.idle_since = now
    return now - pin.idle_since >= limit


def _back_off(process: Any, why: Exception) -> bool:
    """What ``Subprocess.spawn`` does when a process can't be started."""
    process.killing = False
    process.exitstatus = None
    process.system_stop = False
    process.administrative_stop = False
    process.laststart = time.time()
    process.change_state(ProcessStates.STARTING)
    process.record_spawnerr(f"can't get the socket {groups.config_of(process.group).url}: {why}")
    process.change_state(ProcessStates.BACKOFF)
    return True
