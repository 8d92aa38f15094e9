"""The listener's own stdout and stderr, whatever they are: rows of docs/faults.md."""

from __future__ import annotations

import subprocess
import sys

import pytest

GUARDED = """
import os, subprocess, sys
for number in map(int, sys.argv[1:]):
    os.close(number)
from supervisor_reload.cli import _guard_stdout
protocol = _guard_stdout()
print("junk", flush=True)
print("junk", file=sys.stderr, flush=True)
os.write(1, b"junk")
os.write(2, b"junk")
subprocess.run(["sh", "-c", "echo junk; echo junk >&2"])
protocol.write("READY\\n")
protocol.flush()
"""


@pytest.mark.fault(24, 36)
@pytest.mark.parametrize("closed", [(), (2,)], ids=["open", "closed"])
def test_stdout_is_the_protocols_alone(closed: tuple[int, ...]) -> None:
    """Whoever prints, also a child, and also where there is no stderr to send that to."""
    argv = [sys.executable, "-c", GUARDED, *map(str, closed)]
    done = subprocess.run(argv, capture_output=True, timeout=60, check=True)
    assert b"READY\n" == done.stdout
    assert (b"" if closed else b"junk") in done.stderr
