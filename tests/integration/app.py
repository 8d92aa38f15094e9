"""A real, tiny HTTP server for the integration tests: asyncio, on fd 0 or on a port of its own.

It answers every request with the text of ``code.TEXT`` and its pid, drains on TERM, and boots quickly.
"""

import asyncio
import os
import signal
import socket
import sys

import code_under_test as code  # the watched module: beside this file in the test's directory


async def handle(reader, writer):
    try:
        await reader.readuntil(b"\r\n\r\n")
        body = f"{code.TEXT} {os.getpid()}".encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    listening = socket.create_server(("127.0.0.1", port)) if port else socket.socket(fileno=0)
    server = await asyncio.start_server(handle, sock=listening)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    server.close()
    await asyncio.sleep(0.05)


asyncio.run(main())
