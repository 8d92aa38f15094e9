"""One tree to observe, and whom to tell: what an emitter is given. It only holds; it never does anything."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from .hints import Hint
from .roots import Identity


class End(enum.Enum):
    """Why an observation is over before anybody ended it."""

    GONE = "gone"
    """its directory is not there any more, or is another one"""
    LIMIT = "limit"
    """the kernel grants no more watches"""


class LimitReachedError(Exception):
    """The kernel would watch no part, or only a part, of a tree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What to observe. Everything that is told is told in the emitter's thread."""

    directory: str
    identity: Identity
    """of the directory: what has its name later may be another one"""
    is_recursive: bool
    may_enter: Callable[[str], bool]
    """whether anybody watches anything in or below a directory; asked again whenever it matters"""
    learn: Callable[[str], None] | None
    """told each directory with a ``.gitignore``, while the tree is looked through for the first time, before
    ``may_enter`` is asked about anything in it"""
    names_only: bool
    """only which names come and go, not what becomes of the files"""
    most: int | None
    """watches that may be held (None: unknown)"""
    poll_interval: float
    """seconds between two looks, where it is polled"""
    tell: Callable[[Hint], None]
    tell_lost: Callable[[], None]
    """anything in the tree may have changed"""
    tell_end: Callable[[End], None]
