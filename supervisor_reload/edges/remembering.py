"""Remembers, beyond our own end, which processes we stopped for an update and still owe a start.

A process that was stopped by a request is never started by supervisord again; so a listener that is killed in
the middle of an update must find out what it owes when it is back. One small file, replaced as a whole. It
decides nothing, and that it can't be written ends no update.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

from ..core.model import SlotName

log = logging.getLogger(__name__)

NAME = "owed.json"


class Memory:
    """The file ``owed.json`` in the directory of our state."""

    def __init__(self, directory: str) -> None:
        self._file = Path(directory, NAME)

    def recall(self) -> tuple[SlotName, ...]:
        """What was owed when we ended; nothing where the file is missing or no file of ours."""
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return ()
        except (OSError, ValueError) as error:
            log.warning("%s can't be read: %s", self._file, error)
            return ()
        names = found if isinstance(found, list) else []
        return tuple(SlotName(name) for name in names if isinstance(name, str))

    def remember(self, names: tuple[SlotName, ...]) -> None:
        """Keep these, and no others; on disk when this returns."""
        try:
            if names:
                self._write(json.dumps(names))
            else:
                self._file.unlink(missing_ok=True)
        except OSError as error:
            log.warning("%s can't be written: %s", self._file, error)

    def _write(self, text: str) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        beside = self._file.with_suffix(".new")
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._file)
