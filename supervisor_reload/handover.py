"""``supervisor-reload exec``: becomes a command that finds what supervisord handed over where it looks.

It runs before every boot, so each millisecond here is one of every reload: it imports next to nothing, and
leaves no process behind, because the command takes over this one (exec; same pid). It never writes to stdout,
never accepts a connection, and never changes how the command itself behaves.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found, unused-ignore]  # signal without its enums: 5 ms of every boot
import _socket  # type: ignore[import-not-found, unused-ignore]  # socket takes 10 ms to import
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

HANDED_OVER = 0
"""The descriptor on which supervisord hands an [fcgi-program] its listening socket."""

LISTEN_FDS_START = 3
"""The first descriptor of systemd's convention: sd_listen_fds(3), SD_LISTEN_FDS_START."""

USAGE_ERROR, NOT_EXECUTABLE, NOT_FOUND = 2, 126, 127
"""Exit statuses: a wrong command line or surrounding, as supervisord's; the others as a shell's."""

USAGE = "usage: supervisor-reload exec [--fd N] [--no-socket] -- CMD ..."

HELP = f"""{USAGE}

Prepare the listening socket that supervisord hands an [fcgi-program] as descriptor 0, then become CMD: same
process, same pid, nothing stays in between. CMD finds

  descriptor 0        the socket, with TCP_NODELAY (uvicorn --fd 0, gunicorn --bind fd://0 ...)
  descriptor 3        the same, with LISTEN_FDS=1, LISTEN_PID and LISTEN_FDNAMES: systemd's socket activation,
                      as gunicorn without --bind, Go, Node and others know it
  NOTIFY_SOCKET       where READY=1 is heard for ready=notify, unless it is set already

options:
  --fd N              the socket as descriptor N as well
  --no-socket         for a [program], which has no socket: NOTIFY_SOCKET only
  -h, --help          show this and exit

Exit status: that of CMD; 2 where descriptor 0 is no listening socket, 126 where CMD can't be run, 127 where
it does not exist.
"""


class HandoverError(Exception):
    """What stands in the way, in a sentence that says what to do; ``code`` is the exit status."""

    def __init__(self, message: str, code: int = USAGE_ERROR) -> None:
        super().__init__(message)
        self.code = code


def main(argv: Sequence[str]) -> int:
    """Become the command that ``argv`` names; returns the exit status only where that was not possible."""
    try:
        fd, has_socket, command = _parse(argv)
        if command is None:
            os.write(2, HELP.encode())  # stdout belongs to CMD, whatever is asked of us
            return 0
        if has_socket:
            hand_over(fd, os.environ)
        tell_notify_socket(os.environ)
        become(command)
    except HandoverError as error:
        os.write(2, f"supervisor-reload exec: {error}\n".encode("utf-8", "backslashreplace"))
        return error.code
    return 0  # never reached: become does not return


def _parse(argv: Sequence[str]) -> tuple[int | None, bool, Sequence[str] | None]:
    """``--fd``, whether there is a socket, and the command; None for a command is a wish for help.

    By hand, because argparse costs 6 ms, a third of a Python's start.
    """
    fd, has_socket, words = None, True, list(argv)
    while words and words[0].startswith("-"):
        word = words.pop(0)
        if word == "--":
            break
        if word in ("-h", "--help"):
            return None, False, None
        name, sign, value = word.partition("=")
        if word == "--no-socket":
            has_socket = False
        elif name == "--fd":
            fd = _number(value if sign else words.pop(0) if words else "")
        else:
            raise HandoverError(f"unknown option {word}; options of CMD come after it\n{USAGE}")
    if not words:
        raise HandoverError(f"no command to become\n{USAGE}")
    if fd is not None and not has_socket:
        raise HandoverError("--fd needs the socket that --no-socket says is not there: leave one out")
    return fd, has_socket, words


def _number(text: str) -> int:
    is_number = text.isascii() and text.isdigit() and len(text) < 10  # a C int
    if not is_number or int(text) in (1, 2):
        raise HandoverError(f"--fd needs a descriptor's number, 0 or from 3 on, not {text!r}\n{USAGE}")
    return int(text)


