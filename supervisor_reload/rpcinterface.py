"""The door that supervisord itself opens: the factory of ``[rpcinterface:reload]``, and its methods.

It runs inside supervisord, where an exception stops everything from starting. So it imports the standard
library, Supervisor and ``inside`` only, and whatever fails in it leaves supervisord as it would be without
us.
"""

from __future__ import annotations

from typing import Any

from supervisor.xmlrpc import Faults, RPCError

from .inside.guard import Guard
from .inside.journal import directory_of, hand_out
from .inside.resident import Resident
from .inside.section import read_options
from .inside.telling import describe

_RESIDENT = Resident()
"""One for the process: it outlives the Supervisor objects that SIGHUP makes."""


def make_rpcinterface(supervisord: Any, /, **options: str) -> ReloadNamespaceRPCInterface:
    """The interface for one HTTP server of supervisord's. Called at each of its starts; never raises.

    Where an option is wrong its default holds, and supervisord's log says so.
    """
    guard = _RESIDENT.guard
    lost = "the section [rpcinterface:...] of supervisor_reload does nothing"
    if not guard.attempt(lost, False, _settle, supervisord, options):
        spare = Guard()
        spare.renew(getattr(getattr(supervisord, "options", None), "logger", None))
        spare.warn(lost)
    return ReloadNamespaceRPCInterface(supervisord, _RESIDENT)


def _settle(supervisord: Any, options: dict[str, str]) -> bool:
    read, problems = read_options(options)
    _RESIDENT.settle(supervisord, read)
    for key, problem in problems:
        _RESIDENT.guard.warn(f"{key} in its [rpcinterface:...] section: {problem}")
    return True


class ReloadNamespaceRPCInterface:
    """The methods of the namespace, documented in Supervisor's own way for ``system.methodHelp``."""

    def __init__(self, supervisord: Any, resident: Resident) -> None:
        self._supervisord = supervisord
        self._resident = resident

    def getSockets(self) -> list[dict[str, Any]]:  # noqa: N802 -- Supervisor's methods are named so
        """Tell about the listening sockets of all fcgi-program groups, and those that are still kept

        @return array result  One struct for each: group, url, fd of the kept copy (-1 where there is none),
                              pinned, nodelay, waiting and backlog (connections in the queue and as many as
                              may be, -1 where the kernel does not tell), idle (seconds without a process, -1
                              while there is one)
        """
        return describe(self._supervisord, self._resident.sockets)

    def readJournal(self) -> dict[str, Any]:  # noqa: N802 -- Supervisor's methods are named so
        """Hand out the journal of the listener: what supervisor-reload status and history show

        @return struct result  path, content (base64), size (of the file, in bytes: where it is more than the
                               content has, the newest is missing), written (seconds since 1970), age and now
                               (seconds; now is monotonic), boot (of the machine), listener (its pid; 0 where
                               that can't be told, -1 where none works)
        """
        try:
            return hand_out(directory_of(self._supervisord, self._resident.state_dir))
        except OSError as error:
            raise RPCError(Faults.NO_FILE, f"{error.filename}: {error.strerror}") from error

    def releaseSocket(self, url: str) -> bool:  # noqa: N802 -- Supervisor's methods are named so
        """Close the kept copy of a socket, so that it closes with the last process of its group

        It is kept again when the group's next socket is bound.

        @param string url  The url of the socket, as getSockets tells it
        @return boolean result  Always true unless error
        """
        if not isinstance(url, str):
            raise RPCError(Faults.INCORRECT_PARAMETERS, "url must be a string")
        if not self._resident.sockets.pins.release(url):
            raise RPCError(Faults.BAD_NAME, url)
        return True
