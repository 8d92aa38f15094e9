"""Looks at a listener through its supervisord: from elsewhere, or as a user who may not read the files.

supervisord hands the journal out by the method ``reload.readJournal``, to whom it lets in. This only asks;
what the records mean is ``knowledge``'s.
"""

from __future__ import annotations

import contextlib
import xmlrpc.client
from collections.abc import Callable

from ..core.errors import SupervisorFault, SupervisorUnavailable
from ..edges.journal import read_content
from ..edges.supervisord import HandedOut, Supervisord
from .credentials import Server, asked, may_ask
from .place import Unknown
from .reading import Reading, is_by

NO_INTERFACE = (
    "{url} does not hand out the listener's journal; it does with these lines in its configuration, after a "
    "restart:",
    "[rpcinterface:reload]",
    "supervisor.rpcinterface_factory=supervisor_reload.rpcinterface:make_rpcinterface",
)

CUT = (
    "the newest of {path} is missing: it has {size:,} bytes, of which supervisord hands out {handed:,}; "
    "supervisor-reload status on its own machine tells more"
)

NOT_ALLOWED = 401

WANTED = (
    "{url} wants a user name and a password (401): -u NAME asks for the password; else they are taken from "
    "SUPERVISOR_USERNAME and SUPERVISOR_PASSWORD, or from [supervisorctl] in the file that -c names"
)


class NotLetIn(Unknown):
    """It wants another user name or password."""


class Afar:
    """A listener elsewhere, for one look or many."""

    def __init__(
        self,
        server: Server,
        *,
        may_ask: Callable[[], bool] = may_ask,
        ask: Callable[[Server], Server] = asked,
    ) -> None:
        """``ask`` finds out as whom, once, where nobody said and ``may_ask`` tells that somebody is there."""
        self._server, self._may_ask, self._ask = server, may_ask, ask

    def look(self) -> Reading:
        """Ask for it. Raises Unknown where it can't be had."""
        try:
            return look_from_afar(self._server)
        except NotLetIn:
            if self._server.username or not self._may_ask():
                raise
        self._server = self._ask(self._server)
        return look_from_afar(self._server)


def look_from_afar(server: Server) -> Reading:
    """Ask for it. Raises Unknown where it can't be had, NotLetIn among them."""
    told = _told(server)
    if len(told.content) < told.size:
        raise Unknown(CUT.format(path=told.path, size=told.size, handed=len(told.content)))
    found = read_content(told.path, told.content)
    if not found.records:
        raise Unknown(found.damage or f"{told.path} holds nothing yet")
    listener = None if told.listener < 0 else told.listener
    is_current = listener is not None and is_by(found, listener)
    is_this_boot = found.header is None or found.header.boot == told.boot
    return Reading(
        directory=told.path.rpartition("/")[0],
        records=found.records,
        listener=listener,
        is_current=is_current,
        written=told.written,
        age=told.age,
        at=told.now - (0.0 if is_current else told.age) if is_this_boot else None,
        damage=found.damage,
        is_here=False,
    )


def _told(server: Server) -> HandedOut:
    try:
        supervisord = Supervisord(server.url, server.username, server.password)
    except ValueError as error:
        raise Unknown(f"{server.url} is no address: http://host:port or unix:///path") from error
    with contextlib.closing(supervisord):
        try:
            return supervisord.journal()
        except SupervisorUnavailable as error:
            raise _unavailable(server, error) from error
        except SupervisorFault as fault:
            if fault.code == "UNKNOWN_METHOD":
                raise Unknown(*(line.format(url=server.url) for line in NO_INTERFACE)) from fault
            raise Unknown(f"{server.url}: {fault}") from fault


def _unavailable(server: Server, error: SupervisorUnavailable) -> Unknown:
    answer = error.__cause__
    if isinstance(answer, FileNotFoundError):  # whoever typed it may have mistyped it
        return Unknown(f"there is no {server.url}: is that the address of the supervisord that runs?")
    if isinstance(answer, ConnectionRefusedError):
        return Unknown(
            f"nobody listens there: {server.url}. Is that the address of the supervisord that runs?"
        )
    if not isinstance(answer, xmlrpc.client.ProtocolError):
        return Unknown(str(error))
    if answer.errcode != NOT_ALLOWED:
        return Unknown(
            f"what answers at {server.url} is no supervisord: {answer.errcode} {answer.errmsg}; is it the "
            "address of [inet_http_server]?"
        )
    if server.username:
        return NotLetIn(f"{server.url} refused the user name {server.username!r} or its password (401)")
    return NotLetIn(WANTED.format(url=server.url))
