"""The options of our ``[rpcinterface:reload]`` section, for supervisord and for ``check`` alike.

A wrong option never fails: supervisord would not start. It comes back as a sentence, and the default holds.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace

FACTORY = "supervisor_reload.rpcinterface:make_rpcinterface"

RELEASE_AFTER = 5.0
"""seconds; the default. More than it takes until a listener that was killed in the middle of a rollout is
back (supervisord's restart, Python's boot: 2 s) and than any restart by hand leaves between stop and start
(ms); little enough that clients of a service that somebody stopped are soon refused instead of waiting."""

LONGEST = 31_622_400.0
"""seconds; a year, as for every key of ours"""

KEYS = ("release_after", "state_dir")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the section says."""

    release_after: float = RELEASE_AFTER
    """seconds without a process of its group after which a kept socket is closed"""
    state_dir: str = ""
    """the listener's, where ``[reload]`` names one; '' where it has its default"""


def read_options(written: Mapping[str, str]) -> tuple[Options, list[tuple[str, str]]]:
    """The options, and what is wrong with the section: pairs of a key and a sentence about it."""
    problems = [
        (key, f"unknown option{_meant(key)}; known are: {', '.join(KEYS)}")
        for key in written
        if key not in KEYS
    ]
    options = Options(state_dir=str(written.get("state_dir", "")))
    text = written.get("release_after")
    if text is not None:
        seconds = _seconds(str(text))
        if seconds is None:
            said = f"{text!r} is not a number of seconds from 0 to {LONGEST:.0f}; {RELEASE_AFTER:g} is used"
            problems.append(("release_after", said))
        else:
            options = replace(options, release_after=seconds)
    return options, problems


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds <= LONGEST else None  # nan is in no range


def _meant(key: str) -> str:
    near = difflib.get_close_matches(key.lower(), KEYS, n=1)
    return f", did you mean {near[0]!r}?" if near else ""
