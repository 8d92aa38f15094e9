"""A file of real bytes that is given away on a full disk: the rollout in hand can still be written down.

It is the journal's own: nothing else uses it, and it holds nothing.
"""

from __future__ import annotations

import os
from pathlib import Path

from .appending import Appending

SIZE = 64 * 1024
"""bytes: about a hundred turns of the engine. In the second half only what was begun is finished."""


class Reserve:
    """Room that is kept."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def is_there(self) -> bool:
        """Whether nobody has removed it, or cut it."""
        try:
            return self._path.lstat().st_size == SIZE
        except OSError:
            return False

    def make(self) -> None:
        """See that it is there; OSError where there is no room for it."""
        if self.is_there():
            return
        # beside what is left; random: some file systems keep zeros, or what can be compressed, without room
        whole = Appending(f"{self._path}.new", os.urandom(SIZE))
        try:
            whole.rename(str(self._path))
        except OSError:
            whole.discard()
            raise
        whole.close()

    def is_left(self) -> bool:
        """Whether some of it was not given away yet."""
        return self._path.exists()

    def give(self) -> bool:
        """Give half of the room away, and the next time the rest; whether there was any."""
        try:
            if self.is_there():
                os.truncate(self._path, SIZE // 2)
            else:
                self._path.unlink()
        except OSError:
            return False
        return True
