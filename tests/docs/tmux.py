"""A terminal of a fixed size, used as a person would: types, waits until something is on the screen, looks.

It is tmux with a server of its own; nobody else's sessions are seen or touched.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.integration.supervisord import wait_for

WIDTH, HEIGHT = 110, 30
LIMIT = 30.0

IS_INSTALLED = shutil.which("tmux") is not None

PROMPTS = ("$", "#")
"""of sh, for a user and for root"""


class Tmux:
    """One shell in one window; use it in a ``with`` statement."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        """``directory`` is where the shell begins; its path must be short, for a socket is in it."""
        self._socket = directory / "tmux"
        self._directory = directory
        self._environment = {
            **{name: value for name, value in environment.items() if name not in ("TMUX", "TMUX_PANE")},
            "PS1": "$ ",
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
        }

    def __enter__(self) -> Tmux:
        size = ["-x", str(WIDTH), "-y", str(HEIGHT)]
        self._tmux("new-session", "-d", "-c", str(self._directory), *size, "sh")
        try:
            self.until("the shell", lambda screen: screen in PROMPTS)
        except BaseException:
            self._tmux("kill-server")
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._tmux("kill-server")

    def type(self, line: str) -> None:
        """Type a line, and Return."""
        self._tmux("send-keys", "-l", line)
        self._tmux("send-keys", "Enter")

    def press(self, key: str) -> None:
        """Press a key, such as ``C-c``."""
        self._tmux("send-keys", key)

    def clear(self) -> None:
        """Begin at the top: the next thing that is typed is the first line."""
        self._tmux("send-keys", "C-l")
        self.until("an empty screen", lambda screen: len(screen.splitlines()) == 1)

    def screen(self) -> str:
        """What is on it, without what is empty at the end."""
        shown = self._tmux("capture-pane", "-p")
        return "\n".join(line.rstrip() for line in shown.rstrip().splitlines())

    def until(self, what: str, condition: Callable[[str], object]) -> str:
        """The screen, once it is so."""
        newest = ""

        def seen() -> bool:
            nonlocal newest
            newest = self.screen()
            return bool(condition(newest))

        try:
            wait_for(seen, LIMIT, what, step=0.05)
        except TimeoutError as error:
            raise AssertionError(f"{error}; on the screen:\n{newest}") from None
        return newest

    def _tmux(self, *words: str) -> str:
        line = ["tmux", "-S", str(self._socket), "-f", "/dev/null", *words]
        done = subprocess.run(
            line, capture_output=True, text=True, env=self._environment, timeout=LIMIT, check=False
        )
        assert done.returncode == 0, f"tmux {words}: {done.stderr}"
        return done.stdout
