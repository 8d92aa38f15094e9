"""The web program of these examples: plain ASGI, so that it needs nothing but a server."""

import asyncio
from urllib.parse import parse_qs

VERSION = "1"  # edit this line, save, and ask again


async def app(scope, receive, send):
    """Answer ``/`` with the version after some 10 ms, ``/slow?seconds=2`` after two seconds."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    status, text = 200, f"version {VERSION}\n"
    if scope["path"] == "/":
        await asyncio.sleep(0.01)
    elif scope["path"] == "/slow":
        wanted = parse_qs(scope["query_string"]).get(b"seconds", [b"1"])[0]
        try:
            await asyncio.sleep(min(max(float(wanted), 0.0), 60.0))
        except ValueError:
            status, text = 400, "seconds must be a number\n"
    elif scope["path"] != "/healthz":
        status, text = 404, "not found\n"
    body = text.encode()
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive, send):
    while True:
        phase = (await receive())["type"]
        await send({"type": f"{phase}.complete"})
        if phase == "lifespan.shutdown":
            return
