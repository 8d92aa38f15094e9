"""Reads ``run_on``, ``signal_on`` and ``ignore_on``: what a change of certain files asks for."""

from __future__ import annotations

from collections.abc import Sequence

from supervisor_reload.core.filters import pattern_error
from supervisor_reload.core.model import ReactionSettings, Strategy

from .probes import check_command
from .programs import ProgramProcess, common_directory
from .sections import OwnSection
from .users import rights_of


def read_reactions(section: OwnSection, processes: Sequence[ProgramProcess]) -> ReactionSettings:
    """The rules of one target; notes what is wrong."""
    found = ReactionSettings(
        signal_on=section.value("signal_on", tuple),
        ignore_on=section.value("ignore_on", tuple),
        run_on=section.value("run_on", tuple),
        run_timeout=section.value("run_timeout", float),
        directory=common_directory(processes),
        rights=rights_of(section, processes),
    )
    _note_patterns(section, found)
    _note_signal(section, found)
    for rule in found.run_on:
        check_command(section, "run_on", rule.command, ())
    return found


def _note_patterns(section: OwnSection, found: ReactionSettings) -> None:
    of_rules = tuple(pattern for rule in found.run_on for pattern in rule.patterns)
    for key, patterns in (
        ("signal_on", found.signal_on),
        ("ignore_on", found.ignore_on),
        ("run_on", of_rules),
    ):
        for pattern in patterns:
            problem = pattern_error(pattern)
            if problem:
                section.error(key, f"{pattern!r} is not a gitignore pattern: {problem}")


def _note_signal(section: OwnSection, found: ReactionSettings) -> None:
    """The signal must be chosen: most programs die of the default, HUP."""
    if not found.signal_on:
        return
    if section.value("strategy", Strategy) is Strategy.SIGNAL:
        section.error("signal_on", "says nothing with strategy=signal, where every change is a signal")
    elif not section.is_set("signal"):
        section.error("signal_on", "needs signal=: the one at which the program reads such files again")
