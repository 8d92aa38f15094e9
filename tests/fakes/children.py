"""Child processes for tests of edges: each says when it is where the test wants it; then it is killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

UP = b"up\n"

NOBODY = 65534
"""A user who may look into nobody else's processes, and end none."""


@contextmanager
def child(code: str, *arguments: str, stdin: int = subprocess.PIPE) -> Iterator[subprocess.Popen[bytes]]:
    """A Python that runs ``code``, once it has printed ``up``; it is killed at the end."""
    argv = [sys.executable, "-W", "ignore", "-c", code, *arguments]
    with subprocess.Popen(argv, stdin=stdin, stdout=subprocess.PIPE, start_new_session=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()  # ends at the latest with the process
            assert line == UP, f"the child said {line!r}"
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):  # with what it started
                os.killpg(process.pid, signal.SIGKILL)


def as_nobody(code: str, *arguments: str) -> str:
    """What a Python says that runs ``code``, which imports, then becomes NOBODY with ``os.setuid``."""
    if os.geteuid() != 0:
        import pytest  # only here: benchmarks.hostile, too, has children, in an environment without it

        pytest.skip("only root can become another user")
    # what connecting imports may not be readable any more then
    code = f"import encodings.idna\nNOBODY = {NOBODY}\n{code}"
    argv = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout
