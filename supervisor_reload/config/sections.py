"""Reads our own sections: which there are, which keys they hold, and each value with its ``%(…)s`` filled in.

A value of [reload:NAME] comes from there, else from [reload], else from the table of keys. Nothing here knows
what a key is for.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from typing import TypeVar

from supervisor.datatypes import process_or_group_name
from supervisor.options import expand

from .findings import Findings, did_you_mean, nearest
from .key import Key
from .keys import KEY_NAMED
from .supervisorconf import SupervisorConf

COMMON = "reload"
PREFIX = "reload:"

Value = TypeVar("Value")
Expansions = Mapping[str, "str | int"]


class OwnSection:
    """One [reload:NAME], or [reload] itself, as its readers see it."""

    def __init__(self, conf: SupervisorConf, section: str, findings: Findings) -> None:
        self.conf = conf
        self.section = section
        self.findings = findings
        self.expansions: Expansions = conf.options.environ_expansions | {
            "here": conf.here,
            "host_node_name": platform.node(),
        }

    @property
    def name(self) -> str:
        """The target's name; '' for [reload]."""
        return self.section[len(PREFIX) :].strip()

    def is_set(self, key: str) -> bool:
        """Whether somebody wrote the key, here or in [reload]."""
        return self._section_of(key) is not None

    def value(self, key: str, kind: type[Value], expansions: Expansions | None = None) -> Value:
        """The converted value; where it is wrong, that is noted, and the default serves to go on with."""
        found = self.optional(key, kind, expansions)
        return _of_kind(KEY_NAMED[key].convert(KEY_NAMED[key].default), kind) if found is None else found

    def optional(self, key: str, kind: type[Value], expansions: Expansions | None = None) -> Value | None:
        """The same, or None where nobody wrote the key, or wrote something wrong."""
        section = self._section_of(key)
        if section is None:
            return None
        try:
            text = self._expanded(KEY_NAMED[key], section, expansions or self.expansions)
            return _of_kind(KEY_NAMED[key].convert(text), kind)
        except ValueError as why:
            self.error(key, str(why))
            return None

    def error(self, key: str, message: str) -> None:
        """Note an error about a key where it was written (here, if it was not)."""
        section = self._section_of(key) or self.section
        self.findings.error(self.conf.file_of(section), section, key, message)

    def warning(self, key: str, message: str) -> None:
        """Note a warning about a key where it was written (here, if it was not)."""
        section = self._section_of(key) or self.section
        self.findings.warning(self.conf.file_of(section), section, key, message)

    def _section_of(self, key: str) -> str | None:
        parser = self.conf.parser
        return next((name for name in (self.section, COMMON) if parser.has_option(name, key)), None)

    def _expanded(self, key: Key, section: str, expansions: Expansions) -> str:
        text = self.conf.parser.get(section, key.name)
        if not key.is_expanded:
            return str(text)
        expanded = str(expand(text, dict(expansions), f"{section}.{key.name}"))
        if "\0" in expanded:
            raise ValueError("holds a NUL character")
        return expanded


def _of_kind(value: object, kind: type[Value]) -> Value:
    if not isinstance(value, kind):
        raise TypeError(f"the table of keys gives {type(value).__name__} where {kind.__name__} is read")
    return value


def own_sections(conf: SupervisorConf, findings: Findings) -> tuple[OwnSection, ...]:
    """Every [reload:NAME], in the order of the files; notes misspelt sections and keys."""
    found: list[OwnSection] = []
    for name in conf.parser.sections():
        if name == COMMON:
            _check_keys(OwnSection(conf, name, findings))
        elif name.startswith(PREFIX):
            section = OwnSection(conf, name, findings)
            _check_keys(section)
            if _has_sane_name(section):
                found.append(section)
        elif _looks_like_ours(name):
            rest = re.split(r"[^A-Za-z]", name, maxsplit=1)[1:]
            meant = PREFIX + rest[0].strip() if rest and rest[0].strip() else COMMON
            findings.error(conf.file_of(name), name, "", f"unknown section; did you mean [{meant}]?")
    if not found and not findings.errors:
        message = "there is no [reload:NAME] section, so there is nothing to do"
        findings.error(conf.main, "", "", message)
    return tuple(found)


def _looks_like_ours(section: str) -> bool:
    """A section that supervisord ignores without a word, and whose first word was meant to be ``reload``."""
    word = re.split(r"[^A-Za-z]", section, maxsplit=1)[0]
    return nearest(word, [COMMON], likeness=0.82) is not None


def _has_sane_name(section: OwnSection) -> bool:
    try:
        name = process_or_group_name(section.name)
    except ValueError as why:
        section.findings.error(section.conf.file_of(section.section), section.section, "", str(why))
        return False
    if not name:
        message = "the section has no name; write [reload] for the defaults, or [reload:NAME]"
        section.findings.error(section.conf.file_of(section.section), section.section, "", message)
    return bool(name)


def _check_keys(section: OwnSection) -> None:
    """Note keys that don't exist, or don't belong here: supervisord ignores them all without a word."""
    parser, name = section.conf.parser, section.section
    known = [key.name for key in KEY_NAMED.values() if name == COMMON or not key.only_common]
    for option in parser.options(name):
        if option in parser.defaults():
            continue  # from [DEFAULT], which adds to every section
        key = KEY_NAMED.get(option)
        problem = ""
        if key is None:
            problem = f"unknown key{did_you_mean(option, known)}"
        elif key.only_common and name != COMMON:
            problem = f"belongs in [{COMMON}], because it holds for all targets"
        if problem:
            section.findings.error(section.conf.file_of(name), name, option, problem)
