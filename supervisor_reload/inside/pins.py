"""The kept sockets: a copy of each listening socket, by its URL. When to keep or let go is decided elsewhere.

They are bare descriptors, no socket objects: nothing closes one by being collected. And because supervisord
closes descriptors by number, each is compared with what it led to when it was made before it is used or
closed.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .descriptors import Identity, best_copy, identity, low_copy, path_identity


@dataclass(slots=True, kw_only=True)
class Pin:
    """One kept socket."""

    url: str
    fd: int
    identity: Identity | None
    is_high: bool
    """whether its number is out of reach when supervisord closes descriptors at a restart"""
    config: Any
    """the socket configuration that used it last"""
    path: str
    """of a unix socket; '' for others"""
    path_identity: Identity | None
    group: str
    idle_since: float | None = None
    """``time.monotonic`` when the last process of its group was gone; None while there is one"""

    @property
    def port(self) -> int | None:
        """The TCP port; None for a unix socket."""
        return getattr(self.config, "port", None)

    def is_open(self) -> bool:
        """Whether the descriptor still leads to our socket."""
        return self.identity is not None and identity(self.fd) == self.identity

    def suits(self, config: Any) -> bool:
        """Whether a group with this configuration can use it as if it had just been bound."""
        if self.path and path_identity(self.path) != self.path_identity:
            return False  # somebody removed or replaced the file: nobody could connect
        same = all(
            getattr(config, key, None) == getattr(self.config, key, None) for key in ("url", "owner", "mode")
        )
        return same and self.is_open()


class Pins:
    """All kept sockets of one supervisord."""

    def __init__(self) -> None:
        self._pins: dict[str, Pin] = {}

    def __iter__(self) -> Iterator[Pin]:
        return iter(list(self._pins.values()))

    def get(self, url: str) -> Pin | None:
        """The kept socket of a URL."""
        return self._pins.get(url)

    def keep(self, config: Any, sock: socket.socket, floor: int, group: str) -> Pin:
        """Keep a copy of a socket, at descriptor ``floor`` or above where that can be. Raises OSError."""
        self.release(config.url)
        fd = best_copy(sock.fileno(), floor)
        path = str(getattr(config, "path", None) or "")
        pin = Pin(
            url=config.url,
            fd=fd,
            identity=identity(fd),
            is_high=fd >= floor,
            config=config,
            path=path,
            path_identity=path_identity(path) if path else None,
            group=group,
        )
        self._pins[pin.url] = pin
        return pin

    def adopt(self, config: Any) -> socket.socket | None:
        """A socket object of its own for the kept socket; None, and no pin any more, where it does not suit.

        Raises OSError.
        """
        pin = self._pins.get(config.url)
        if pin is None:
            return None
        if not pin.suits(config):
            self.release(pin.url)
            return None
        sock = socket.socket(fileno=low_copy(pin.fd))
        if pin.config is not config:
            # After an update the program may be another one, which expects what a new socket is: blocking.
            # The same program gets it as its predecessor left it, whose orphans may still wait on it.
            sock.setblocking(True)
            pin.config = config
        return sock

    def release(self, url: str) -> bool:
        """Close our copy; whether there was one."""
        pin = self._pins.pop(url, None)
        if pin is None:
            return False
        if pin.is_open():
            os.close(pin.fd)
        return True
