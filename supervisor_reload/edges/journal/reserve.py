"""A file of real bytes that is given away on a full disk: the rollout in hand can still be written down.

It is the journal's own: nothing else uses it, and it holds nothing.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from .appending import Appending

SIZE = 64 * 1024
"""bytes: about a hundred turns of the engine"""


class Reserve:
    """Room that is kept."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def make(self) -> None:
        """See that it is there; OSError where there is no room for it."""
        with contextlib.suppress(OSError):
            if self._path.lstat().st_size == SIZE:
                return
        # random: some file systems keep zeros, or what can be compressed, without any room
        Appending(str(self._path), os.urandom(SIZE)).close()

    def drop(self) -> bool:
        """Give the room away; whether there was any."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True
