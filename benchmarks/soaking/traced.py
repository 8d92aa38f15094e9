"""Our listener with a notebook of who asked for memory: on USR2 it writes a snapshot (tracemalloc).

It exists to find what grows, and is for the soak alone: tracing makes everything slower and larger.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import tracemalloc
from pathlib import Path

FRAMES = 6
"""of each allocation's stack"""


def snapshot_of(pid: int, number: int) -> Path:
    """Where a listener writes its snapshots, from number 1 on."""
    return Path(f"/tmp/supervisor-reload-soak-{pid}-{number}")


def _write(*_: object) -> None:
    gc.collect()
    number = 1
    while snapshot_of(os.getpid(), number).exists():
        number += 1
    path = snapshot_of(os.getpid(), number)
    new = path.with_suffix(".new")
    tracemalloc.take_snapshot().dump(str(new))
    new.replace(path)


if __name__ == "__main__":
    from supervisor_reload import app, cli  # now: what an import asks for is no growth, and slow to trace

    assert app
    tracemalloc.start(FRAMES)
    signal.signal(signal.SIGUSR2, _write)
    sys.exit(cli.main())
