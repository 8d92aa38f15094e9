"""Words from an application to whoever reloads it: ready, draining, stopping, and a status.

It exists so that an application can say in one line what nobody else can know. It is imported by
applications, so it imports nothing but the standard library (and that only when a word is said), never
raises, never waits for longer than SEND_LIMIT, and does nothing where nobody listens.
"""

from __future__ import annotations

import os

SEND_LIMIT = 1.0
"""Seconds for one word, at most: a socket whose reader is stuck must not hold up an application."""

STATUS_LIMIT = 200
"""Characters of a status that are sent."""

ADDRESS_LIMIT = 107
"""Bytes of a unix socket's name, less the one that makes it abstract (unix(7))."""


def ready() -> bool:
    """Say that this process may receive work now; takes back ``stopping`` and ``draining``.

    Whether somebody was told: by the socket NOTIFY_SOCKET (sd_notify(3)) where it is set and answers, else
    under supervisord by its tokens on stdout, which it takes for an event where ``stdout_capture_maxbytes``
    is set. Never raises; returns within SEND_LIMIT. So do all of these functions.
    """
    return _say("READY=1")


def draining(active: int) -> bool:
    """Say that no new work is taken any more, and how many pieces of work are still in hand.

    Say it again whenever the number changes: with 0, ``drain=message`` is over.
    """
    try:
        count = max(0, int(active))
    except (TypeError, ValueError, OverflowError):
        return False
    return _say("STOPPING=1", f"X_ACTIVE={count}")


def stopping() -> bool:
    """Say that this process is about to end, or takes no work for another reason."""
    return _say("STOPPING=1")


def status(text: str) -> bool:
    """Say in a few words what goes on; it is shown while the process is not ready."""
    words = "".join(letter if letter.isprintable() else " " for letter in str(text))
    # a token inside would end the message, as supervisord reads it
    return _say("STATUS=" + words[:STATUS_LIMIT].replace("<!--", "<! --"))


def address(server_url: str, group: str, process: str) -> str:
    """Where one process under one supervisord sends its words, as NOTIFY_SOCKET names it.

    An abstract socket: no file, so nothing stale and no permissions; the kernel tells who sent a word.
    Whoever starts the process and whoever listens compute the same from SUPERVISOR_SERVER_URL,
    SUPERVISOR_GROUP_NAME and SUPERVISOR_PROCESS_NAME.
    """
    name = f"{group}:{process}"
    place = f"@supervisor-reload/{_digest(server_url)}/"
    if len(os.fsencode(place + name)) > ADDRESS_LIMIT:
        name = _digest(name)
    return place + name


def _digest(text: str) -> str:
    """Short and always the same. Two that are equal share a socket, which is seen and said when it opens."""
    import binascii  # hashlib would cost 3 ms of every boot through ``supervisor-reload exec``

    return f"{binascii.crc32(os.fsencode(text)):08x}"


def _say(*lines: str) -> bool:
    where = os.environ.get("NOTIFY_SOCKET", "")
    if where.startswith(("/", "@")) and _by_socket(where, "\n".join(lines)):
        return True
    # also where the socket is deaf: the event waits in supervisord until its listener is back
    return bool(os.environ.get("SUPERVISOR_ENABLED")) and _by_tokens("\n".join(lines))


def _by_socket(where: str, text: str) -> bool:
    import socket  # as above

    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(SEND_LIMIT)
            sender.connect(f"\0{where[1:]}" if where.startswith("@") else where)
            sender.sendall(text.encode("utf-8", "replace"))
    except (OSError, ValueError, AttributeError):  # nobody listens; no name for a socket; no such sockets
        return False
    return True


def _by_tokens(text: str) -> bool:
    """One write, shorter than what a pipe takes in one piece: no other output can come between."""
    # which of several processes on one stdout: supervisord knows only its own child's pid
    message = f"<!--XSUPERVISOR:BEGIN-->{text}\nX_PID={os.getpid()}<!--XSUPERVISOR:END-->"
    try:
        os.write(1, message.encode("utf-8", "replace"))
    except OSError:
        return False
    return True
