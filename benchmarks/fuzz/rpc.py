"""supervisord's answers (edges/supervisord): each input is the whole of what a unix socket says.

The first byte chooses the question. What must hold: an answer whose fields are of the types that the core
believes, or SupervisorUnavailable, or SupervisorFault, in one short sentence.
"""

from __future__ import annotations

import gzip
import socket
import xmlrpc.client
from collections.abc import Callable
from random import Random
from typing import Any

from supervisor_reload.core.configfacts import (
    GroupsCompared,
)
from supervisor_reload.core.errors import SupervisorFault, SupervisorUnavailable
from supervisor_reload.core.model import Process, ProcessState, SlotName
from supervisor_reload.edges.calling import Connection
from supervisor_reload.edges.supervisord import Supervisord

from .mutating import NUMBERS

WEB = SlotName("web:web_00")
SENTENCE = 1000
INFO: dict[str, Any] = {
    "name": "web_00", "group": "web", "description": "pid 42, uptime 0:00:01", "start": 1700000000,
    "stop": 0, "now": 1700000001, "state": 20, "statename": "RUNNING", "spawnerr": "", "exitstatus": 0,
    "logfile": "", "stdout_logfile": "", "stderr_logfile": "/nowhere/err.log", "pid": 42,
}  # fmt: skip
ODD: list[Any] = [
    None,
    True,
    -1,
    0,
    2**31 - 1,
    1.5,
    "",
    "x",
    "a b:c",
    "\u00e9" * 3000,
    [],
    {},
    [[1]],
    b"\xff",
    "EXITED",
]

Ask = Callable[[Supervisord], object]
QUESTIONS: tuple[Ask, ...] = (
    lambda edge: edge.processes(),
    lambda edge: edge.process(WEB),
    lambda edge: edge.reread(),
    lambda edge: edge.start(WEB),
    lambda edge: edge.signal(WEB, "TERM"),
    lambda edge: edge.add_group("web"),
)


class Rpc:
    """A Reader."""

    name = "rpc"

    def __init__(self) -> None:
        good = [
            [INFO, {**INFO, "name": "web_01", "statename": "EXITED"}],
            INFO,
            [[["a"], ["b"], []]],
            True,
            True,
        ]
        fault = xmlrpc.client.Fault(10, "BAD_NAME: web:web_00")
        self.seeds = [bytes([n]) + answer(_dumped(value)) for n, value in enumerate([*good, True])]
        self.seeds += [b"\0" + answer(xmlrpc.client.dumps(fault, allow_none=True).encode())]
        self.seeds += [b"\1" + answer(gzip.compress(_dumped(INFO)), more=b"Content-Encoding: gzip\r\n")]
        self.seeds += [b"\1" + answer(b"", b"401 Unauthorized"), b"\1HTTP/1.0 200 OK\r\n\r\n" + _dumped(INFO)]
        tags = "array data value int i4 i8 string struct member name params param methodResponse fault "
        tags += "boolean double dateTime.iso8601 base64 nil ex:nil bigdecimal float biginteger"
        self.tokens = [f"<{tag}>".encode() for tag in tags.split()] + [
            f"</{tag}>".encode() for tag in tags.split()
        ]
        self.tokens += [f"<{tag}/>".encode() for tag in tags.split()] + NUMBERS + [b"&amp;", b"&#0;", b"&x;"]
        self.tokens += [
            b"<!DOCTYPE r [<!ENTITY x 'yyyyyyyyyy'><!ENTITY y '&x;&x;&x;&x;'>]>",
            b"<![CDATA[",
            b"<?xml",
        ]
        self.tokens += [b"Content-Length: ", b"Transfer-Encoding: chunked\r\n", b"Content-Encoding: gzip\r\n"]
        self._said = b""
        self._edge = Supervisord("unix:///nowhere", limit=2.0)
        self._edge._transport._get_connection = lambda: _Prepared(self._said)

    def fresh(self, chance: Random) -> bytes:
        """Well-formed answers of which one field is odd."""
        info = {**INFO, chance.choice(list(INFO)): chance.choice(ODD)}
        if chance.random() < 0.2:
            del info[chance.choice(list(INFO))]
        value = chance.choice(
            (info, [info], [INFO, info], [info] * 300, [[[info], [], []]], chance.choice(ODD))
        )
        body = _dumped(value)
        if chance.random() < 0.2:
            fault = xmlrpc.client.Fault(chance.choice(ODD), chance.choice(ODD))
            body = xmlrpc.client.dumps(fault, allow_none=True).encode()
        length = chance.choice(NUMBERS) if chance.random() < 0.2 else None
        return bytes([chance.randrange(len(QUESTIONS))]) + answer(body, length=length)

    def read(self, data: bytes) -> None:
        """One call on a fresh connection."""
        self._edge.close()
        self._said = data[1:]
        try:
            answered = QUESTIONS[(data[0] if data else 0) % len(QUESTIONS)](self._edge)
        except (SupervisorUnavailable, SupervisorFault) as error:
            assert len(str(error)) < SENTENCE, "a sentence that no log line should hold"
            return
        for one in answered if isinstance(answered, tuple) else (answered,):
            assert one is None or _is_typed(one), "an answer of wrong types"
        self._edge.last_words(WEB, 100)

    def close(self) -> None:
        """The connection."""
        self._edge.close()


def _dumped(value: object) -> bytes:
    return xmlrpc.client.dumps((value,), methodresponse=True, allow_none=True).encode()  # type: ignore[arg-type]


def answer(
    body: bytes, status: bytes = b"200 OK", *, more: bytes = b"", length: bytes | None = None
) -> bytes:
    """A whole HTTP response as supervisord gives it; ``length`` is what it says of its body."""
    size = b"%d" % len(body) if length is None else length
    return b"HTTP/1.1 %b\r\nContent-Type: text/xml\r\n%bContent-Length: %b\r\n\r\n%b" % (
        status,
        more,
        size,
        body,
    )


def _is_typed(value: object) -> bool:
    if isinstance(value, GroupsCompared):
        names = (value.added, value.changed, value.removed)
        return all(isinstance(each, tuple) and all(isinstance(name, str) for name in each) for each in names)
    assert isinstance(value, Process)
    texts = (value.name, value.born, value.detail)
    is_pid = type(value.pid) is int and value.pid >= 0
    return all(isinstance(text, str) for text in texts) and is_pid and isinstance(value.state, ProcessState)


class _Prepared(Connection):
    """A connection to a socket that has said everything already, and hung up."""

    def __init__(self, said: bytes) -> None:
        super().__init__("localhost", timeout=2.0)
        self._said = said

    def connect(self) -> None:
        self.sock, other = socket.socketpair()
        with other:
            other.sendall(self._said)
            other.shutdown(socket.SHUT_WR)
            self._other = other.dup()  # open until we are closed: what we ask has to go somewhere
        self.sock.settimeout(self.timeout)

    def close(self) -> None:
        super().close()
        if hasattr(self, "_other"):
            self._other.close()
