"""Servers for tests of probes: each a child process that gets a listening socket as its descriptor 0."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from supervisor_reload.core.model import ReadySettings

from .children import child

NEVER = threading.Event()
"""For a probe that nobody ends."""

BLOCKING = """
import socket, sys, time
listener = socket.socket(fileno=0)
print("up", flush=True)
held = []
while True:
    connection, _ = listener.accept()
    held.append(connection)
    try:
        {answer}
    except OSError:
        pass
"""
REPLY = "connection.recv(65536); connection.sendall({!r})"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
EPOLL = """
import asyncio, socket
async def serve():
    await asyncio.start_server(lambda *_: None, sock=socket.socket(fileno=0))
    print("up", flush=True)
    await asyncio.sleep(1000)
asyncio.run(serve())
"""
EPOLL_BOOTING = 'import select, time; e = select.epoll(); print("up", flush=True); time.sleep(1000)'
ASLEEP = 'import time; print("up", flush=True); time.sleep(1000)'
FAMILY = """
import socket, subprocess, sys
subprocess.run([sys.executable, "-c", sys.argv[1]])
"""
CLOSES_WHEN_ASKED = """
import os, select, socket
listener = socket.socket(fileno=0)
print("up", flush=True)
select.select([listener], [], [])
listener.close()
"""


def at(listener: socket.socket, scheme: str = "http", path: str = "/ready?x=1") -> ReadySettings:
    host, port = listener.getsockname()[:2]
    return ReadySettings(scheme=scheme, address=f"{scheme}://{host}:{port}{path}")


@contextmanager
def answers(listener: socket.socket, answer: str) -> Iterator[int]:
    """A server that accepts with a blocking accept, and does this with every connection."""
    with child(BLOCKING.format(answer=answer), stdin=listener.fileno()) as process:
        yield process.pid
