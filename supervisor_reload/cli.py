"""The console script ``supervisor-reload``: its verbs, options and exit codes. It only opens doors.

Nothing of ours is imported before the verb is known: as an event listener our stdout belongs to the
protocol, and one stray byte on it makes supervisord deaf to us for ever.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from typing import TextIO

from . import __version__

USAGE_ERROR = 2
"""Exit status for a wrong command line or configuration, as supervisord's."""

LONGEST = 24 * 3600
"""Seconds: a longer limit on the command line is a slip of the finger."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit status."""
    options = _parser().parse_args(argv)
    verb: str = options.verb
    return VERBS[verb](options)


def _listen(options: argparse.Namespace) -> int:
    protocol = _guard_stdout()
    from .app import listen
    from .core.errors import ReloadError

    # Characters, not bytes, are what supervisord counts; bytes that are no UTF-8 must not end us.
    stdin = open(0, encoding="utf-8", errors="surrogateescape", newline="\n", closefd=False)  # noqa: SIM115
    try:
        return listen(options.configuration, stdin, protocol)
    except ReloadError as error:
        for line in str(error).splitlines():
            print(f"Error: {line}", file=sys.stderr)  # noqa: T201 - stderr is where errors go
        return USAGE_ERROR


def _guard_stdout() -> TextIO:
    """Keep stdout for the protocol: whatever anything prints from now on goes to stderr."""
    protocol = os.dup(1)
    os.dup2(2, 1)
    return open(protocol, "w", encoding="utf-8", newline="\n")  # noqa: PTH123 - a descriptor


def _check(options: argparse.Namespace) -> int:
    from .checking import check

    try:
        code = check(options.configuration, sys.stdout)
        sys.stdout.flush()
    except BrokenPipeError:  # `check | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _run(options: argparse.Namespace) -> int:
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C before anything began needs no traceback
    from .running import Request, RunError, run

    words: list[str] = options.argv[1:] if options.argv[:1] == ["--"] else options.argv
    address = f"tcp://127.0.0.1:{options.port}" if options.port is not None else options.socket
    request = Request(
        argv=tuple(words),
        watch=tuple(options.watch or ["."]),
        include=tuple(options.include),
        exclude=tuple(options.exclude),
        check=options.check,
        ready=options.ready,
        signal=options.signal,
        stop_signal=options.stop_signal,
        stop_timeout=options.stop_timeout,
        quiet_period=options.quiet_period,
        socket=address,
    )
    try:
        return run(request)
    except RunError as error:
        print(f"supervisor-reload run: {error}", file=sys.stderr)  # noqa: T201 - stderr is where errors go
        return error.code


VERBS = {"listen": _listen, "check": _check, "run": _run}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="supervisor-reload", description="Safe code reload for programs under Supervisor."
    )
    parser.add_argument("-v", "--version", action="version", version=__version__)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "-c",
        "--configuration",
        metavar="FILENAME",
        help="supervisord's configuration file (default: that of the supervisord that runs us, "
        "then Supervisor's search path)",
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser(
        "listen",
        parents=[common],
        help="be the event listener; supervisord runs this",
        description="Be the event listener; supervisord runs this from an [eventlistener:x] section.",
    )
    verbs.add_parser(
        "check",
        parents=[common],
        help="read the configuration as supervisord would and report every error at once",
        description="Read the configuration as supervisord would, report every error at once, and tell what "
        "would be watched. Exit status 0, or 2 where there are errors.",
    )
    _add_run(verbs)
    return parser


def _add_run(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    run = verbs.add_parser(
        "run",
        help="run a command and reload it when its code changes, without any configuration",
        usage="%(prog)s [--watch DIR] [--ready URL] [options] -- CMD ...",
        description="Run a command in the foreground and replace it when its code changes. Its output is "
        "passed on as it is, its stdin is /dev/null, its directory and environment are yours. When it "
        "ends by itself, the next save starts it again. Ctrl-C stops it, a second one kills it; nothing is "
        "left behind. Exit status 0 then, 2 for a wrong command line, 127 where CMD does not exist.",
    )
    add = run.add_argument
    add(
        "--watch", metavar="DIR", action="append", help="directory or file with code (default: .); repeatable"
    )
    add("--include", metavar="PATTERN", action="append", default=[], help="count only such files (gitignore)")
    add(
        "--exclude", metavar="PATTERN", action="append", default=[], help="don't count such files (gitignore)"
    )
    add("--check", metavar="WHAT", default="auto", help=RUN_CHECK)
    add("--ready", metavar="URL", default="", help=RUN_READY)
    add("--stop-signal", metavar="SIG", default="TERM", help="asks CMD to end (default: TERM)")
    add("--stop-timeout", metavar="SECONDS", type=_whole_seconds, default=10, help=RUN_STOP_TIMEOUT)
    add("--quiet-period", metavar="SECONDS", type=_seconds, default=0.05, help=RUN_QUIET_PERIOD)
    manner = run.add_mutually_exclusive_group()
    manner.add_argument("--signal", metavar="SIG", default="", help=RUN_SIGNAL)
    manner.add_argument("--port", metavar="N", type=_port, help=RUN_PORT)
    manner.add_argument("--socket", metavar="ADDRESS", default="", help=RUN_SOCKET)
    add("argv", metavar="CMD ...", nargs=argparse.REMAINDER, help="the command and its arguments")


RUN_CHECK = (
    "must pass before CMD is touched: python (compile the changed files), none, or a command line "
    "(default: python where a Python runs CMD)"
)
RUN_READY = (
    "when a new CMD counts as started: running, accepting, http://host:port/path, tcp://host:port, or a "
    "command line (default: running; with a socket: accepting)"
)
RUN_STOP_TIMEOUT = "how long CMD may take to end before it is asked again, then killed (default: 10)"
RUN_QUIET_PERIOD = "silence that ends a burst of saves (default: 0.05)"
RUN_SIGNAL = "CMD reloads itself on this signal, such as HUP, and is not started anew"
RUN_PORT = (
    "swap without a gap: CMD gets a listening socket on 127.0.0.1:N as its descriptor 0 (uvicorn --fd 0, "
    "gunicorn --bind fd://0); new code boots beside the old, which leaves when the new one accepts"
)
RUN_SOCKET = "the same with another address: tcp://host:port or unix:///path"


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to {LONGEST}")
    return seconds


def _whole_seconds(text: str) -> int:
    seconds = int(text)
    if not 1 <= seconds <= LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of seconds from 1 to {LONGEST}")
    return seconds


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1 to 65535")
    return port
