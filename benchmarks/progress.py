"""What a person sees while an experiment runs: one redrawn line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time


class Progress:
    """Progress of one experiment of ``total`` saves."""

    def __init__(self, name: str, total: int) -> None:
        self._name = name
        self._total = total
        self._began = time.monotonic()
        self._redraws = sys.stdout.isatty()
        self._told = -1

    def show(self, done: int, requests: int, errors: int) -> None:
        """Tell how far it is; cheap enough to be called often."""
        elapsed = max(time.monotonic() - self._began, 0.001)
        text = (
            f"{self._name}: save {done}/{self._total}, {requests:,} requests"
            f" ({requests / elapsed:.0f}/s), {errors:,} errors, {elapsed:.0f} s"
        )
        if self._redraws:
            print(f"\r\x1b[K{text}", end="", flush=True)
        elif done != self._told and done % 5 == 0:
            self._told = done
            print(text, flush=True)

    def close(self) -> None:
        """End the line."""
        if self._redraws:
            print(flush=True)
