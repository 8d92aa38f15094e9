"""A newcomer on a socket that others share: where they are faster, the probe opens a crowd of connections."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from pathlib import Path

import pytest

from supervisor_reload.edges.asking import CROWD
from supervisor_reload.edges.probes.answering import http
from supervisor_reload.edges.serving import waits
from tests.fakes.children import child
from tests.fakes.servers import ASLEEP, NEVER, at
from tests.integration.supervisord import wait_for

SERVER = """
import asyncio, os, socket
taken = os.open({taken!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
async def answer(reader, writer):
    os.write(taken, b".")
    if await reader.readline():
        writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")
        await writer.drain()
    writer.close()
async def serve():
    server = await asyncio.start_server(answer, sock=socket.socket(fileno=0))
    print("up", flush=True)
    await server.serve_forever()
asyncio.run(serve())
"""

TRIES = 60
"""A newcomer among four is found in one of two tries; of connections one by one it got 1 of 80."""


def test_every_newcomer_is_heard(listener: socket.socket, tmp_path: Path) -> None:
    """Each of four processes, though the others idle, and the kernel wakes the same ones first."""
    server = SERVER.format(taken=str(tmp_path / "taken"))
    with contextlib.ExitStack() as stack:
        pids = [stack.enter_context(child(server, stdin=listener.fileno())).pid for _ in range(4)]
        for pid in pids:
            assert any(http(at(listener), pid, 5.0, NEVER) is None for _ in range(TRIES))


@pytest.mark.parametrize("is_waiting", [True, False])
def test_a_crowd_only_for_who_waits(listener: socket.socket, tmp_path: Path, is_waiting: bool) -> None:
    """A process that boots still can't have taken any, however many there are."""
    taken = tmp_path / "taken"
    code = SERVER.format(taken=os.devnull) if is_waiting else ASLEEP
    with child(SERVER.format(taken=str(taken)), stdin=listener.fileno()) as old:
        assert http(at(listener), old.pid, 5.0, NEVER) is None
        with child(code, stdin=listener.fileno()) as new:
            wait_for(lambda: waits(new.pid) is is_waiting)
            os.kill(new.pid, signal.SIGSTOP)
            before = taken.stat().st_size
            said = http(at(listener), new.pid, 5.0, NEVER)
            assert said is not None
            assert said.startswith("answered by")
            wait_for(lambda: taken.stat().st_size >= before + 1 + CROWD * is_waiting)
            assert taken.stat().st_size == before + 1 + CROWD * is_waiting
