"""The measured WSGI application: it answers its version after some 10 ms, like a small real one."""

import time

VERSION = "1"


def application(environ, start_response):
    """Answer every path alike; nothing here knows of reloads."""
    time.sleep(0.01)
    body = f"version {VERSION}\n".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
