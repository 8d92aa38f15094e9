"""What happened to the configuration and to supervisord's groups, in the past tense; see ``facts``."""

from __future__ import annotations

from dataclasses import dataclass

from .configuration import Configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupsChanged:
    """A process group was added or removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationRead:
    """The configuration files changed, and are right. (Or: were read for the first time.)"""

    configuration: Configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationRefused:
    """The configuration files changed, and can't be used."""

    errors: tuple[str, ...]
    """each with file, section and key, as far as they are known"""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupsCompared:
    """supervisord read its configuration again, and compared it with what it runs."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RereadRefused:
    """supervisord could not read its configuration again, or could not be asked (UNAVAILABLE)."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupReplaced:
    """supervisord removed a group, added it, or both, as it was ordered."""

    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRefused:
    """supervisord did not remove or add a group."""

    group: str
    code: str
    message: str
