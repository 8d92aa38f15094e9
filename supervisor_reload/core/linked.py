"""The word for a directory outside of the watched paths that a link in them leads to. It does nothing."""

from __future__ import annotations

from typing import NamedTuple

from .filters import Filter


class Linked(NamedTuple):
    """One link that is followed."""

    link: str
    """its absolute path"""
    real: str
    """the directory that it leads to: absolute, without links"""
    filter: Filter
    """tells what is watched there; has what the ``.gitignore`` files there say"""
