"""The sd_notify reader: its parser in this process (edges/sayings), and its sockets (edges/notices).

For the parser an input is the text of some datagrams, parted by NUL; the byte after each NUL says who sends.
For the sockets another process sends what it makes of the input, with and without credentials that it may not
use, with descriptors, in floods. What must hold: bounded words, bounded memory, no descriptor left, a good
word heard afterwards.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from random import Random

from supervisor_reload.core.model import ReadySettings, SlotName, SlotSettings
from supervisor_reload.edges.ancestry import Origin
from supervisor_reload.edges.notices import Notices
from supervisor_reload.edges.sayings import PROCESSES, SENDERS, STATUS_LIMIT, Sayings, parse

from .mutating import NUMBERS

ASSIGNMENTS = [
    b"READY=1", b"READY=0", b"RELOADING=1", b"STOPPING=1", b"STATUS=Serving 3 requests", b"X_ACTIVE=%b",
    b"X_PID=%b", b"MAINPID=%b", b"WATCHDOG=1", b"FDSTORE=1", b"ERRNO=%b", b"MONOTONIC_USEC=%b", b"BARRIER=1",
    b"STATUS=\x1b[2J\r\nFAKE LINE \xff\xfe", "STATUS=\u202e\U0001f600\u2028".encode(),
    b"STATUS=" + b"\0" * 300,
    b"=", b"==", b"READY", b"READY=1=1", b" READY=1", b"ready=1", b"X_ACTIVE=-1", b"STATUS=" + b"x" * 5000,
]  # fmt: skip
SEEDS = (b"READY=1\nSTATUS=up\nX_ACTIVE=0", b"X_ACTIVE=3\0\1X_ACTIVE=4\nX_PID=7\0\2READY=1\n", b"\0\0\0\0")
TOKENS = (*ASSIGNMENTS, *NUMBERS, b"\0\1", b"\0\xff", b"\n", b"STATUS=", b"X_ACTIVE=", b"X_PID=", b"READY=")

LONGEST_STATUS = STATUS_LIMIT * len(r"\U0001f600")
LIMIT = 5.0


class Words:
    """A Reader."""

    name = "sd_notify"
    seeds = SEEDS
    tokens = TOKENS

    def __init__(self) -> None:
        self._sayings = Sayings(look=self._origin)

    @staticmethod
    def _origin(pid: int) -> Origin | None:
        return Origin(pid, 1, pid) if pid % 3 else None  # a third has gone

    def fresh(self, chance: Random) -> bytes:
        """Some datagrams of some assignments."""
        lines = [chance.choice(ASSIGNMENTS) for _ in range(chance.randint(1, 8))]
        lines = [line.replace(b"%b", chance.choice(NUMBERS)) for line in lines]
        ends = (b"\n", b"\n", b"\r\n", b"\0" + chance.randbytes(1))
        return b"".join(line + chance.choice(ends) for line in lines)

    def read(self, data: bytes) -> None:
        """What the sockets' thread does with a datagram whose sender may speak."""
        for datagram in data.split(b"\0"):
            sender = 1 + 7 * datagram[0] if datagram else 1
            said = parse(datagram[1:].decode("utf-8", "replace"))
            assert said.status is None or said.status.isprintable(), "a status that would break a log"
            assert len(said.status or "") <= LONGEST_STATUS, "a status without a limit"
            assert 0 <= (said.active or 0) < 10**9 and 0 <= said.sender < 10**9, "a number without a limit"
            process = Origin(1 + said.sender % (2 * PROCESSES), 1, 1 + said.sender % (2 * PROCESSES))
            self._sayings.add(process, said.sender or sender, said)
            heard = self._sayings.of(process.pid)
            assert heard is None or (heard.in_hand or 0) >= 0
            assert heard is None or len(heard.active) <= SENDERS + 1, "more senders than the limit"
        assert len(self._sayings._said) <= PROCESSES, "more processes than the limit"

    def close(self) -> None:
        """Nothing is open."""


SPEAKER = """
import array, os, random, socket, struct, sys
to, me = "\\0" + sys.argv[1], os.getpid()
flood, handed = int(sys.argv[2]), os.open("/dev/null", os.O_RDONLY)
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
    s.connect(to)
    while size := sys.stdin.buffer.read(4):
        data = sys.stdin.buffer.read(int.from_bytes(size, "big"))
        for number in range(flood):
            chance, more = random.Random(data + bytes([number])), []
            if chance.random() < 0.4:
                fds = array.array("i", [handed] * chance.choice((1, 2, 100, 253)))
                more.append((socket.SOL_SOCKET, socket.SCM_RIGHTS, fds))
            if chance.random() < 0.3:
                who = chance.choice((me, 1, 2**30, os.getppid()))
                more.append((socket.SOL_SOCKET, socket.SCM_CREDENTIALS, struct.pack("3i", who, 0, 0)))
            cut = data[: chance.choice((0, 1, 4095, 4096, 4097, 10**6, 10**6))]
            for attached in (more, more[:1], []):
                try:
                    s.sendmsg([cut], attached)
                    break
                except OSError:
                    pass  # not ours to use, or too long: with less
        s.send(b"READY=1\\nX_PID=%d\\nX_ACTIVE=%d" % (me, len(data)))
        print(flush=True)
"""


class Sockets(Words):
    """The same on a real socket: each input is a flood, and after it a good word."""

    name = "sd_notify-socket"
    flood = 12

    def __init__(self) -> None:
        super().__init__()
        where = f"supervisor-reload-fuzz/{os.getpid()}/{time.monotonic_ns()}"
        ready = ReadySettings(scheme="notify", address=f"@{where}")
        slot = SlotSettings(name=SlotName("web:web"), ready=ready, notify_socket=f"@{where}")
        self._notices = Notices([slot], os.getpid())
        self._notices.start()
        self._speaker = subprocess.Popen(
            [sys.executable, "-c", SPEAKER, where, str(self.flood)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._open = len(os.listdir("/proc/self/fd")) + 1  # with the one that lists them

    def read(self, data: bytes) -> None:
        """Have it sent; wait for the good word; count descriptors."""
        assert self._speaker.stdin is not None and self._speaker.stdout is not None
        self._speaker.stdin.write(len(data).to_bytes(4, "big") + data)
        self._speaker.stdin.flush()
        assert self._speaker.stdout.readline(), "the speaker has ended"
        deadline = time.monotonic() + LIMIT
        while (self._heard() or -1) != len(data) and (self._heard() or 0) != len(data):
            assert time.monotonic() < deadline, "a good word after the flood was not heard"
            time.sleep(0.0005)
        assert len(os.listdir("/proc/self/fd")) <= self._open, "a descriptor that a sender attached is open"
        assert all(not ear.why_deaf for ear in self._notices._ears.values()), "it fell deaf"

    def _heard(self) -> int | None:
        said = self._notices.said(self._speaker.pid)
        return None if said is None else said.active.get(self._speaker.pid)

    def close(self) -> None:
        """The speaker, and the listening thread."""
        assert self._speaker.stdin is not None and self._speaker.stdout is not None
        self._speaker.stdin.close()
        self._speaker.stdout.close()
        self._speaker.kill()
        self._speaker.wait()
        self._notices.close()
