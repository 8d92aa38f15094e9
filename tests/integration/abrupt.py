"""A keep-alive server that dies of TERM at once: only a measured drain saves its requests.

/slow answers after 1.5 s, /stream never ends, everything else is answered at once.
"""

import asyncio
import os
import sys

import code_under_test as code  # the watched module: beside this file in the test's directory


async def handle(reader, writer):
    try:
        while line := await reader.readline():
            while await reader.readline() != b"\r\n":
                pass
            path = line.split()[1]
            while path == b"/stream":
                writer.write(b"data: x\n\n")
                await writer.drain()
                await asyncio.sleep(0.05)
            await asyncio.sleep(1.5 if path == b"/slow" else 0)
            body = f"{code.TEXT} {os.getpid()}".encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def main():
    await asyncio.start_server(handle, "127.0.0.1", int(sys.argv[1]))
    await asyncio.sleep(100_000)


asyncio.run(main())
