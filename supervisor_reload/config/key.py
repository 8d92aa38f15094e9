"""What is known of one of our keys, whatever it is for. The keys themselves are in ``keys``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of ``[reload:NAME]`` or ``[reload]``."""

    name: str
    default: str
    """as it would be written; in parentheses where it depends on other things"""
    convert: Callable[[str], object]
    """raises ValueError with a sentence for the operator"""
    doc: str
    unit: str = ""
    only_common: bool = False
    """may stand in [reload] only"""
    per_slot: bool = False
    """is expanded and converted once for each process"""
    is_expanded: bool = True
    """False for percentages, which may be written with one % sign"""
