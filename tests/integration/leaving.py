"""A real server on a socket that the test holds, as supervisord does, and clients that speak byte by byte."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.integration.supervisord import wait_for

HERE = Path(__file__).parent
LIMIT = 20.0
GET = b"GET %s HTTP/1.1\r\nHost: test\r\n\r\n"


class Client:
    """One connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=LIMIT)
        self._read = self.socket.makefile("rb")

    def say(self, text: bytes) -> None:
        self.socket.sendall(text)

    def head(self) -> bytes:
        """The next answer's head in lower case; empty where the connection ended."""
        lines = iter(self._read.readline, b"")
        taken = [next(lines, b"").lower()]
        while taken[-1].strip():
            taken.append(next(lines, b"").lower())
        return b"".join(taken)

    def answer(self) -> tuple[bytes, bytes]:
        """The next answer, whole: head and body of the length that it names."""
        head = self.head()
        _, found, rest = head.partition(b"content-length: ")
        return head, self._read.read(int(rest.split(b"\r\n")[0])) if found else b""

    def ask(self, path: bytes = b"/") -> tuple[bytes, bytes]:
        self.say(GET % path)
        return self.answer()

    def rest(self) -> bytes:
        """Everything until the other side ends the connection; ConnectionResetError where it breaks it."""
        return self._read.read()

    def close(self) -> None:
        self._read.close()
        self.socket.close()


class Leaving:
    """A server, its output, and its clients."""

    def __init__(self, argv: Sequence[str], stdin: int, port: int, log: Path, lifespan: str = "") -> None:
        self.port = port
        self._log = log
        self._clients: list[Client] = []
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                argv, stdin=stdin, stdout=out, stderr=out, cwd=HERE, env={**os.environ, "LIFESPAN": lifespan}
            )

    def log(self) -> str:
        return self._log.read_text(errors="backslashreplace")

    def wait_for_log(self, text: str) -> None:
        wait_for(lambda: text in self.log() or self.process.poll() is not None, LIMIT, text)
        assert text in self.log(), self.log()

    def client(self) -> Client:
        self._clients.append(Client(self.port))
        return self._clients[-1]

    def term(self, number: int = signal.SIGTERM) -> None:
        """Ask it to leave, and wait until its answers say so (connections that are open go on)."""
        scout = self.client()
        scout.ask()
        self.process.send_signal(number)
        wait_for(lambda: b"connection: close" in scout.ask()[0], LIMIT, "answers with Connection: close")

    def end(self) -> int:
        """The exit status, when it has left by itself."""
        return self.process.wait(LIMIT)

    def close(self) -> None:
        for client in self._clients:
            client.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
