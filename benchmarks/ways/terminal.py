"""A program in a terminal of its own, with a person's keys. Waits for what the screen shows, with a limit."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shlex
import struct
import subprocess
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

LIMIT = 15.0
"""seconds until the screen shows what is waited for, and until the program ends"""
_SIZE = (40, 120)


def typed(command: str, keys: Sequence[tuple[bytes, bytes]], cwd: Path, environment: dict[str, str]) -> None:
    """Run a program; type each keys when the screen has shown the text before them; wait for its end.

    Raises AssertionError where the screen does not show it, or the program fails or stays, within LIMIT.
    """
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *_SIZE, 0, 0))
    process: subprocess.Popen[Any] = subprocess.Popen(
        ["setsid", "--ctty", "--wait", *shlex.split(command)],  # emacs asks for its controlling terminal
        cwd=cwd,
        env=environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    try:
        _converse(master, keys, process)
    finally:
        process.kill()
        process.wait()
        os.close(master)
    assert process.returncode == 0, f"{command}: {process.returncode}"


def _converse(master: int, keys: Sequence[tuple[bytes, bytes]], process: subprocess.Popen[Any]) -> None:
    deadline = time.monotonic() + LIMIT
    waiting = list(keys)
    screen = b""
    while process.poll() is None:
        assert time.monotonic() < deadline, f"waiting for {waiting or 'its end'}: {screen[-300:]!r}"
        readable, _, _ = select.select([master], [], [], 0.01)
        if readable:
            try:
                screen += os.read(master, 65536)
            except OSError:  # the other side is closed
                process.wait(LIMIT)
                return
        if waiting and waiting[0][0] in screen:
            os.write(master, waiting.pop(0)[1])
            screen = b""
