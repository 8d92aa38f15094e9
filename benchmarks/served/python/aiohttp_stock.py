"""aiohttp on the socket that supervisord opened, as its documentation starts it: ``run_app``."""

import asyncio
import socket

from aiohttp import web

VERSION = "1"


async def answer(request):
    """Every path alike."""
    await asyncio.sleep(0.01)
    return web.Response(text=f"version {VERSION}\n")


def application():
    """The application; nothing here knows of reloads."""
    made = web.Application()
    made.router.add_get("/{path:.*}", answer)
    return made


if __name__ == "__main__":
    web.run_app(application(), sock=socket.socket(fileno=0), access_log=None, print=None)
