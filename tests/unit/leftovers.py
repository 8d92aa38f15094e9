"""What an earlier listener may have left in the state directory: records of commands, true or not."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

from supervisor_reload.edges.processes import born

LIMIT = 20.0


def never() -> threading.Event:
    """Nobody cancels."""
    return threading.Event()


def record(pid: int, /, **changes: object) -> dict[str, object]:
    """A command of the target ``web`` whose limit is over, but for what is changed."""
    told = {"target": "web", "pid": pid, "born": born(pid), "until": time.monotonic(), "mark": ""}
    return {**told, **changes}


def write(state: Path, pid: int, content: object, kind: str = "run_on") -> Path:
    """The file of a command, with whatever content."""
    file = state / f"{kind}.{pid}"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file
