"""What stays in supervisord's process over its restarts (SIGHUP makes a new Supervisor in the old process).

It joins the loop, hears supervisord's events, and takes everything back when a restart has come up without
our section.
"""

from __future__ import annotations

import time
from typing import Any

from supervisor import events
from supervisor.states import SupervisorStates

from .binding import Binding
from .guard import Guard
from .section import Options
from .sockets import Sockets
from .waking import Pace, Waker

SWEEP_EVERY = 0.25
"""seconds; supervisord's loop may turn thousands of times a second while programs write"""

NO_BINDING = (
    "can't keep listening sockets with this version of Supervisor; they close with the last process of their "
    "group, as without us"
)
NO_WAKING = "can't wake supervisord's loop; a process that ended is replaced 1 to 2 s later, as without us"
NO_SIGNALS = (
    "another plugin uses signal.set_wakeup_fd; supervisord's loop is woken by events only, and may notice "
    "the end of a process up to 1 s later"
)
NO_EVENTS = "can't hear supervisord's events; sockets are not kept, and its loop is not woken, as without us"
NO_SWEEP = "can't look after the kept sockets; release one with the method reload.releaseSocket"
NOT_TAKEN_BACK = (
    "can't undo what the section [rpcinterface:...] of supervisor_reload did before it was removed"
)


class Resident:
    """The one of this process."""

    def __init__(self) -> None:
        self.guard = Guard()
        self.sockets = Sockets(self.guard)
        self.state_dir = ""
        """as the section names the listener's"""
        self._binding = Binding(self.sockets.bind, self.sockets.spawn)
        self._waker: Waker | None = None
        self._pace = Pace()
        self._supervisord: Any = None
        self._swept_at = 0.0
        self._subscriptions = (
            (events.ProcessStateEvent, self._on_process),
            (events.ProcessGroupAddedEvent, self._on_group),
            (events.ProcessGroupRemovedEvent, self._on_group),
            (events.SupervisorStoppingEvent, self._on_stopping),
            (events.Tick5Event, self._on_tick),
        )

    def settle(self, supervisord: Any, options: Options) -> None:
        """Begin to work for this supervisord; a second call (it has two HTTP servers) changes nothing."""
        if self._supervisord is supervisord:
            return
        self._supervisord, self.state_dir = supervisord, options.state_dir
        self.guard.renew(supervisord.options.logger)
        self.guard.attempt(NO_BINDING, None, self._binding.install)
        self.guard.attempt(NO_WAKING, None, self._start_waking)
        self.guard.attempt(NO_EVENTS, None, self._subscribe)
        self.guard.attempt(NO_SWEEP, None, self.sockets.arm, supervisord, options.release_after)

    def _start_waking(self) -> None:
        if self._waker is not None and not self._waker.is_open:
            self._waker.close()
            self._waker = None
        if self._waker is None:
            waker = Waker(int(self._supervisord.options.minfds), self._on_turn)
            waker.join(self._supervisord.options.get_socket_map())
            self._waker = waker
        if not self._waker.listen_to_signals():
            self.guard.warn(NO_SIGNALS)

    def _subscribe(self) -> None:
        for kind, callback in self._subscriptions:
            events.subscribe(kind, callback)

    # --- what supervisord calls; none of it raises ---

    def _on_process(self, event: Any) -> None:
        self._swept_at = 0.0
        self.guard.attempt(NO_WAKING, None, self._wake, event)

    def _wake(self, event: Any) -> None:
        if self._waker is None:
            return
        if isinstance(event, events.ProcessStateExitedEvent) and not self._pace.allows(
            event.process.laststart
        ):
            # supervisord's own second between two turns is what slows it down; and when a child can be
            # reaped, its SIGCHLD has written into the pipe already
            self._waker.empty()
        else:
            self._waker.wake()

    def _on_group(self, event: Any) -> None:
        del event  # before a program of the new configuration can want the port of the old
        self.guard.attempt(NO_SWEEP, None, self.sockets.sweep)

    def _on_tick(self, event: Any) -> None:
        del event  # only the loop's turn matters; this one comes also where there is no pipe to be asked
        self._on_turn()

    def _on_stopping(self, event: Any) -> None:
        del event
        restarting = self._supervisord.options.mood == SupervisorStates.RESTARTING
        self.guard.attempt(NO_SWEEP, None, lambda: self.sockets.disarm(restarting=restarting))
        waker = self._waker
        if restarting and waker is not None and not waker.is_high:
            self.guard.attempt(NO_WAKING, None, waker.close)
            self._waker = None

    def _on_turn(self) -> None:
        self.guard.attempt(NO_SWEEP, None, self._turn)

    def _turn(self) -> None:
        if self._is_forgotten():
            self.guard.attempt(NOT_TAKEN_BACK, None, self._leave)
            return
        if self._waker is not None and not self._waker.is_open:
            self._waker.close()
            self._waker = None
            self.guard.warn(NO_WAKING, ": its pipe was closed")
        mood = self._supervisord.options.mood
        if mood == SupervisorStates.SHUTDOWN:
            self.sockets.disarm(restarting=False)  # also a shutdown that overtook a restart
        elif mood == SupervisorStates.RUNNING and time.monotonic() - self._swept_at >= SWEEP_EVERY:
            self._swept_at = time.monotonic()
            self.sockets.sweep()

    def _is_forgotten(self) -> bool:
        """Whether a new Supervisor runs in this process and no factory of ours was called for it.

        It clears all subscriptions when it begins (``Supervisor.run``), and only the factory makes ours
        again.
        """
        return (events.SupervisorStoppingEvent, self._on_stopping) not in events.callbacks

    def _leave(self) -> None:
        self._supervisord = None
        self.sockets.disarm(restarting=False)
        self._binding.remove()
        waker, self._waker = self._waker, None
        if waker is not None:
            waker.close()
