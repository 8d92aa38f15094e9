"""The door ``run``: a command, reloaded when its code changes, without any configuration.

It writes a private supervisord.conf, has an embedded supervisord run the command and our listener, stays in
the foreground, and leaves no process and no file behind. What happens on a save is the engine's alone.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import socket

from supervisor_reload import config
from supervisor_reload.core.errors import ConfigErrors
from supervisor_reload.edges.observers.logs import escaped

from . import embedded
from .foreground import Foreground, Signals
from .place import USAGE, Place
from .request import Request, RunError
from .telling import Teller

__all__ = ["Request", "RunError", "run"]

OPTION_OF = {
    "stopsignal": "--stop-signal",
    "stopwaitsecs": "--stop-timeout",
    "stop_signal": "--stop-signal",
    "socket": "--socket",
}
"""The options whose names are not those of the configuration's keys."""


def run(request: Request) -> int:
    """Run the command until a signal ends us. Returns the exit status: 0 after Ctrl-C.

    Raises RunError where it can't begin, or where its supervisord fails.
    """
    _open_standard_descriptors()
    _refuse_taken(request.socket)
    with contextlib.ExitStack() as stack:
        signals = Signals()
        stack.callback(signals.close)
        place = Place(request)
        stack.callback(place.remove)
        _refuse_wrong(place)
        teller = Teller(request)
        embedded.adopt_orphans()
        reading, writing = os.pipe()
        stack.callback(os.close, reading)
        child = embedded.start(place.directory, writing)
        os.close(writing)
        teller.say(_greeting(request))
        Foreground(child, place, teller, signals, request.stop_timeout).run(reading)
    return 0


def _greeting(request: Request) -> str:
    watched = ", ".join(os.path.abspath(path) for path in request.watch)  # noqa: PTH100 - any bytes
    verb = "swapped" if request.socket else "restarted"
    return escaped(f"{shlex.join(request.argv)}: {verb} when code in {watched} changes; Ctrl-C stops")


def _open_standard_descriptors() -> None:
    """Whoever closed one of the three gets /dev/null there; else the next file that we open would be it."""
    while (fd := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(fd, True)
    os.close(fd)


def _refuse_wrong(place: Place) -> None:
    """Read the configuration as the listener will, so that its errors come before anything starts."""
    try:
        config.read(str(place.conf))
    except ConfigErrors as errors:
        lines = [
            f"{OPTION_OF.get(e.key, '--' + e.key.replace('_', '-'))}: {e.message}" for e in errors.errors
        ]
        raise RunError("\n".join(dict.fromkeys(lines)), USAGE) from None


def _refuse_taken(address: str) -> None:
    """Say in time that the port is in use: supervisord would only tell that the command can't be spawned."""
    scheme, _, rest = address.partition("://")
    host, _, port = rest.rpartition(":")
    if scheme != "tcp" or not port.isdigit():
        return
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise RunError(f"{address}: {reason}", 1) from None
