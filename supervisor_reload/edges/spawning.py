"""Run one command of the operator's within limits: argv without a shell, own process group, bounded output.

Whatever it starts dies with it at the limit, where we may kill it; it never inherits our protocol streams,
and never holds us: what can't be killed (``sudo``'s, or stuck in the kernel) is left behind, and told. Where
we are root it runs as its program's user, and never as root what others can write.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pwd
import re
import select
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..core.model import Rights
from .ownership import ROOT, weakness_of_command

log = logging.getLogger(__name__)

OUTPUT_LIMIT = 16 * 1024
"""Bytes of output that are kept, the last ones."""

REST = 32
"""Blocks that are read after the end; a pipe holds one of 64 KiB, or 16 of a page each."""

LOOK = 0.05
"""Seconds between two looks at a process that says nothing."""

PIECE = re.compile(r"\S{0,256}\s+")
"""The rest of a word that was cut; what is longer is no word."""

KILL_LIMIT = 1.0
"""Seconds for which the end of a killed process is awaited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a command ended."""

    code: int
    """exit status; negative for a signal, as in subprocess; 127 could not be started; 126 was not, for
    others can write it or an earlier one still runs; 1 could not be ended"""
    reason: str
    """such as ``exit status 1``"""
    output: str
    """stdout and stderr as they came, the last OUTPUT_LIMIT bytes, from the beginning of a word on"""


AS_WE_ARE = Rights()

Keep = Callable[[int, str], contextlib.AbstractContextManager[None]]
"""(a command's pid, the entry of its environment that no other command has; '' for none) -> remembers it"""


def unknown(pid: int, mark: str) -> contextlib.AbstractContextManager[None]:
    """Remember nothing of a command."""
    del pid, mark
    return contextlib.nullcontext()


def run(  # noqa: PLR0913 - each is a word of one call, by its name
    argv: Sequence[str],
    *,
    limit: float,
    environment: Mapping[str, str] | None = None,
    directory: str = "",
    stdin: bytes = b"",
    named_in: str = "",
    cancelled: threading.Event | None = None,
    rights: Rights = AS_WE_ARE,
    keep: Keep = unknown,
) -> Outcome:
    """Run a command and wait for it, ``limit`` seconds (and KILL_LIMIT) at most.

    Never raises for what the command does. It is ended as at its limit once ``cancelled`` is set. What it
    gets on stdin is also a file for that time, whose name stands in the variable ``named_in``. ``rights``
    hold where we are root. ``keep`` never raises; it is entered right after the start, left after the end.
    """
    every = {**os.environ, **(environment or {})}
    refusal = _refusal(argv, directory, every, rights)
    if refusal:
        return Outcome(code=126, reason=f"not run: {refusal}", output="")
    with contextlib.ExitStack() as stack:
        try:
            person = _person(rights)
            given = stack.enter_context(_file(stdin, person.get("user")))
            named = {named_in: given.name} if named_in else {}
            process = subprocess.Popen(
                argv,
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=directory or None,
                env={**every, **named},
                start_new_session=True,
                **person,
            )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            return Outcome(code=127, reason=f"could not be started: {error}", output="")
        assert process.stdout is not None
        stdout = stack.enter_context(process.stdout)
        mark = "".join(f"{variable}={name}" for variable, name in named.items())
        stack.enter_context(keep(process.pid, mark))
        return _follow(process, stdout, limit, cancelled or threading.Event())


def _refusal(argv: Sequence[str], directory: str, environment: Mapping[str, str], rights: Rights) -> str:
    """Why this must not run as root; asked each time, for a file can be changed after we looked."""
    if os.geteuid() != ROOT or rights.user not in (None, ROOT) or rights.trust_writable:
        return ""
    return weakness_of_command(argv, directory, os.get_exec_path(dict(environment)))


def _person(rights: Rights) -> dict[str, Any]:
    """What makes a command another user's, as supervisord makes its programs: uid, gid and groups, no more.

    Raises ValueError where there is no such user.
    """
    if os.geteuid() != ROOT or rights.user in (None, ROOT):
        return {}
    assert rights.user is not None
    try:
        found = pwd.getpwuid(rights.user)
    except KeyError:
        raise ValueError(f"there is no user {rights.user}") from None
    groups = os.getgrouplist(found.pw_name, found.pw_gid)
    return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": groups}


@contextlib.contextmanager
def _file(content: bytes, owner: int | None) -> Iterator[IO[bytes]]:
    """A file with a name (0600), for as long as the command runs, as its user. Raises OSError."""
    descriptor, name = tempfile.mkstemp(prefix="supervisor_reload-")
    try:
        with os.fdopen(descriptor, "wb") as file:  # a full disk shows here, or when it is closed
            file.write(content)
        with Path(name).open("rb") as file:
            if owner is not None:  # now that it is open: its owner may put another file in its place
                os.fchown(file.fileno(), owner, -1)
            yield file
    finally:
        with contextlib.suppress(OSError):
            Path(name).unlink()


def _follow(
    process: subprocess.Popen[bytes], stdout: IO[bytes], limit: float, cancelled: threading.Event
) -> Outcome:
    deadline = time.monotonic() + limit
    kept = b""
    reason = ""
    while process.poll() is None:
        if cancelled.is_set():
            reason = "cancelled"
            break
        if time.monotonic() >= deadline:
            reason = f"no end within {limit:g} s"
            break
        block = _read(stdout, LOOK)
        if block == b"":  # it closed its output: only its end is left to wait for
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(LOOK)
        kept = (kept + (block or b""))[-OUTPUT_LIMIT - 1 :]
    refusal = kill_group(process.pid)
    for _ in range(REST):  # bounded: what left the process group may hold the pipe, and write for ever
        kept = (kept + (_read(stdout, 0) or b""))[-OUTPUT_LIMIT - 1 :]
    output = kept[-OUTPUT_LIMIT:].decode(errors="replace")
    if len(kept) > OUTPUT_LIMIT:
        output = _from_a_word(output)
    try:
        code = process.wait(KILL_LIMIT)
    except subprocess.TimeoutExpired:
        reason += f", and pid {process.pid} could not be killed: {refusal or 'it is stuck in the kernel'}"
        _leave(process, reason)
        return Outcome(code=1, reason=reason, output=output)
    return Outcome(code=code if not reason else code or 1, reason=reason or _say(code), output=output)


def tail(output: str, most: int = 200) -> str:
    """The end of an output, for a line of the log: ``most`` characters, from the beginning of a word on."""
    text = output.strip()
    return text if len(text) <= most else _from_a_word(text[-most:])


def _from_a_word(text: str) -> str:
    """A text without the piece of a word with which it begins: half a secret would not be recognised."""
    piece = PIECE.match(text)
    return text[piece.end() :] if piece else text


def _read(stdout: IO[bytes], wait: float) -> bytes | None:
    poll = select.poll()  # not select.select: that raises on a descriptor above 1023
    poll.register(stdout, select.POLLIN)
    return os.read(stdout.fileno(), 65536) if poll.poll(wait * 1000) else None


def kill_group(pid: int) -> str:
    """End what is left of a command's process group: itself at its limit, and what it left behind.

    Why that was refused, or ''.
    """
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # nothing is left
    except PermissionError:
        return "it is another user's"
    return ""


def _leave(process: subprocess.Popen[bytes], reason: str) -> None:
    """Leave a process to its own end, and its zombie to a thread that nobody waits for."""
    log.warning("the command %r is left running: %s", process.args, reason)
    threading.Thread(target=process.wait, name=f"reaping {process.pid}", daemon=True).start()


def _say(code: int) -> str:
    return f"exit status {code}" if code >= 0 else f"ended by signal {-code}"
