"""uvicorn with its own command line, and a way to leave that loses no request: ``supervisor-reload uvicorn``.

Asked to leave, plain uvicorn closes the connections that it has accepted and not read yet, and those that
wait for a client's next request. This one stops accepting, answers what is still said on open connections
with ``Connection: close``, and closes the silent ones after a while. It never changes how uvicorn serves. It
leans on uvicorn's public names, and on some attributes that tests/unit/test_contrib_uvicorn.py holds on to.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import select
import sys
import time
from collections.abc import Iterable, Sequence
from functools import partial
from socket import socket as Socket  # noqa: N812 - a class
from typing import Any

import click
import uvicorn
from uvicorn.config import LOGGING_CONFIG

from ..handover import HandoverError, answer_at_once, tell_notify_socket
from .lameduck import Farewell, tell_cut

LAME_DUCK = 0.3
"""Seconds that a silent connection stays open, so that what its client has begun to say is answered."""

LONGEST_LAME_DUCK = 600.0
"""Seconds: a longer lame duck is a slip of the finger."""

LIMIT = 25
"""Seconds from the signal until what is under way is cut, where --timeout-graceful-shutdown is not given:
less than the default drain_timeout (30), so that it is cut, and counted, here."""

STARTUP_FAILURE = 3
"""uvicorn's exit status where the application did not start."""

LOOK = 0.01
"""Seconds between two looks at the connections that are left."""

FLOOR = 0.05
"""Seconds that "no connection is open" must have been true: one that was accepted shows a moment later."""

SLACK = 0.5
"""Seconds that uvicorn itself spends on looking."""

log = logging.getLogger("uvicorn.error")  # uvicorn's own, so that its --log-level and --log-config hold


class LameDuck(uvicorn.Server):
    """A uvicorn server that listens no more, but still answers, before it closes its connections.

    Args:
        config: as for uvicorn.Server
        lame_duck: seconds that silent connections stay open
    """

    def __init__(self, config: uvicorn.Config, lame_duck: float = LAME_DUCK) -> None:
        super().__init__(config)
        self.lame_duck = lame_duck
        self._admitted: list[asyncio.Task[Any]] = []
        self._websockets = 0

    async def startup(self, sockets: list[Socket] | None = None) -> None:
        """Start, with the application inside our Farewell."""
        self.farewell = Farewell(self.config.loaded_app)
        self.config.loaded_app = self.farewell
        await super().startup(sockets)

    async def shutdown(self, sockets: list[Socket] | None = None) -> None:
        """Close the door, serve who is inside, then do what uvicorn does, within a limit."""
        limit = self.config.timeout_graceful_shutdown
        limit = LIMIT if limit is None else limit
        last = limit or LIMIT  # for the application's own farewell (lifespan): uvicorn would wait for ever
        try:
            await asyncio.wait_for(self._leave(sockets, limit), limit + last + SLACK)
        except asyncio.TimeoutError:
            log.error("The application's shutdown did not end within %g s; leaving without it", last)
        await asyncio.sleep(0)  # what was cancelled at the limit ends, and is counted
        tell_cut(log, self._websockets, self.farewell.cut)

    async def _leave(self, sockets: list[Socket] | None, limit: float) -> None:
        began = time.monotonic()
        self.farewell.limit_at = began + limit
        self.farewell.leaving = True
        await self._stop_accepting(sockets)
        await self._until_silent(began)
        # uvicorn closes WebSockets (1012, "service restart") and silent connections now, without a turn of
        # the loop between our last look at them and that; and waits for answers under way.
        self._websockets = self.farewell.websockets
        left = max(0.0, self.farewell.limit_at - time.monotonic())
        self.config.timeout_graceful_shutdown = left  # type: ignore[assignment] # it is handed to wait_for
        await super().shutdown(sockets)

    async def _stop_accepting(self, sockets: list[Socket] | None) -> None:
        # On a shared socket what has not been accepted waits for the successor. Nobody else has ours.
        is_ours = self.config.fd is None and not sockets
        door = [os.dup(sock.fileno()) for server in self.servers for sock in server.sockets if is_ours]
        await stop_accepting(self.servers)
        for fd in door:
            self._admit_waiting(fd)

    def _admit_waiting(self, fd: int) -> None:
        """Serve the connections that the kernel holds for us, then close the listening socket for good."""
        config = self.config
        protocol_class: Any = config.http_protocol_class
        loop = asyncio.get_running_loop()
        with Socket(fileno=fd) as door:
            door.setblocking(False)
            while True:
                try:
                    connection, _ = door.accept()
                except OSError:
                    return  # nobody waits any more
                protocol = partial(
                    protocol_class,
                    config=config,
                    server_state=self.server_state,
                    app_state=self.lifespan.state,
                )
                admitting = loop.connect_accepted_socket(protocol, connection, ssl=config.ssl)
                self._admitted.append(loop.create_task(admitting))

    async def _until_silent(self, began: float) -> None:
        """Until all connections are gone, or silent for ``lame_duck`` seconds, or the limit is reached."""
        farewell = self.farewell
        gone_since: float | None = None
        floor = self.lame_duck if self.config.is_ssl else FLOOR  # a TLS connection shows after its handshake
        while not self.force_exit and (now := time.monotonic()) < farewell.limit_at:
            if self.server_state.connections:
                gone_since = None
                silent_at = max(began, farewell.unwarned_until) + self.lame_duck
                if (
                    now >= silent_at
                    and not farewell.unwarned
                    and not has_unread(self.server_state.connections)
                ):
                    return  # and no turn of the loop may come between this look and the closing
            else:
                gone_since = now if gone_since is None else gone_since
                if now >= gone_since + floor:
                    return
            await asyncio.sleep(LOOK)


