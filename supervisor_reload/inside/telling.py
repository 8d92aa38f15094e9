"""Tells what is true of each listening socket, for the interface's methods. It changes nothing."""

from __future__ import annotations

import socket
import time
from typing import Any

from . import groups
from .descriptors import low_copy
from .listeningsocket import UNKNOWN, has_nodelay, queue
from .pins import Pin
from .sockets import Sockets


def describe(supervisord: Any, sockets: Sockets) -> list[dict[str, Any]]:
    """One entry for each group with a socket, and for each kept socket whose group is gone."""
    told = []
    for name, group in groups.socket_groups(supervisord):
        url = str(groups.config_of(group).url)
        pin = sockets.pins.get(url)
        if pin is not None and pin.group != name:
            pin = None
        fd = pin.fd if pin else group.socket_manager.socket.fileno() if groups.holds(group) else None
        told.append(_entry(name, url, pin, fd))
    known = {(entry["group"], entry["url"]) for entry in told}
    told += [
        _entry(pin.group, pin.url, pin, pin.fd) for pin in sockets.pins if (pin.group, pin.url) not in known
    ]
    return told


def _entry(group: str, url: str, pin: Pin | None, fd: int | None) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "group": group,
        "url": url,
        "fd": pin.fd if pin else UNKNOWN,
        "pinned": pin is not None,
        "nodelay": False,
        "waiting": UNKNOWN,
        "backlog": UNKNOWN,
        "idle": UNKNOWN,
    }
    if pin is not None and pin.idle_since is not None:
        entry["idle"] = int(time.monotonic() - pin.idle_since)
    if fd is not None:
        with socket.socket(fileno=low_copy(fd)) as sock:
            entry["nodelay"] = has_nodelay(sock)
            entry["waiting"], entry["backlog"] = queue(sock)
    return entry
