"""What a way is: how its tree is laid, what is done in each try, and how many rollouts that must be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .site import Site

Act = Callable[[Site, int], object]
"""Does it once; the number counts the tries from 1, and is the version that is written"""

Lay = Callable[[Site], object]
"""Makes what is there before supervisord starts"""


def nothing(site: Site, number: int) -> None:
    """No preparation."""


def tree(site: Site) -> None:
    """A small tree under the watched name."""
    site.grow(site.app.name, 0)


@dataclass(frozen=True, kw_only=True)
class Way:
    """One row of the table."""

    group: str
    name: str
    act: Act
    prepare: Act = nothing
    """before each try; the rollout that it causes is waited for, and not counted"""
    lay: Lay = tree
    """once, before supervisord is started"""
    clear: Callable[[Site], object] | None = None
    """once, at the end, before the directory is removed"""
    expected: int = 1
    """rollouts in each try"""
    needs: Sequence[str] = ()
    """programs; without them the row says that they are missing"""
    watched: str = "app"
    settings: str = ""
    """more lines of the [reload:web] section"""
    program: str = ""
    """more lines of the [program:web] section"""
    observer: str = "native"
    """what "native" means for it: auto where only that can see it"""
    runs_in: Callable[[Site], object] | None = None
    """the directory in which the new process must run"""
