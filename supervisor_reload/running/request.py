"""What ``supervisor-reload run`` was asked for, as plain values. It checks and does nothing."""

from __future__ import annotations

from dataclasses import dataclass

AUTO = "auto"
"""``--check`` unless told otherwise: ``python`` where the command is run by a Python, else none"""

NOT_FOUND = 127
"""Exit status where the command does not exist, as a shell's."""

NOT_EXECUTABLE = 126
"""Exit status where the command is a file that can't be run, as a shell's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The command, and how it is replaced when its code changes."""

    argv: tuple[str, ...]
    """the command, passed on byte for byte"""
    watch: tuple[str, ...] = (".",)
    include: tuple[str, ...] = ()
    """gitignore patterns; empty means every file"""
    exclude: tuple[str, ...] = ()
    """gitignore patterns, added to the built-in ones"""
    check: str = AUTO
    """``auto``, ``python``, ``none``, or a command line"""
    ready: str = ""
    """as the configuration's key; '' means ``accepting`` with a socket, else ``running``"""
    signal: str = ""
    """the signal on which the command reloads itself; '' means that it is started anew"""
    stop_signal: str = "TERM"
    stop_timeout: int = 10
    """seconds that it may take to end, until it is killed"""
    quiet_period: float = 0.05
    """seconds of silence that end a burst of changes"""
    socket: str = ""
    """the listening socket that the command gets as descriptor 0, such as ``tcp://127.0.0.1:8000``"""


class RunError(Exception):
    """``run`` can't begin, or its supervisord failed; the text is for the user."""

    def __init__(self, message: str, code: int) -> None:
        self.code = code
        """the exit status that says so"""
        super().__init__(message)
