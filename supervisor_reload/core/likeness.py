"""What in a target's settings makes that two revisions, or two numbers of slots, can be compared at all.

A journal outlives a change of the configuration; what it says counts as long as these are equal. It only
looks.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

from .model import TargetSettings, Value
from .revision import DIGITS, LIGHT_DIGITS


@lru_cache(maxsize=256)
def eyes_of(settings: TargetSettings) -> str:
    """A digest of everything that decides which revision the same files have."""
    watch, reactions = settings.watch, settings.reactions
    files = (watch.paths, watch.include, watch.exclude, watch.gitignore, watch.follow_symlinks)
    what = (DIGITS, LIGHT_DIGITS, files, reactions.signal_on, reactions.ignore_on)
    return sha256(repr(what).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def shape_of(settings: TargetSettings) -> Value:
    """How many processes there are, and how many of them should serve."""
    return [settings.replicas, settings.max_surge, len(settings.slots)]
