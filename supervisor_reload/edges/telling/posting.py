"""One POST of a document to a webhook, signed, with a limit on the wall's clock whatever the other side does.

It sends no document to any other host than the one that was configured, trusts no certificate that the system
does not, and reads a bounded answer. When to try again is ``delivering``'s.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import io
import os
import socket
import ssl
import stat
import time
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from ... import __version__
from ...core.notifying import NotifySettings
from .documents import Report

HEADER = "X-Supervisor-Reload-"

LIMIT = 10.0
"""Seconds for one POST, its redirects included."""

MOST_READ = 64 * 1024
"""Bytes of an answer's head: more than any server sends."""

MOST_REDIRECTS = 3

LONGEST_SECRET = 4096
"""Bytes of a file with a key."""

LATER = (408, 425, 429)
"""Statuses below 500 that say "not now" (RFC 9110, 8470, 6585)."""

REPEATED = (307, 308)
"""Redirects that keep the POST a POST (RFC 9110, 15.4)."""


class Verdict(NamedTuple):
    """What became of one try."""

    problem: str = ""
    """why it was not taken, with nothing secret in it; '' where it was"""
    is_final: bool = False
    """trying again would not help"""
    wait: float = 0.0
    """seconds that the other side asks us to wait"""


class _Redirected(Exception):
    """The server names another address, of its own."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address


def post(settings: NotifySettings, report: Report, limit: float = LIMIT) -> Verdict:
    """Send a document once: ``limit`` seconds at most, and as long as the resolver takes. Never raises."""
    try:
        body = report.to_json()
        headers = _headers(report, body, _key(settings))
        deadline = time.monotonic() + limit
        address = settings.url
        for _ in range(MOST_REDIRECTS + 1):
            try:
                return _send(address, body, headers, deadline)
            except _Redirected as redirected:
                address = redirected.address
        return Verdict(f"more than {MOST_REDIRECTS} redirects", is_final=True)
    except TimeoutError:
        return Verdict(f"no answer within {limit:g} s")
    except http.client.HTTPException:
        return Verdict("no HTTP answer")
    except ssl.SSLCertVerificationError as error:
        return Verdict(f"its certificate is not trusted: {error.verify_message}")
    except (OSError, ValueError) as error:
        return Verdict(str(getattr(error, "strerror", None) or error)[:200])


def signature(key: bytes, body: bytes) -> str:
    """As GitHub signs: ``sha256=`` and the HMAC in hexadecimal digits."""
    return f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"


def _key(settings: NotifySettings) -> bytes:
    """The key as it is now, so that it can be changed; b'' for none. Raises OSError and ValueError."""
    if not settings.secret_file:
        return settings.secret.encode("utf-8", "surrogateescape")
    key = _content(settings.secret_file).strip()
    if not key:
        raise ValueError(f"{settings.secret_file} holds no key")
    return key


def _content(path: str) -> bytes:
    """The first bytes of a file. Raises OSError, and ValueError for a FIFO: nobody may ever write to it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError(f"{path} is no file")
        return os.read(descriptor, LONGEST_SECRET)
    finally:
        os.close(descriptor)


def _headers(report: Report, body: bytes, key: bytes) -> dict[str, str]:
    headers = {
        "User-Agent": f"supervisor_reload/{__version__}",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        f"{HEADER}Event": report.event,
        f"{HEADER}Delivery": report.id,
        f"{HEADER}Time": report.time,
        "Connection": "close",
    }
    return headers | ({f"{HEADER}Signature": signature(key, body)} if key else {})


def _send(address: str, body: bytes, headers: Mapping[str, str], deadline: float) -> Verdict:
    """Raises _Redirected, TimeoutError, OSError, ValueError and http.client.HTTPException."""
    url = urlsplit(address)
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    lines = [f"POST {path} HTTP/1.1", f"Host: {url.netloc.rpartition('@')[2]}"]
    lines += [f"{name}: {value}" for name, value in {**headers, **_login(url)}.items()]
    with _connected(url, deadline) as connection:
        connection.settimeout(_left(deadline))
        connection.sendall("\r\n".join([*lines, "\r\n"]).encode("ascii", "replace") + body)
        return _judge(_answered(connection, deadline), address)


def _login(url: SplitResult) -> dict[str, str]:
    """User and password of a URL as HTTP carries them (RFC 7617)."""
    if "@" not in url.netloc:
        return {}
    login = f"{unquote(url.username or '')}:{unquote(url.password or '')}"
    return {"Authorization": f"Basic {base64.b64encode(login.encode()).decode('ascii')}"}


def _connected(url: SplitResult, deadline: float) -> socket.socket:
    host = url.hostname or ""
    port = url.port or (443 if url.scheme == "https" else 80)
    connection = socket.create_connection((host, port), timeout=_left(deadline))
    if url.scheme != "https":
        return connection
    try:
        connection.settimeout(_left(deadline))
        return ssl.create_default_context().wrap_socket(connection, server_hostname=host)
    except BaseException:
        connection.close()
        raise


def _left(deadline: float) -> float:
    """Seconds until then. Raises TimeoutError when there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _Source(io.RawIOBase):
    """What the other side sends, until the deadline, and so many bytes of it; for http.client to read."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection, self._deadline, self._most = connection, deadline, MOST_READ
        self._reader = io.BufferedReader(self)

    def makefile(self, _mode: str) -> io.BufferedIOBase:
        return self._reader

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._most <= 0:
            raise http.client.HTTPException(f"more than {MOST_READ} bytes")
        self._connection.settimeout(_left(self._deadline))
        count = self._connection.recv_into(buffer[: self._most])
        self._most -= count
        return count


def _answered(connection: socket.socket, deadline: float) -> http.client.HTTPResponse:
    """The head of the answer; its body is nobody's business."""
    source = _Source(connection, deadline)
    responses: list[http.client.HTTPResponse] = []  # kept, since each closes the source at its end
    try:
        while not responses or responses[-1].status < 200:  # such as 100 Continue
            responses.append(http.client.HTTPResponse(source, method="POST"))  # type: ignore[arg-type]
            responses[-1].begin()
        return responses[-1]
    finally:
        for response in responses:  # else each flushes the source at its end: Python 3.13 logs that it can't
            response.fp = None  # type: ignore[assignment]


def _judge(response: http.client.HTTPResponse, address: str) -> Verdict:
    """What a status means. Raises _Redirected."""
    status = response.status
    if status < 300:
        return Verdict()
    if status < 400:
        return _follow(status, response.headers.get("Location", ""), address)
    if status < 500 and status not in LATER:
        return Verdict(f"it answered {status}", is_final=True)
    asked = response.headers.get("Retry-After", "").strip()
    wait = float(asked[:6]) if asked.isascii() and asked.isdigit() else 0.0
    return Verdict(f"it answered {status}", wait=wait)


def _follow(status: int, location: str, address: str) -> Verdict:
    """Raises _Redirected where the way leads back to the same server, as a POST."""
    wanted = urljoin(address, location) if location.isprintable() and location.isascii() else ""
    if status in REPEATED and location and " " not in wanted and _server(wanted) == _server(address):
        user, at, _ = urlsplit(address).netloc.rpartition("@")
        parts = urlsplit(wanted)
        raise _Redirected(parts._replace(netloc=user + at + parts.netloc.rpartition("@")[2]).geturl())
    return Verdict(f"it answered {status}, a redirect: set notify_url to where it leads", is_final=True)


def _server(address: str) -> tuple[str, str | None, int | None]:
    url = urlsplit(address)
    return url.scheme, url.hostname, url.port or (443 if url.scheme == "https" else 80)
