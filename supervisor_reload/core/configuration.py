"""The words for a configuration that was read while we run, and what differs between two of them.

It only compares: it reads no file, and decides nothing about when a difference is taken over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace

from .model import Settings, SlotName, SlotSettings, TargetSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSettings:
    """One group of supervisord's, as far as its update needs it."""

    name: str
    processes: tuple[SlotName, ...]
    autostart: tuple[SlotName, ...]
    """those of them that supervisord starts by itself"""
    stop_timeout: float = 10.0
    """seconds, the longest stopwaitsecs: then supervisord kills"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """One good reading of the configuration files."""

    settings: Settings
    groups: tuple[GroupSettings, ...] = ()
    own_group: str = ""
    """the group of our own listener"""
    server_url: str = ""
    """where supervisord listens"""
    files: tuple[str, ...] = ()
    """the main file and every included one"""
    patterns: tuple[str, ...] = ()
    """absolute glob patterns of ``[include] files``"""
    warnings: tuple[str, ...] = ()

    def group(self, name: str) -> GroupSettings:
        """A group by its name; an empty one where there is none."""
        found = (group for group in self.groups if group.name == name)
        return next(found, GroupSettings(name=name, processes=(), autostart=()))


def group_of(name: SlotName) -> str:
    """The group of a process."""
    return name.partition(":")[0]


def groups_of(*settings: TargetSettings | None) -> set[str]:
    """The groups of all processes of these targets."""
    return {group_of(slot.name) for one in settings if one is not None for slot in one.slots}


KEY_OF = {
    "watch.paths": "watch",
    "check.command": "check",
    "check.python": "check",
    "check.timeout": "check_timeout",
    "check.directory": "directory",
    "hooks.before": "before_rollout",
    "hooks.after": "after_rollout",
    "hooks.timeout": "hook_timeout",
    "notify.url": "notify_url",
    "notify.secret": "notify_secret",
    "notify.secret_file": "notify_secret_file",
    "notify.chats": "notify",
    "notify.events": "notify_on",
    "stop_timeout": "stopwaitsecs",
    "ready.scheme": "ready",
    "ready.address": "ready",
    "ready.command": "ready",
    "ready.interval": "ready_interval",
    "ready.timeout": "ready_timeout",
    "drain.scheme": "drain",
    "drain.address": "drain",
    "drain.command": "drain",
    "drain.interval": "drain_interval",
}
"""How an operator calls what is stored under another name"""


def keys_between(old: TargetSettings, new: TargetSettings) -> tuple[str, ...]:
    """The keys that differ, as an operator writes them, in the order of the settings."""
    pairs = [(replace(old, slots=()), replace(new, slots=()))]
    names = [slot.name for slot in old.slots], [slot.name for slot in new.slots]
    found = {} if names[0] == names[1] else {"programs": None}
    before: dict[SlotName, SlotSettings] = {slot.name: slot for slot in old.slots}
    slots = [(before[slot.name], slot) for slot in new.slots if slot.name in before]
    for one, other in (*pairs, *slots):
        for (name, was), (_, now) in zip(_flat(one), _flat(other), strict=True):
            if was != now:
                found[KEY_OF.get(name, name.rpartition(".")[2])] = None
    return tuple(found)


def _flat(value: object, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Every value in nested settings with its dotted name; a tuple is one value."""
    if not is_dataclass(value):
        yield prefix, value
        return
    for field in fields(value):
        name = f"{prefix}.{field.name}" if prefix else field.name
        yield from _flat(getattr(value, field.name), name)


def fixed_between(old: Configuration, new: Configuration) -> tuple[str, ...]:
    """What differs and can't be taken over by a listener that runs."""
    one, other = old.settings, new.settings
    differs = {
        "state_dir": one.state_dir != other.state_dir,
        "the address of supervisord's server": old.server_url != new.server_url,
        "the user name or password of supervisord's server": (one.username, one.password)
        != (other.username, other.password),
    }
    return tuple(what for what, is_so in differs.items() if is_so)


def sees_the_same(old: TargetSettings, new: TargetSettings) -> bool:
    """Whether the same files are watched and count in the same way, so that a revision means the same."""
    return _sight(old) == _sight(new)


def _sight(settings: TargetSettings) -> object:
    watch, reactions = settings.watch, settings.reactions
    files = (watch.paths, watch.include, watch.exclude, watch.gitignore, watch.follow_symlinks)
    patterns = tuple(rule.patterns for rule in reactions.run_on)
    return files, watch.observer, watch.poll_interval, reactions.signal_on, reactions.ignore_on, patterns
