"""aiohttp on supervisord's socket, and it leaves without dropping anybody: aiohttp's public API."""

import asyncio
import signal
import socket

from aiohttp import web

VERSION = "1"
GRACE = 1.0  # seconds that an idle connection has to speak once more


async def answer(request):
    """Every path alike."""
    await asyncio.sleep(0.01)
    return web.Response(text=f"version {VERSION}\n")


async def main():
    """Serve until TERM, then leave in three steps."""
    leaving = asyncio.Event()

    async def say_goodbye(request, response):
        if leaving.is_set():
            response.force_close()
            response.headers["Connection"] = "close"  # aiohttp has made up its mind before it asks us

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    application.on_response_prepare.append(say_goodbye)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=25.0)
    await runner.setup()
    site = web.SockSite(runner, socket.socket(fileno=0))
    await site.start()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, leaving.set)
    await leaving.wait()
    asyncio.get_running_loop().remove_reader(0)  # accept no more: on the shared socket the next process does
    await asyncio.sleep(GRACE)
    await runner.cleanup()  # closes what is idle, and waits for answers under way


if __name__ == "__main__":
    asyncio.run(main())
