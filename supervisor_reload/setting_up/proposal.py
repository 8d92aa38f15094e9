"""The text that would be added to a configuration, and what ``check`` would say of the whole. It writes no
file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .. import config
from ..config.supervisorconf import SupervisorConf
from ..core.errors import ConfigError, ConfigErrors
from .frame import frame
from .section import Section, section_of
from .survey import Program

MOST_TRIES = 8
"""Each leaves out a key at least, and a section has no more of those that may be left out."""

NEEDED = ("", "programs", "watch", "strategy", "signal")
"""Without these a section would be none, or another; an error about them is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What init would add."""

    text: str
    """'' where nothing is to be added"""
    errors: tuple[ConfigError, ...] = ()
    """what ``check`` would find wrong"""
    warnings: tuple[ConfigError, ...] = ()
    left_out: tuple[ConfigError, ...] = ()
    """keys that were to be there, and what spoke against them"""


def propose(conf: SupervisorConf, programs: Sequence[Program], before: str) -> Proposal:
    """The sections for these programs, as far as they would work in this file.

    ``before`` is what the file holds now.
    """
    sections = {f"reload:{one.name}": section_of(one, conf) for one in programs if one.is_wanted}
    frames = list(frame(conf)) if sections or any(one.target for one in programs) else []
    left_out: list[ConfigError] = []
    for _ in range(MOST_TRIES):
        text = _text(before, frames, list(sections.values()))
        errors, warnings = _judged(conf.main, before + text)
        refused = [error for error in errors if error.section in sections and error.key not in NEEDED]
        refused = [error for error in refused if _has(sections[error.section], error.key)]
        if not refused:
            break
        for error in refused:
            sections[error.section] = sections[error.section].without(error.key)
        left_out += refused
    return Proposal(text=text, errors=errors, warnings=warnings, left_out=tuple(left_out))


def _has(section: Section, key: str) -> bool:
    return any(line.key == key for line in section.lines)


def _text(before: str, frames: Sequence[Sequence[str]], sections: Sequence[Section]) -> str:
    """What follows what is there: a line end, if that has none, and the sections with an empty line before
    each."""
    parts = [*frames, *(list(section.text()) for section in sections)]
    if not parts:
        return ""
    lines = [line for part in parts for line in ("", *part)]
    begin = "" if before.endswith("\n") or not before else "\n"
    return begin + "".join(f"{line}\n" for line in lines)


def _judged(main: str, text: str) -> tuple[tuple[ConfigError, ...], tuple[ConfigError, ...]]:
    try:
        return (), config.read(main, text).warnings
    except ConfigErrors as wrong:
        return wrong.errors, ()
