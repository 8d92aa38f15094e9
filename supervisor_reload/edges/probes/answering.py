"""Readiness by an answer, proved to be the new process's: ``tcp://`` accepts, ``http://`` says 2xx.

A probe is one attempt within one wall-clock limit, whatever the endpoint does: it reads a bounded number
of bytes, follows no redirect, and sends nothing but one GET.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import threading
import time
from urllib.parse import SplitResult, urlsplit

from ...core.model import ReadySettings
from ..processes import tree
from .connections import holder, holds, server_end, why_hidden

HEAD_LIMIT = 64 * 1024
"""Bytes: more than any server sends before its body."""

STATUS = re.compile(rb"HTTP/\d(?:\.\d)? (\d{3})[ \r]")


def tcp(ready: ReadySettings, pid: int, limit: float, ended: threading.Event) -> str | None:
    """Whether the process accepts connections; None, or why not."""
    return _probe(ready, pid, limit, ended, ask=False)


def http(ready: ReadySettings, pid: int, limit: float, ended: threading.Event) -> str | None:
    """Whether the process answers a GET with 2xx; None, or why not."""
    return _probe(ready, pid, limit, ended, ask=True)


def _probe(ready: ReadySettings, pid: int, limit: float, ended: threading.Event, *, ask: bool) -> str | None:
    deadline = time.monotonic() + limit
    try:
        url = urlsplit(ready.address)
        address = (url.hostname or "", url.port or (443 if url.scheme == "https" else 80))
        with socket.create_connection(address, timeout=limit) as connection:
            refusal = _refuse_stranger(connection, pid, deadline, ended)
            if refusal or not ask:
                return refusal
            if url.scheme != "https":
                return _get(connection, url, deadline)
            connection.settimeout(_left(deadline))
            with _trusting().wrap_socket(connection, server_hostname=url.hostname) as secured:
                return _get(secured, url, deadline)
    except TimeoutError:
        return f"no answer from {ready.address} within {limit:g} s"
    except (OSError, ValueError) as error:
        return f"{ready.address}: {error}"


def _refuse_stranger(
    connection: socket.socket, pid: int, deadline: float, ended: threading.Event
) -> str | None:
    """Why the other end is not the new process; None where it is, or where the kernel can't tell."""
    pause = 0.001
    while (end := server_end(connection)) is not None and end.is_waiting:
        if time.monotonic() >= deadline or ended.wait(pause):
            return "connected, but nobody accepted the connection"
        pause = min(0.02, pause * 2)
    if end is None:  # not on this machine, so nothing can be proved or disproved; or gone
        reset = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return f"connected, then: {os.strerror(reset)}" if reset else None
    if not end.inode:
        return "connected, and the connection was closed at once, by whom can't be told"
    processes = tree(pid)
    if holds(processes, end.inode):
        return None
    stranger = holder(end.inode)
    if not stranger and (hidden := why_hidden(processes)):
        return hidden
    return f"answered by {stranger or 'another process'}, not by the new process {pid}"


def _get(connection: socket.socket, url: SplitResult, deadline: float) -> str | None:
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    request = f"GET {path} HTTP/1.1\r\nHost: {url.netloc.rpartition('@')[2]}\r\n"
    request += "User-Agent: supervisor-reload\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    connection.settimeout(_left(deadline))
    connection.sendall(request.encode("ascii", "replace"))
    head = b""
    while b"\r\n\r\n" not in head and len(head) < HEAD_LIMIT:
        connection.settimeout(_left(deadline))
        block = connection.recv(4096)
        if not block:
            break
        head += block
    status = STATUS.match(head)
    if status is None:
        return f"no HTTP answer but {head[:60]!r}"
    return None if status[1].startswith(b"2") else f"HTTP status {status[1].decode()}"


def _trusting() -> ssl.SSLContext:
    """The probe asks whether the process answers, not who it says it is."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
