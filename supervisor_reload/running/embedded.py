"""supervisord as a child of ours: forked, not started, which saves Supervisor's imports a second time.

It has its own session (Ctrl-C comes to us alone), ends when we end however we end, and takes everything
that it started with it. It never shares our terminal but through descriptors that the command gets.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import sys
import warnings
from pathlib import Path
from types import FrameType
from typing import NoReturn

from . import launch
from .remains import end_all

SET_PDEATHSIG, SET_CHILD_SUBREAPER = 1, 36
"""Of prctl(2), which exists on Linux only."""

ABOVE_ALL = 4096
"""Descriptors that whoever started us may have left open are closed up to here."""


def start(directory: Path, story: int) -> int:
    """Fork a supervisord that reads ``supervisord.conf`` in the directory; answers its pid.

    ``story`` is the writing end of the pipe for the listener's log. The directory is removed when it ends.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _be_supervisord(directory, story, parent)
    return pid


def adopt_orphans() -> None:
    """Become the parent of every orphan below us, so that none is lost; Linux only."""
    _prctl(SET_CHILD_SUBREAPER, 1)


def _be_supervisord(directory: Path, story: int, parent: int) -> NoReturn:
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _leave)  # until supervisord has its own
        os.setsid()
        _prctl(SET_PDEATHSIG, signal.SIGTERM)
        adopt_orphans()
        if os.getppid() == parent:  # else it ended before prctl
            _arrange_descriptors(directory, story)
            status = _supervisord(directory)
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:  # noqa: BLE001 - nothing may unwind into our parent's code, whose copy we are
        sys.excepthook(*sys.exc_info())
    finally:
        with contextlib.suppress(BaseException):
            end_all(os.getpid())
        if status == 0 or os.getppid() != parent:
            shutil.rmtree(directory, ignore_errors=True)  # else its words are wanted
        os._exit(status)


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(0)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _arrange_descriptors(directory: Path, story: int) -> None:
    """Stdin empty, our own output to a file, and the three that are handed down at their places."""
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD, launch.FIRST_FREE) for fd in (1, 2, story)]
    os.closerange(launch.OUT, launch.FIRST_FREE)
    os.closerange(max(high) + 1, ABOVE_ALL)
    for fd, place in zip(high, (launch.OUT, launch.ERR, launch.STORY), strict=True):
        os.dup2(fd, place)  # inheritable
        os.close(fd)
    nothing = os.open(os.devnull, os.O_RDWR)
    own = os.open(directory / "supervisord.out", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for fd, place in ((nothing, 0), (own, 1), (own, 2)):
        os.dup2(fd, place)
    os.close(nothing)
    os.close(own)


def _supervisord(directory: Path) -> int:
    warnings.simplefilter("ignore")  # supervisor 4.2.5 uses pkg_resources
    from supervisor.supervisord import main

    main(["-n", "-c", str(directory / "supervisord.conf")])
    return 0
