"""Becomes the user's command: the last thing before it, in the process that supervisord started.

Runs in a bare interpreter (``python -I -S``), imports nothing of ours and next to nothing else, because
every save waits for it. supervisord knows nothing of all this: it gave us pipes for output, and we go back
to the terminal's own descriptors (OUT and ERR, which it let through), so that the command's output is
touched by nobody and a terminal is a terminal to it.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found, unused-ignore]  # signal without enums: 5 ms of every save
import os
import stat
import time

OUT, ERR, STORY = 3, 4, 5
"""Descriptors that the embedded supervisord hands down: run's stdout and stderr, and the listener's story."""

FIRST_FREE = 64
"""Nothing above this number can have been inherited: Python's own descriptors end at exec."""

OF_SUPERVISORD = (
    b"SUPERVISOR_ENABLED",
    b"SUPERVISOR_SERVER_URL",
    b"SUPERVISOR_PROCESS_NAME",
    b"SUPERVISOR_GROUP_NAME",
)
"""What supervisord adds to the environment."""

LOOK = 0.005
"""seconds between two looks at a process group that shall end"""


def main(place: str, stop_signal: int, stop_timeout: float) -> None:
    """Take leave of the predecessor, and become the command."""
    group = os.path.join(place, "group." + os.environ.get("SUPERVISOR_PROCESS_NAME", ""))  # noqa: PTH118
    os.dup2(OUT, 1)
    os.dup2(ERR, 2)
    end_predecessor(group, stop_signal, stop_timeout)
    with open(group, "w", encoding="ascii") as file:  # noqa: PTH123 - pathlib takes 5 ms to import
        file.write(str(os.getpgrp()))
    with open(os.path.join(place, "argv"), "rb") as file:  # noqa: PTH118, PTH123
        argv = file.read().split(b"\0")[:-1]
    prepare_stdin()
    os.closerange(OUT, FIRST_FREE)
    for number in (_signal.SIGPIPE, _signal.SIGXFSZ):
        _signal.signal(number, _signal.SIG_DFL)  # Python ignores them, and exec keeps that
    environment = {name: value for name, value in os.environb.items() if name not in OF_SUPERVISORD}
    become(argv, environment)


def become(argv: list[bytes], environment: dict[bytes, bytes]) -> None:
    """Exec; where that fails, say so in one line and end as a shell would."""
    try:
        os.execvpe(argv[0], argv, environment)  # noqa: S606 - no shell is the point
    except OSError as error:
        words = f"supervisor-reload: {os.fsdecode(argv[0])!a} can't be run: {error.strerror}\n"
        os.write(2, words.encode("ascii", "backslashreplace"))
        os._exit(126 if isinstance(error, PermissionError) else 127)


def prepare_stdin() -> None:
    """Nothing to read instead of supervisord's pipe, at which a reader would wait for ever; or the socket.

    On a listening socket Nagle is switched off: connections inherit that, and asyncio sets it on none of
    them. An answer on a kept-alive connection would take 44 ms instead of 0.3 (measured: uvicorn --fd 0).
    """
    if not stat.S_ISSOCK(os.fstat(0).st_mode):
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        return
    import _socket  # socket itself takes 10 ms to import

    listening = _socket.socket(fileno=os.dup(0))
    try:
        listening.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
    except OSError:
        pass  # a unix socket has no such thing
    listening.close()


def end_predecessor(file: str, stop_signal: int, stop_timeout: float) -> None:
    """End what the process before us left behind: supervisord's signal reached only its leader.

    The port of a server that a shell or ``npm`` started would be taken otherwise.
    """
    try:
        with open(file, encoding="ascii") as text:  # noqa: PTH123
            group = int(text.read())
    except (OSError, ValueError):
        return  # the first process of this slot
    if group == os.getpgrp() or not has_members(group):
        return
    for number, seconds in ((stop_signal, stop_timeout), (_signal.SIGKILL, 1.0)):
        try:
            os.killpg(group, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + seconds
        while has_members(group):
            if time.monotonic() > deadline:
                break
            time.sleep(LOOK)
        else:
            return


def has_members(group: int) -> bool:
    """Whether a living process of our session is in the group; its number may be a stranger's by now."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    session = os.getsid(0)
    for name in os.listdir("/proc"):  # noqa: PTH208
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                state, _, pgrp, sid = file.read().rpartition(b")")[2].split()[:4]
        except (OSError, ValueError):
            continue
        if int(pgrp) == group and int(sid) == session and state not in (b"Z", b"X"):
            return True
    return False
