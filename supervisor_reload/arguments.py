"""What may stand behind ``supervisor-reload``: verbs, options, help. It reads words and runs nothing."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from . import __version__

LONGEST = 24 * 3600
"""Seconds: a longer limit on the command line is a slip of the finger."""

NEWEST = 20
"""Rollouts that ``history`` shows, if nobody says how many."""

MOST = 1_000_000
"""how many anybody may ask for"""


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The verb and its options; leaves with status 2 and a sentence where they make no sense."""
    parser = _parser()
    options = parser.parse_args(argv)
    if options.configuration is not None and options.verb not in CONFIGURED:
        parser.error(f"-c is for {', '.join(CONFIGURED)}; {options.verb} reads no configuration")
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="supervisor-reload", description="Safe code reload for programs under Supervisor."
    )
    parser.add_argument("-v", "--version", action="version", version=__version__)
    common = argparse.ArgumentParser(add_help=False)
    for where, default in ((parser, None), (common, argparse.SUPPRESS)):  # before the verb, and behind it
        where.add_argument("-c", "--configuration", metavar="FILENAME", default=default, help=CONFIGURATION)
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
    _add_showing(verbs, common)
    _add_run(verbs)
    for verb, text in BECOMING.items():
        # never parsed here: cli hands its words on before anything of this is imported
        verbs.add_parser(verb, help=text, add_help=False)
    return parser


def _add_showing(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    status = verbs.add_parser(
        "status",
        parents=[common],
        help="how each target stands, and each of its processes",
        description="How each target stands, and each of its processes, as the listener wrote it down; also "
        "while the listener is down. Exit status 0 where nothing needs you, 3 where something does, 4 where "
        "nothing is known.",
    )
    history = verbs.add_parser(
        "history",
        parents=[common],
        help="the rollouts that ended",
        description="The rollouts that ended, the newest last; 100 of each target are kept. Exit status 0, "
        "or 4 where nothing is known.",
    )
    for verb in (status, history):
        verb.add_argument("target", metavar="TARGET", nargs="*", help="NAME of [reload:NAME] (default: all)")
        verb.add_argument("--json", action="store_true", help="for programs: docs/status.md has every key")
    history.add_argument("-n", metavar="N", type=_count, default=NEWEST, help=f"how many (default: {NEWEST})")


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


CONFIGURED = ("listen", "check", "status", "history")
"""The verbs that read supervisord's configuration."""

CONFIGURATION = (
    "supervisord's configuration file (default: that of the supervisord that runs us, then Supervisor's "
    "search path)"
)

BECOMING = {
    "exec": "prepare the socket that supervisord hands over, then become a command: exec -- CMD ...",
    "uvicorn": "uvicorn with its own arguments, which loses no request when it is asked to leave",
}
"""The verbs that turn this process into something else."""

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


def _count(text: str) -> int:
    count = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= count <= MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MOST}")
    return count


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1 to 65535")
    return port
