"""The same service for WSGI servers: ``/`` answers the version, ``/slow?seconds=2`` after two seconds."""

import time
from urllib.parse import parse_qs

VERSION = "1"  # edit this line, save, and ask again


def application(environ, start_response):
    """Answer one request."""
    status, text = "200 OK", f"version {VERSION}\n"
    if environ["PATH_INFO"] == "/":
        time.sleep(0.01)
    elif environ["PATH_INFO"] == "/slow":
        wanted = parse_qs(environ.get("QUERY_STRING", "")).get("seconds", ["1"])[0]
        try:
            time.sleep(min(max(float(wanted), 0.0), 60.0))
        except ValueError:
            status, text = "400 Bad Request", "seconds must be a number\n"
    elif environ["PATH_INFO"] != "/healthz":
        status, text = "404 Not Found", "not found\n"
    body = text.encode()
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
