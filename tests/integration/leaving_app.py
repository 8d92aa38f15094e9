"""What the servers of the lame duck tests serve: each path is one way to be busy when the server leaves."""

import asyncio
import os
import sys
import time


async def app(scope, receive, send):
    """Answer by path; ``LIFESPAN`` in the environment says what start and end of the application do."""
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass
    else:
        await PATHS.get(scope["path"], hello)(send)


async def hello(send, text=b"hello"):
    length = str(len(text)).encode()
    headers = [(b"content-length", length), (b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text})


async def slow(send):
    """An answer of which nothing is sent for a second."""
    print("slow began", file=sys.stderr, flush=True)
    await asyncio.sleep(1)
    await hello(send)


async def begun(send):
    """An answer that has begun, and goes on for a second."""
    headers = [(b"content-length", b"10")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"begun", "more_body": True})
    await asyncio.sleep(1)
    await send({"type": "http.response.body", "body": b"ended"})


async def endless(send):
    """A stream without an end."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while True:
        await send({"type": "http.response.body", "body": b"data: tick\n\n", "more_body": True})
        await asyncio.sleep(0.05)


async def block(send):
    """Hold the whole event loop for a second: nothing is accepted meanwhile."""
    print("block began", file=sys.stderr, flush=True)
    time.sleep(1)
    await hello(send)


async def wrong(send):
    raise RuntimeError("wrong on purpose")


PATHS = {"/slow": slow, "/begun": begun, "/endless": endless, "/block": block, "/wrong": wrong}


async def lifespan(receive, send):
    manner = os.environ.get("LIFESPAN", "")
    await receive()
    if manner == "slow start":
        print("start began", file=sys.stderr, flush=True)
        await asyncio.sleep(1)
    await send({"type": "lifespan.startup.complete"})
    await receive()
    if manner == "hang":
        await asyncio.sleep(60)
    print("application ended", file=sys.stderr, flush=True)
    await send({"type": "lifespan.shutdown.complete"})
