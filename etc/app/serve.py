"""uvicorn on the socket of fd 0, with a calmer way to leave: ``uvicorn web:app --fd 0`` and a lame duck.

When plain uvicorn is asked to leave, it closes connections that it has accepted and not yet read: a few
requests in ten thousand under load, for which nobody outside can do anything. This one stops accepting (on a
shared socket another process does), answers what is still said for GRACE seconds, then leaves as always.
"""

import asyncio

import uvicorn

GRACE = 0.3  # seconds; longer than a client needs to send what it has begun


class LameDuck(uvicorn.Server):
    """A uvicorn server that listens no more, but still answers, before it closes its connections."""

    async def shutdown(self, sockets=None):
        """Close the door, serve who is inside, then do what uvicorn does."""
        for server in self.servers:
            server.close()
        # a client that keeps its connection learns from its next answer that it must make a new one
        self.server_state.default_headers.append((b"connection", b"close"))
        await asyncio.sleep(GRACE)
        await super().shutdown(sockets)


if __name__ == "__main__":
    LameDuck(uvicorn.Config("web:app", fd=0, access_log=False)).run()
