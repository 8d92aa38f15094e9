"""Collects what is wrong, so that everything is told at once. It judges nothing and never stops a reading."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from supervisor_reload.core.errors import ConfigError, ConfigErrors
from supervisor_reload.core.secrets import Redaction

REDACT = Redaction()
"""What is wrong is told before any password is known, and may quote the line that holds it."""

LIKENESS = 0.6
"""Of two words, by difflib's measure: enough for two letters changed over in a word of three."""


class Findings:
    """The errors and warnings of one reading, each once, in the order in which they were met."""

    def __init__(self) -> None:
        self.errors: list[ConfigError] = []
        self.warnings: list[ConfigError] = []

    def error(self, file: str, section: str, key: str, message: str) -> None:
        """Note something with which the configuration can't be used."""
        _add(self.errors, file, section, key, message)

    def warning(self, file: str, section: str, key: str, message: str) -> None:
        """Note something that works, but hardly as it was meant."""
        _add(self.warnings, file, section, key, message)

    def raise_errors(self) -> None:
        """Raise ConfigErrors if there is any error."""
        if self.errors:
            raise ConfigErrors(tuple(self.errors))


def _add(findings: list[ConfigError], file: str, section: str, key: str, message: str) -> None:
    # Supervisor adds the name of every variable of its environment to a misspelt %(…)s.
    short = message.partition(" Available names: ")[0]
    file, section, key = map(printable, (file, section, key))  # a section's name may hold anything, too
    finding = ConfigError(file=file, section=section, key=key, message=REDACT(printable(short)))
    if finding not in findings:
        findings.append(finding)


def printable(text: str) -> str:
    """The text without control characters and lone surrogates, which would break a terminal or a log."""
    return "".join(
        letter if letter.isprintable() or letter == "\n" else repr(letter)[1:-1] for letter in text
    )


def nearest(word: str, known: Iterable[str], likeness: float = LIKENESS) -> str | None:
    """The known word that somebody who wrote ``word`` probably meant."""
    found = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=likeness)
    return found[0] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A question to put behind an error about ``word``; empty where nothing is near."""
    near = nearest(word, known)
    return f"; did you mean {near!r}?" if near else ""
