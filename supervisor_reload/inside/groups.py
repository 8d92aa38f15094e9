"""Questions to supervisord's process groups: who uses which socket, and whether anybody is up.

It changes nothing. Everything is asked anew each time; nothing that could become stale is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from supervisor.states import ProcessStates

UP = (ProcessStates.STARTING, ProcessStates.RUNNING, ProcessStates.BACKOFF, ProcessStates.STOPPING)
"""A process in one of these has the group's socket, or supervisord itself is about to give it one."""


def socket_groups(supervisord: Any) -> Iterator[tuple[str, Any]]:
    """Name and group of everything that has a socket of supervisord's."""
    for name, group in list(supervisord.process_groups.items()):
        if getattr(group, "socket_manager", None) is not None:
            yield str(name), group


def users_of(supervisord: Any, url: str) -> list[tuple[str, Any]]:
    """Name and group of all that are configured with this socket."""
    return [(name, group) for name, group in socket_groups(supervisord) if config_of(group).url == url]


def config_of(group: Any) -> Any:
    """The group's socket configuration."""
    return group.socket_manager.config()


def owner_of(supervisord: Any, config: Any) -> str:
    """The group whose own socket configuration this is; '' while a group is being made."""
    return next((name for name, group in socket_groups(supervisord) if config_of(group) is config), "")


def holds(group: Any) -> bool:
    """Whether supervisord has the group's socket open, for a process of it."""
    return bool(group.socket_manager.is_prepared())


def is_up(group: Any) -> bool:
    """Whether a process of the group lives, or will without anybody's doing."""
    return any(process.get_state() in UP for process in group.processes.values())


def other_holder(supervisord: Any, config: Any) -> str:
    """Another group that has a socket of the same URL open now; '' where there is none."""
    return next(
        (
            name
            for name, group in users_of(supervisord, config.url)
            if config_of(group) is not config and holds(group)
        ),
        "",
    )
