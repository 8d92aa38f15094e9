"""The event protocol reader (edges/listening), fed as supervisord's pipe would, in pieces of any size.

The first byte of an input is the size of the pieces. What must hold: it acknowledges, tells facts, and ends
by saying so, once; nothing else comes out, whatever came in.
"""

from __future__ import annotations

import io
from random import Random

from supervisor_reload.core.facts import Fact, ListenerClosed
from supervisor_reload.core.model import ReadySettings, SlotName, SlotSettings
from supervisor_reload.edges.listening import OK, READY, Listener
from supervisor_reload.edges.notices import Notices

from .mutating import NUMBERS

PAYLOADS = {
    b"PROCESS_STATE_EXITED": b"processname:web_00 groupname:web from_state:RUNNING expected:0 pid:12",
    b"PROCESS_STATE_RUNNING": "processname:w\u00e9b groupname:web from_state:STARTING pid:1".encode(),
    b"PROCESS_GROUP_ADDED": b"groupname:web",
    b"PROCESS_COMMUNICATION_STDOUT": b"processname:web groupname:web pid:1\nREADY=1\nSTATUS=a b\nX_ACTIVE=3",
    b"PROCESS_LOG_STDERR": b"processname:web groupname:web pid:1 channel:stderr\nTraceback\n",
    b"REMOTE_COMMUNICATION": b'type:reload\n{"verb": "pause"}',
    b"SUPERVISOR_STATE_CHANGE_STOPPING": b"",
    b"TICK_5": b"when:1201063880",
}
FIELDS = [b"ver:3.0", b"server:supervisor", b"serial:21", b"pool:reload", b"poolserial:10"]
TOKENS = (
    *FIELDS, *PAYLOADS, *PAYLOADS.values(), *NUMBERS, b"len:", b"eventname:", b"pid:", b"groupname:",
    b"processname:", b" len:" + b"9" * 11, b" len:-1", b" len:" + b"9" * 30, b"len:7 len:", b"\r\n",
)  # fmt: skip

PIECES = 300
"""Most pieces of one input: more cost time, and show nothing new."""


class Events:
    """A Reader."""

    name = "events"
    tokens = TOKENS

    def __init__(self) -> None:
        told = SlotSettings(name=SlotName("web:web"), ready=ReadySettings(scheme="message"))
        self._notices = Notices([told])
        whole = [event(name, payload) for name, payload in PAYLOADS.items()]
        self.seeds = [b"\xff" + each for each in whole] + [b"\3" + b"".join(whole), b"\0" + whole[0] * 20]

    def fresh(self, chance: Random) -> bytes:
        """Some events, of which some say the wrong length."""
        said = b""
        for _ in range(chance.randint(1, 4)):
            name, payload = chance.choice(list(PAYLOADS.items()))
            length = chance.choice(NUMBERS) if chance.random() < 0.3 else None
            said += event(name, payload * chance.choice((1, 1, 1, 2, 300)), length)
        return bytes([chance.choice((0, 1, 7, 255))]) + said

    def read(self, data: bytes) -> None:
        """As in a listener, to the end of the stream."""
        pieces = io.BufferedReader(Pieces(data[1:], size=data[0] + 1 if data else 1))
        stdin = io.TextIOWrapper(pieces, encoding="utf-8", errors="surrogateescape", newline="\n")
        stdout, facts = io.StringIO(), list[Fact]()
        Listener(stdin, stdout, facts.append, self._notices.hear)._listen()
        ends = [fact for fact in facts if isinstance(fact, ListenerClosed)]
        assert len(ends) == 1 and facts[-1] is ends[0], "it did not end once, at the end"
        answers = stdout.getvalue().count(OK)
        assert stdout.getvalue() == READY + (OK + READY) * answers, "a stray byte on stdout"
        assert len(ends[0].reason) < 1000, "a reason without a limit"

    def close(self) -> None:
        """The notices' pipe."""
        self._notices.close()


def event(name: bytes, payload: bytes, length: bytes | None = None) -> bytes:
    """One event as supervisord writes it; ``length`` is what it says of its payload."""
    size = b"%d" % len(payload.decode(errors="replace")) if length is None else length
    return b" ".join(FIELDS) + b" eventname:%b len:%b\n%b" % (name, size, payload)


class Pieces(io.RawIOBase):
    """A stream that gives about ``size`` bytes at a time, as a pipe may."""

    def __init__(self, data: bytes, size: int) -> None:
        self._left, self._size = data, max(size, len(data) // PIECES)

    def readable(self) -> bool:
        """For io."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """The next piece."""
        piece = self._left[: min(self._size, len(buffer))]
        self._left = self._left[len(piece) :]
        buffer[: len(piece)] = piece
        return len(piece)
