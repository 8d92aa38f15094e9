"""What an update of one of supervisord's groups must know of it. It notes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from supervisor_reload.core.configuration import GroupSettings

from .programs import ProgramProcess


def groups_of(processes: Sequence[ProgramProcess]) -> tuple[GroupSettings, ...]:
    """Every group that has processes, in their order."""
    names = dict.fromkeys(process.group for process in processes)
    return tuple(_group(name, [one for one in processes if one.group == name]) for name in names)


def _group(name: str, processes: Sequence[ProgramProcess]) -> GroupSettings:
    return GroupSettings(
        name=name,
        processes=tuple(process.name for process in processes),
        autostart=tuple(process.name for process in processes if process.autostart),
        stop_timeout=float(max(process.stopwaitsecs for process in processes)),
    )
