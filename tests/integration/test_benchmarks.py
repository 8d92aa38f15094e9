"""The load generator counts everything that goes wrong, and the table's numbers are what they are called."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest

from benchmarks import big_tree
from benchmarks.experiment import Outcome
from benchmarks.load import Load, Request
from benchmarks.table import quantile, render
from tests.integration.supervisord import free_port

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


async def _meet(behave: str, *, keep_alive: bool = False) -> Load:
    """Send a few requests to a server that misbehaves in one way."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            if behave == "reset":
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                break
            if behave == "hang":
                await reader.read()
                break
            writer.write({"cut": WHOLE[:-1], "500": WHOLE.replace(b"200 OK", b"500 No")}.get(behave, WHOLE))
            if not keep_alive or behave == "cut":
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    load = Load("127.0.0.1", port, clients=2, pause=0.001, keep_alive=keep_alive, limit=0.2)
    running = asyncio.create_task(load.run())
    while len(load.requests) < 6:  # the caller's limit ends it
        await asyncio.wait({running}, timeout=0.005)
    load.over.set()
    await running
    server.close()
    await server.wait_closed()
    return load


@pytest.mark.parametrize(
    ("behave", "error"),
    [("well", ""), ("cut", "cut"), ("500", "status 500"), ("reset", "reset"), ("hang", "timeout")],
)
@pytest.mark.parametrize("keep_alive", [False, True])
def test_every_kind_of_loss_is_counted(behave: str, error: str, keep_alive: bool) -> None:
    """What the server does to a request is what is written down, for every request."""
    load = asyncio.run(asyncio.wait_for(_meet(behave, keep_alive=keep_alive), 20))
    assert {request.error for request in load.requests} == {error}
    assert load.errors == (len(load.requests) if error else 0)
    assert set(load.seen) == (set() if error else {"hi"})


def test_nobody_listening_is_refused() -> None:
    """A closed port counts as refused, and the clients go on asking."""

    async def go() -> Load:
        load = Load("127.0.0.1", free_port(), clients=1, pause=0.001)
        asyncio.get_running_loop().call_later(0.1, load.over.set)
        await asyncio.wait_for(load.run(), 10)
        return load

    load = asyncio.run(go())
    assert len(load.requests) > 1
    assert {request.error for request in load.requests} == {"refused"}


def test_latency_begins_before_the_connect_and_ends_with_the_last_byte() -> None:
    """A server that waits before its last byte makes the request as long as that."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(WHOLE[:-1])
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.write(WHOLE[-1:])
        writer.close()

    async def go() -> Load:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        load = Load("127.0.0.1", server.sockets[0].getsockname()[1], clients=1, pause=0.001)
        asyncio.get_running_loop().call_later(0.05, load.over.set)
        await asyncio.wait_for(load.run(), 10)
        server.close()
        await server.wait_closed()
        return load

    load = asyncio.run(go())
    assert [request.error for request in load.requests] == [""]
    assert load.requests[0].seconds >= 0.1


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1.0), (0.5, 50.0), (0.99, 99.0), (0.995, 100.0), (1.0, 100.0)]
)
def test_quantile_is_the_nearest_rank(share: float, value: float) -> None:
    """No interpolation: the value is one that was measured."""
    assert quantile([float(n) for n in range(1, 101)], share) == value


def test_the_table_leaves_nothing_out() -> None:
    """Errors are told by kind, missed saves are named, and windows separate the latencies."""
    outcome = Outcome("a tool", saves=2, missed=1, restarts=3, seconds=2.0, delays=[0.35])
    outcome.windows = [(10.0, 11.0)]
    outcome.requests = [
        Request(9.0, 0.010, ""),
        Request(9.999, 0.020, ""),  # begins outside, ends inside
        Request(10.5, 0.001, "refused"),
        Request(12.0, 0.030, ""),
    ]
    text = render([outcome], [0.1, 0.15, 0.2])
    rows = {line.split("  ")[0].strip() or line: line for line in text.splitlines()}
    assert "2, 1 never served" in rows["saves"]
    assert "1 (1 refused)" in rows["errors"]
    assert "20.0 ms / 20.0 ms / 20.0 ms" in text  # while reloading, and the refused one is no answer
    assert "20.0 ms / 10.0 ms / 30.0 ms" in text  # steady
    assert "200 ms" in text  # 350 less 150


@pytest.mark.integration
def test_a_big_tree_is_measured_for_every_tool(monkeypatch, capsys) -> None:
    """Our row has every number; the others' rows are there, and say why where a number is missing."""
    monkeypatch.setattr(big_tree, "QUIET", 0.3)
    sizes = ("--directories=8", "--files=20", "--node-modules=2", "--saves=1", "--idle=0.1")
    assert big_tree.main(list(sizes)) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = {line.split("  ")[0]: line.split()[1:] for line in lines[1:5]}
    assert set(rows) == {"supervisor_reload", "watchfiles", "watchmedo", "ratio to the best other"}
    armed, megabytes, cpu, delay, saves, missed, *remark = rows["supervisor_reload"]
    assert 0 < float(armed) < 20 < float(delay) < 2000
    assert 5 < float(megabytes) < 100 > float(cpu)
    assert (saves, missed) == ("1", "0")
    assert " ".join(remark).startswith("says itself: armed in")
