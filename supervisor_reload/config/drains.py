"""Reads ``drain``: how we know that the in-flight work of an old process is done. It looks at no process."""

from __future__ import annotations

import re

from supervisor_reload.core.model import DrainSettings

from .findings import did_you_mean
from .probes import check_command, check_url
from .programs import ProgramProcess
from .sections import OwnSection
from .values import command_line

WORDS = ("exit", "connections", "message")
SCHEMES = ("http", "https")


def read_drain(section: OwnSection, process: ProgramProcess) -> DrainSettings:
    """How the work of this slot's process is looked at; notes what is wrong."""
    text = section.optional("drain", str, process.expansions) or "exit"
    scheme, address = "exit", ""
    command: tuple[str, ...] = ()
    try:
        scheme, address, command = parse_drain(text)
    except ValueError as why:
        section.error("drain", str(why))
    check_command(section, "drain", command, WORDS)
    return DrainSettings(
        scheme=scheme, address=address, command=command, interval=section.value("drain_interval", float)
    )


def parse_drain(text: str) -> tuple[str, str, tuple[str, ...]]:
    """The kind of look, its address and its command. Raises ValueError with a sentence."""
    word = text.strip()
    if word.lower() in WORDS:
        return word.lower(), "", ()
    matched = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", word)
    if not matched:
        if re.match(r"https?:", word, re.IGNORECASE):
            raise ValueError(f"{word!r} lacks the // behind the colon")
        return "command", "", command_line(word)
    scheme = matched[1].lower()
    if scheme not in SCHEMES:
        raise ValueError(f"{word!r} is of an unknown kind{did_you_mean(scheme, SCHEMES)}")
    check_url(scheme, word)
    return "http", word, ()
