"""Child processes for tests of edges: each says when it is where the test wants it; then it is killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

UP = b"up\n"


@contextmanager
def child(code: str, *arguments: str, stdin: int = subprocess.PIPE) -> Iterator[subprocess.Popen[bytes]]:
    """A Python that runs ``code``, once it has printed ``up``; it is killed at the end."""
    argv = [sys.executable, "-W", "ignore", "-c", code, *arguments]
    with subprocess.Popen(argv, stdin=stdin, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()  # ends at the latest with the process
            assert line == UP, f"the child said {line!r}"
            yield process
        finally:
            process.kill()
