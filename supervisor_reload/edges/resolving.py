"""A host's addresses, within a limit. The C library has none for that, so another thread waits for it."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading

RESOLVING = 4
"""Threads that may wait for one host at a time; each ends when the resolver does."""


def resolved(host: str, port: int, limit: float) -> list[tuple[int, tuple[str, int]]]:
    """The addresses of a host, each with its family, within ``limit`` seconds.

    Raises TimeoutError and OSError.
    """
    answers: queue.SimpleQueue[list[tuple[int, tuple[str, int]]] | OSError] = queue.SimpleQueue()
    resolving = threading.Thread(target=_resolve, args=(host, port, answers), daemon=True)
    with contextlib.suppress(OSError, UnicodeError):  # a number needs nobody
        return _addresses(host, port, socket.AI_NUMERICHOST)
    if sum(each.name == f"resolving {host}" for each in threading.enumerate()) >= RESOLVING:
        raise OSError(f"the resolver has not answered for {host!r} yet")
    resolving.name = f"resolving {host}"
    resolving.start()
    try:
        answer = answers.get(timeout=limit)
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def _resolve(host: str, port: int, answers: queue.SimpleQueue[object]) -> None:
    try:
        answers.put(_addresses(host, port, 0))
    except (OSError, UnicodeError) as error:
        answers.put(error if isinstance(error, OSError) else OSError(str(error)))


def _addresses(host: str, port: int, flags: int) -> list[tuple[int, tuple[str, int]]]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return [(family, name) for family, _, _, _, name in found]  # type: ignore[misc]
