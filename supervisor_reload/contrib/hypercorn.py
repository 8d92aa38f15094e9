"""hypercorn with a way to leave that loses no request: ``python -m supervisor_reload.contrib.hypercorn``.

Asked to leave, plain hypercorn ends the connections that wait for their next, or first, request. This one
first stops accepting and answers what is still said with ``Connection: close`` for a while. It is built on
hypercorn's public hooks (serve, shutdown_trigger, Config.create_sockets), which its own command line does not
have: so it has a smaller one, for one process on asyncio, and never starts workers.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config, Sockets

from ..handover import HandoverError, answer_at_once, tell_notify_socket
from .lameduck import Farewell, tell_cut

LAME_DUCK = 0.3
"""Seconds in which what clients have begun to say is answered."""

LIMIT = 25.0
"""Seconds that answers under way may still take after that; less than the default drain_timeout (30)."""

LONGEST = 600.0
"""Seconds: a longer limit is a slip of the finger."""

log = logging.getLogger("supervisor_reload.hypercorn")


class LeavingConfig(Config):
    """hypercorn's configuration, which remembers the listening sockets."""

    def __init__(self) -> None:
        super().__init__()
        self.listening: list[Any] = []

    def create_sockets(self) -> Sockets:
        """As hypercorn's own."""
        sockets = super().create_sockets()
        self.listening = [*sockets.secure_sockets, *sockets.insecure_sockets]
        return sockets


class Leave:
    """hypercorn's shutdown_trigger: returns when the signal came and the lame duck is over.

    Args:
        config: knows the listening sockets once hypercorn has made them
        farewell: the application
        lame_duck: seconds
    """

    def __init__(self, config: LeavingConfig, farewell: Farewell, lame_duck: float) -> None:
        self._config = config
        self._farewell = farewell
        self._lame_duck = lame_duck
        self.websockets = 0
        """WebSocket conversations that hypercorn had to end."""

    async def __call__(self) -> None:
        """Wait for TERM or INT, then leave; a second signal ends the lame duck."""
        loop = asyncio.get_running_loop()
        asked, hurry = asyncio.Event(), asyncio.Event()

        def on_signal() -> None:
            (hurry if asked.is_set() else asked).set()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, on_signal)
        await asked.wait()
        self._farewell.leaving = True
        for sock in self._config.listening:
            loop.remove_reader(sock.fileno())  # what was not accepted waits for the successor
        try:
            await asyncio.wait_for(hurry.wait(), self._lame_duck)
        except asyncio.TimeoutError:
            pass  # nobody is in a hurry
        self._farewell.limit_at = time.monotonic() + self._config.graceful_timeout
        self.websockets = self._farewell.websockets


def run(application: Any, config: LeavingConfig, lame_duck: float) -> None:
    """Serve until asked to leave."""
    farewell = Farewell(application)
    leave = Leave(config, farewell, lame_duck)
    served: Any = farewell  # ASGI, in other words than hypercorn's
    asyncio.run(serve(served, config, shutdown_trigger=leave, mode="asgi"))
    tell_cut(log, leave.websockets, farewell.cut)


def load(path: str) -> Any:
    """The application of ``module:name``; raises SystemExit with a sentence where there is none."""
    module, _, name = path.partition(":")
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as hypercorn does; no pathlib for one look
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise  # the application's own import; its traceback tells where
        raise SystemExit(f"{path!r} is no module:name of an application: {error}") from None
    except ValueError as error:
        if module:
            raise
        raise SystemExit(f"{path!r} is no module:name of an application: {error}") from None
    if not hasattr(found, name or "app"):
        raise SystemExit(f"{path!r} is no module:name of an application: {module} has no {name or 'app'!r}")
    return getattr(found, name or "app")


def main(words: Sequence[str] | None = None) -> int:
    """Read the arguments and serve; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m supervisor_reload.contrib.hypercorn")
    parser.add_argument("application", metavar="APP", help="module:name of an ASGI application")
    add = parser.add_argument
    add("-b", "--bind", action="append", help="as hypercorn's (default: fd://0); repeatable")
    add("--lame-duck", type=_seconds, default=LAME_DUCK, metavar="SECONDS", help="(default: %(default)s)")
    add("--graceful-timeout", type=_seconds, default=LIMIT, metavar="SECONDS", help="(default: %(default)s)")
    options = parser.parse_args(words)
    config = LeavingConfig()
    config.bind = options.bind or ["fd://0"]
    config.graceful_timeout = options.graceful_timeout
    config.errorlog = "-"
    log.addHandler(logging.StreamHandler())
    try:
        for bind in config.bind:
            if bind.startswith("fd://"):
                answer_at_once(int(bind[5:]))
    except (HandoverError, ValueError) as error:
        parser.error(str(error))
    tell_notify_socket(os.environ)  # as exec does, for an application that says READY=1
    run(load(options.application), config, options.lame_duck)
    return 0


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to {LONGEST:g}")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