async def stop_accepting(servers: Sequence[asyncio.AbstractServer]) -> None:
    """Close the servers in a moment when asyncio holds no connection that it has accepted and not served yet.

    It accepts in one turn of its loop and serves in the next, and drops what it accepted (an assertion that
    nobody sees; the client is reset) where the server was closed in between: 42 of 224,855 under load.
    """
    loop = asyncio.get_running_loop()
    closed: asyncio.Future[None] = loop.create_future()

    def close() -> None:
        for server in servers:
            server.close()
        if not closed.done():
            closed.set_result(None)

    # A timer's callback runs after the accepting of its turn, and what it calls soon after the serving of
    # what was accepted there, but before the next accepting.
    loop.call_later(0, loop.call_soon, close)
    await closed


def has_unread(connections: Iterable[Any]) -> bool:
    """Whether the kernel holds bytes of a client that the server has not read."""
    poll = select.poll()
    for connection in connections:
        sock = connection.transport and connection.transport.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:
            poll.register(sock.fileno(), select.POLLIN)
    return any(event & select.POLLIN and not event & select.POLLHUP for _, event in poll.poll(0))


def settings_of(params: dict[str, Any]) -> dict[str, Any]:
    """uvicorn.Config's arguments from those of the command line, as uvicorn's own command makes them."""
    settings = dict(params)
    if settings.pop("app_dir", None) is not None:
        sys.path.insert(0, params["app_dir"])
    settings["headers"] = [tuple(header.split(":", 1)) for header in params["headers"]]
    if params["log_config"] is None:
        settings["log_config"] = LOGGING_CONFIG
    for name in ("reload_dirs", "reload_includes", "reload_excludes"):
        settings[name] = params[name] or None
    return settings


def serve(lame_duck: float, **params: Any) -> None:
    """Serve until asked to leave: uvicorn.run with our server. Leaves with uvicorn's exit status."""
    config = uvicorn.Config(**settings_of(params))
    if config.reload:
        raise click.UsageError(
            "--reload and supervisor_reload would both replace this process: leave --reload out, and name "
            "the code in watch= of its [reload:NAME] section"
        )
    if config.workers > 1:
        raise click.UsageError(
            "--workers (or WEB_CONCURRENCY) starts processes that are plain uvicorn: let supervisord start "
            f"them, with numprocs={config.workers} on one [fcgi-program] socket"
        )
    if config.fd is not None:
        try:
            answer_at_once(config.fd)
        except HandoverError as error:
            raise click.UsageError(str(error)) from None
    tell_notify_socket(os.environ)  # as exec does, for an application that says READY=1
    if hasattr(config, "load_app"):  # newer uvicorns import the application before their loop runs
        config.load_app()
    server = LameDuck(config, lame_duck)
    try:
        server.run()
    except KeyboardInterrupt:
        pass  # uvicorn raises the signal again when it has left
    finally:
        if config.uds and os.path.exists(config.uds):  # noqa: PTH110 - no pathlib for one look
            os.remove(config.uds)  # noqa: PTH107
    if not server.started:
        sys.exit(STARTUP_FAILURE)


def _a_number(_context: click.Context, _option: click.Parameter, seconds: float) -> float:
    if math.isnan(seconds):  # it is in every range
        raise click.BadParameter("nan is not a number of seconds")
    return seconds


def command() -> click.Command:
    """uvicorn's own command with one more option, and our server behind it."""
    stock = uvicorn.main
    option = click.Option(
        ["--lame-duck"],
        type=click.FloatRange(0, LONGEST_LAME_DUCK),
        callback=_a_number,
        default=LAME_DUCK,
        show_default=True,
        envvar="SUPERVISOR_RELOAD_LAME_DUCK",
        help="Seconds that silent connections stay open when it was asked to leave.",
    )
    return click.Command(
        name="uvicorn",
        params=[*stock.params, option],
        callback=serve,
        context_settings=stock.context_settings,
        help="uvicorn with its own arguments, which loses no request when it is asked to leave.",
    )


def main(words: Sequence[str]) -> int:
    """Run the command line; returns the exit status of a wrong one, and otherwise ends as uvicorn does."""
    command().main(args=list(words), prog_name="supervisor-reload uvicorn")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
