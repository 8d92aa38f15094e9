"""Whom to tell of rollouts, and of which of their events: words only, as in ``model``, which holds them.

Nothing is sent here. What is secret in it is named here, so that it can be hidden everywhere.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


class Event(enum.Enum):
    """What others are told of."""

    BEGAN = "began"
    COMPLETE = "complete"
    HALTED = "halted"
    ABORTED = "aborted"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    REFUSED = "refused"
    LIFTED = "lifted"

    @property
    def is_failure(self) -> bool:
        """Whether the code on disk does not serve, and somebody may have to look why."""
        return self in (Event.HALTED, Event.ABORTED, Event.REFUSED)


EVENT_OF: Mapping[str, Event] = MappingProxyType(
    {
        "rollout began": Event.BEGAN,
        "rollout complete": Event.COMPLETE,
        "rollout halted": Event.HALTED,
        "rollout aborted": Event.ABORTED,
        "rollout withdrawn": Event.WITHDRAWN,
        "rollout superseded": Event.SUPERSEDED,
        "rollout refused": Event.REFUSED,
        "check failed": Event.REFUSED,
        "command failed": Event.REFUSED,
        "hold lifted": Event.LIFTED,
    }
)
"""by the event of a story; of the others nobody else is told"""

LONG_WORD = 20
"""Characters from which on a piece of a URL is taken for a token."""

SHORT_WORD = 8
"""The same, where it has both letters and digits."""

HOST_END = re.compile(r"[/?#]")
"""Where the host of a URL ends, its port with it (RFC 3986, 3.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifySettings:
    """Who is told what becomes of a target's rollouts. What is secret is not in its repr."""

    url: str = field(default="", repr=False)
    """http or https; every event is posted there as JSON; '' for nowhere"""
    secret: str = field(default="", repr=False)
    """the key that signs what is posted; '' for none"""
    secret_file: str = ""
    """where that key is instead, read for every message; '' for nowhere"""
    chats: tuple[str, ...] = field(default=(), repr=False)
    """URLs as the library apprise has them: chats, mail, ..."""
    events: tuple[Event, ...] = ()
    """which of them"""

    @property
    def places(self) -> tuple[str, ...]:
        """All of them in words that hold no secret."""
        host = HOST_END.split(self.url.partition("://")[2], maxsplit=1)[0].rpartition("@")[2]
        own = (f"the webhook of {host}",) if self.url else ()
        return (*own, *(chat.partition("://")[0] + "://" for chat in self.chats))

    @property
    def secrets(self) -> Iterator[str]:
        """What of it no log may show: the key, and what follows a URL's host, which is often a token."""
        if self.secret:
            yield self.secret
        for url, is_host_secret in [(self.url, False), *((chat, True) for chat in self.chats)]:
            rest = url.partition("://")[2]
            path = rest[len(HOST_END.split(rest, maxsplit=1)[0]) :]
            if is_host_secret and len(rest) >= LONG_WORD:
                yield rest
            if len(path) > SHORT_WORD:
                yield path
            for word in re.split(r"[^\w.~%-]", rest if is_host_secret else path):
                if _is_token(word):
                    yield word


def _is_token(word: str) -> bool:
    is_mixed = any(char.isdigit() for char in word) and any(char.isalpha() for char in word)
    return len(word) >= LONG_WORD or (is_mixed and len(word) >= SHORT_WORD)
