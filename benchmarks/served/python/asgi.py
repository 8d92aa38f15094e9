"""The measured ASGI application: it answers its version after some 10 ms, like a small real one."""

import asyncio

VERSION = "1"


async def app(scope, receive, send):
    """Answer every path alike; nothing here knows of reloads."""
    if scope["type"] == "lifespan":
        while True:
            phase = (await receive())["type"]
            await send({"type": f"{phase}.complete"})
            if phase == "lifespan.shutdown":
                return
    await asyncio.sleep(0.01)
    body = f"version {VERSION}\n".encode()
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
