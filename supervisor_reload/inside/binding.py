"""Puts us around the three methods through which a group of Supervisor comes to its socket, and off again.

Supervisor has no hook for this. The names are those of every 4.x; where one is missing, nothing is changed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from supervisor import datatypes, process

Original = Callable[[Any], Any]
Ours = Callable[[Any, Original], Any]

SOCKETS = ("InetStreamSocketConfig", "UnixStreamSocketConfig")


class Binding:
    """The methods that we took the place of."""

    def __init__(self, bind: Ours, spawn: Ours) -> None:
        """``bind`` and ``spawn`` get the object and the method that Supervisor would have called."""
        self._bind = bind
        self._spawn = spawn
        self._places: list[tuple[type[Any], str, Original, Original]] = []

    def install(self) -> None:
        """Take their places, once. Raises AttributeError, and changes nothing, where one is missing."""
        if self._places:
            return
        wanted = [(getattr(datatypes, name), "create_and_bind", self._bind) for name in SOCKETS]
        wanted.append((process.FastCGISubprocess, "spawn", self._spawn))
        places = []
        for owner, name, ours in wanted:
            original = getattr(owner, name)
            places.append((owner, name, original, _around(original, ours)))
        for owner, name, _, around in places:
            setattr(owner, name, around)
        self._places = places

    def remove(self) -> None:
        """Give every place back that nobody else has taken since."""
        for owner, name, original, around in self._places:
            if owner.__dict__.get(name) is around:
                setattr(owner, name, original)
        self._places = []


def _around(original: Original, ours: Ours) -> Original:
    @functools.wraps(original)
    def called(self: Any) -> Any:
        return ours(self, original)

    return called
