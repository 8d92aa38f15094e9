"""Reads ``drain``: how we know that the in-flight work of an old process is done. It looks at no process."""

from __future__ import annotations

from supervisor_reload.core.model import DrainSettings, Rights

from .probes import check_command, scheme_of
from .programs import ProgramProcess
from .sections import OwnSection
from .users import rights_of
from .values import command_line

WORDS = ("exit", "connections", "message")
SCHEMES = ("http", "https")


def read_drain(section: OwnSection, process: ProgramProcess) -> DrainSettings:
    """How the work of this slot's process is looked at; notes what is wrong."""
    written = section.optional("drain", str, process.expansions)
    text = "exit" if written is None else written
    scheme, address = "exit", ""
    command: tuple[str, ...] = ()
    try:
        scheme, address, command = parse_drain(text)
    except ValueError as why:
        section.error("drain", str(why))
    check_command(section, "drain", command, WORDS)
    return DrainSettings(
        scheme=scheme,
        address=address,
        command=command,
        interval=section.value("drain_interval", float),
        rights=rights_of(section, [process]) if command else Rights(),
    )


def parse_drain(text: str) -> tuple[str, str, tuple[str, ...]]:
    """The kind of look, its address and its command. Raises ValueError with a sentence."""
    word = text.strip()
    if word.lower() in ("", "none"):
        raise ValueError(f"{word!r} waits for nothing: write exit, and the stop signal comes at once")
    if word.lower() in WORDS:
        return word.lower(), "", ()
    if not scheme_of(word, SCHEMES):
        return "command", "", command_line(word)
    return "http", word, ()
