"""All ways, in the order of the table, and the versions of the tools that they use."""

from __future__ import annotations

import platform
import shutil
import subprocess
import time
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from . import deploys, editors, files, gits
from .controls import CONTROLS
from .way import Way

WAYS: tuple[Way, ...] = deploys.WAYS + gits.WAYS + editors.WAYS + files.WAYS

TOOLS = ("git", "rsync", "vim", "nano", "emacs", "bindfs", "perl", "tar")
_LIMIT = 10.0


def chosen(words: Sequence[str]) -> list[Way]:
    """The ways of these groups, or with these words in their names; all for none. ValueError for no way."""
    if not words:
        return list(WAYS)
    everything = [*WAYS, *CONTROLS]
    for word in words:
        if not any(word in (way.group, way.name) or word in way.name for way in everything):
            raise ValueError(f"no way is called {word!r}; --list names them")
    return [way for way in everything if any(word == way.group or word in way.name for word in words)]


def surroundings() -> dict[str, Any]:
    """What the results depend on."""
    return {
        "when": time.strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "versions": {name: version(name) for name in ("watchdog", "supervisor", "supervisor-reload")},
        "tools": {tool: _version_of(tool) for tool in TOOLS},
    }


def _version_of(tool: str) -> str:
    """The first number with a dot that the tool says of itself."""
    if shutil.which(tool) is None:
        return "not installed"
    done = subprocess.run(
        [tool, "--version"], capture_output=True, text=True, timeout=_LIMIT, check=False, errors="replace"
    )
    words = done.stdout.replace("(v", "").replace(")", "").split()
    return next((word for word in words if word[:1].isdigit() and "." in word), "unknown")
