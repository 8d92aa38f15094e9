"""What can go wrong at the edges, in few types; the engine turns each into a fact or one log line."""

from __future__ import annotations

from dataclasses import dataclass


class ReloadError(Exception):
    """Base of all our errors; its text is a sentence for the operator."""


@dataclass(frozen=True, slots=True, order=True)
class ConfigError:
    """One thing that is wrong with the configuration, and where."""

    file: str
    section: str
    key: str
    message: str

    def __str__(self) -> str:
        """``file: [section] key: message`` with the parts that are known."""
        where = " ".join(part for part in (f"[{self.section}]" if self.section else "", self.key) if part)
        return ": ".join(part for part in (self.file, where, self.message) if part)


class ConfigErrors(ReloadError):
    """The configuration can't be used; carries every error that was found."""

    def __init__(self, errors: tuple[ConfigError, ...]) -> None:
        self.errors = errors
        super().__init__("\n".join(str(error) for error in errors))


class SupervisorUnavailable(ReloadError):
    """supervisord could not be asked: gone, stalled, or it refuses us."""


class SupervisorFault(ReloadError):
    """supervisord answered with a fault."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        """the name in ``supervisor.xmlrpc.Faults``, such as NOT_RUNNING"""
        super().__init__(message)
