"""Which targets are meant by the names on a command line, and what to say of a name that is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..config.findings import did_you_mean
from ..core.obeying import UNKNOWN_TARGET

ALL = "all"
"""supervisorctl's word for everything"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be shown."""

    names: tuple[str, ...]
    refused: tuple[str, ...]
    """a line for each name that is no target"""


def asked(names: Sequence[str], known: Sequence[str], processes: Mapping[str, Sequence[str]]) -> Asked:
    """Which of the known targets are meant; no name at all means every one, as ``all`` does.

    ``processes`` are those of each target, for whoever names one of them.
    """
    if not names or ALL in names:
        return Asked(tuple(known), ())
    found = tuple(name for name in dict.fromkeys(names) if name in known)
    unknown = [name for name in dict.fromkeys(names) if name not in known]
    return Asked(found, tuple(_refusal(name, known, processes) for name in unknown))


def _refusal(name: str, known: Sequence[str], processes: Mapping[str, Sequence[str]]) -> str:
    """In supervisorctl's words."""
    return f"{name}: ERROR ({no_target(name, known, processes)})"


def no_target(name: str, known: Sequence[str], processes: Mapping[str, Sequence[str]]) -> str:
    """That a name is no target, and which was meant, or which there are."""
    target = next((target for target, its in processes.items() if name in its), None)
    if target is not None:
        return f"{UNKNOWN_TARGET}; it is a process of {target!r}"
    return UNKNOWN_TARGET + (did_you_mean(name, known) or f"; there is {', '.join(known) or 'none'}")
