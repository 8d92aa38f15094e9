"""The place of one way: a directory with the watched tree, and the strokes in which ways write to it.

It acts on files and runs tools. It knows nothing of supervisord or of us, and never judges what came of it.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

LIMIT = 60.0
"""seconds for one command of a way"""

FILES = ("main.py", "pkg/__init__.py", "pkg/a.py", "pkg/b.py", "pkg/sub/__init__.py", "pkg/sub/c.py")


def text_of(version: int) -> str:
    """A source of this version; no two have one length, so that rsync's quick check sees them differ."""
    return f"VERSION = {version}\nif VERSION:\n    pass\n#{'.' * version}\n"


class Site:
    """One directory: ``app`` is watched, everything else is beside it."""

    def __init__(self, directory: Path, watched: str = "app") -> None:
        self.directory = directory
        self.app = directory / watched
        self.environment = {
            **os.environ,
            "HOME": str(directory),
            "TERM": "xterm",
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_CONFIG_FILE": os.devnull,
        }

    def run(self, command: str, *, cwd: Path | None = None, stdin: str = "") -> str:
        """Run a command line, without a shell; what it prints. Raises AssertionError where it fails."""
        done = subprocess.run(
            shlex.split(command),
            cwd=cwd or self.directory,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def shell(self, script: str) -> str:
        """Run a line of shell."""
        return self.run(f"sh -ec {shlex.quote(script)}")

    def path(self, name: str) -> Path:
        """A path below the site's directory."""
        return self.directory / name

    def write(self, name: str, version: int) -> Path:
        """Write a source below the directory, in place, and make the directories that it needs."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text_of(version))
        return path

    def save(self, version: int, name: str = "main.py") -> None:
        """Write a source of the watched tree, in place."""
        (self.app / name).write_text(text_of(version))

    def grow(self, top: str, version: int, more: int = 0) -> Path:
        """A whole tree of one version, with so many files more."""
        for name in FILES:
            self.write(f"{top}/{name}", version)
        for number in range(more):
            self.write(f"{top}/many/d{number // 50}/m{number}.py", version)
        return self.directory / top

    def remove(self, name: str) -> None:
        """Remove a tree, if it is there."""
        shutil.rmtree(self.directory / name, ignore_errors=True)