def hand_over(fd: int | None, environment: MutableMapping[str, str]) -> None:
    """Set TCP_NODELAY on the socket of descriptor 0, and put it where systemd's convention looks for it.

    Args:
        fd: one more descriptor for it, or None
        environment: is told about it (LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES)

    Raises HandoverError where descriptor 0 is no listening socket, or ``fd`` is beyond the limit of files.
    """
    try:
        listens = answer_at_once(HANDED_OVER)
    except HandoverError as error:
        raise HandoverError(f"{error} For a [program], which has none, say --no-socket") from None
    if not listens:
        raise HandoverError(
            "the socket of descriptor 0 does not listen: an [fcgi-program] hands over one that does"
        )
    for number in {LISTEN_FDS_START, LISTEN_FDS_START if fd is None else fd} - {HANDED_OVER}:
        try:
            os.dup2(HANDED_OVER, number)  # inheritable: that is the point
        except OSError as error:
            raise HandoverError(
                f"the socket can't become descriptor {number}: {error.strerror}; "
                "take a lower number, or raise minfds of [supervisord]"
            ) from None
    os.set_inheritable(HANDED_OVER, True)
    environment["LISTEN_FDS"] = "1"
    environment["LISTEN_PID"] = str(os.getpid())  # exec keeps it
    environment["LISTEN_FDNAMES"] = environment.get("SUPERVISOR_GROUP_NAME", "socket").replace(":", "_")


def answer_at_once(fd: int) -> bool:
    """Switch Nagle off on an inherited TCP socket; connections that it accepts inherit that.

    Servers do so on sockets that they opened themselves. On an inherited one, an answer on a kept-alive
    connection waited 44 ms for the client's delayed acknowledgement (measured: uvicorn --fd 0).

    Returns whether the socket listens. Raises HandoverError where ``fd`` is no socket.
    """
    try:
        inherited = _socket.socket(fileno=os.dup(fd))
    except OSError:
        raise HandoverError(
            f"descriptor {fd} is no socket: is this an [fcgi-program] with socket=, "
            "and not named in a [group:x]?"
        ) from None
    try:
        if inherited.family in (_socket.AF_INET, _socket.AF_INET6):
            inherited.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        return bool(inherited.getsockopt(_socket.SOL_SOCKET, _socket.SO_ACCEPTCONN))
    except OSError as error:  # UDP
        raise HandoverError(f"descriptor {fd} is no socket that could listen: {error.strerror}") from None
    finally:
        inherited.close()


def tell_notify_socket(environment: MutableMapping[str, str]) -> None:
    """Set NOTIFY_SOCKET to where the listener hears this process, unless it is set or nobody listens."""
    url = environment.get("SUPERVISOR_SERVER_URL")
    group, process = (environment.get(f"SUPERVISOR_{name}_NAME") for name in ("GROUP", "PROCESS"))
    if not url or not group or not process or "NOTIFY_SOCKET" in environment:
        return
    from .notify import address

    environment["NOTIFY_SOCKET"] = address(url, group, process)


def become(command: Sequence[str]) -> None:
    """Exec; never returns. Raises HandoverError where the command does not exist or can't be run."""
    for number in (_signal.SIGPIPE, _signal.SIGXFSZ):
        _signal.signal(number, _signal.SIG_DFL)  # Python ignores them, and exec keeps that
    try:
        os.execvp(command[0], list(command))  # noqa: S606 - no shell is the point
    except FileNotFoundError:
        where = "no such file" if "/" in command[0] else "no such command on PATH"
        where += ", or the interpreter that its first line names does not exist"
        raise HandoverError(f"{command[0]}: {where}", NOT_FOUND) from None
    except (OSError, ValueError) as error:  # ValueError: an empty name
        why = getattr(error, "strerror", None) or error
        raise HandoverError(f"{command[0]!r} can't be run: {why}", NOT_EXECUTABLE) from None
