"""What may stand behind ``supervisor-reload``: verbs, options, help. It reads words and runs nothing."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from . import __version__, amounts

NEWEST = 20
"""Rollouts that ``history`` shows, if nobody says how many."""


class _Words(argparse.ArgumentParser):
    """A parser to which half an option is none: what a script says must mean the same in the next version."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_abbrev": False, **options})


if TYPE_CHECKING:
    _Verbs = argparse._SubParsersAction[_Words]


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The verb and its options; leaves with status 2 and a sentence where they make no sense."""
    parser = _parser()
    options = parser.parse_args(argv)
    if options.configuration is not None and options.verb not in CONFIGURED:
        parser.error(f"-c is for {', '.join(CONFIGURED)}; {options.verb} reads no configuration")
    if options.verb == "wait" and (options.more or options.target == "all"):
        parser.error("wait takes one target: wait for the next when it is done")
    return options


def _parser() -> _Words:
    parser = _Words(prog="supervisor-reload", description="Safe code reload for programs under Supervisor.")
    parser.add_argument("-v", "--version", action="version", version=__version__)
    common = _Words(add_help=False)
    for where, default in ((parser, None), (common, argparse.SUPPRESS)):  # before the verb, and behind it
        where.add_argument("-c", "--configuration", metavar="FILENAME", default=default, help=CONFIGURATION)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=_Words)
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
    _add_steering(verbs, common)
    _add_setting_up(verbs, common)
    _add_run(verbs)
    for verb, text in BECOMING.items():
        # never parsed here: cli hands its words on before anything of this is imported
        verbs.add_parser(verb, help=text, add_help=False)
    return parser


def _add_showing(verbs: _Verbs, common: _Words) -> None:
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
    why = verbs.add_parser(
        "why",
        parents=[common],
        help="why the newest code does not serve",
        description="Why the newest code of a target does not serve: which files changed, what failed and "
        "how often, what it printed last, and what each process runs. Exit status 0, or 4 where nothing is "
        "known.",
    )
    for verb in (status, history, why):
        verb.add_argument("target", metavar="TARGET", nargs="*", help="NAME of [reload:NAME] (default: all)")
        verb.add_argument("--json", action="store_true", help="for programs: docs/status.md has every key")
        verb.add_argument("-s", "--serverurl", metavar="URL", default="", help=SERVERURL)
        verb.add_argument("-u", "--username", metavar="USERNAME", help=USERNAME)
        verb.add_argument("-p", "--password", metavar="PASSWORD", help="for that server; others see it in ps")
    status.add_argument("-w", "--watch", action="store_true", help=WATCH)
    history.add_argument(
        "-n", metavar="N", type=amounts.count, default=NEWEST, help=f"how many (default: {NEWEST})"
    )


def _add_steering(verbs: _Verbs, common: _Words) -> None:
    for verb, (text, description) in STEERING.items():
        parser = verbs.add_parser(verb, parents=[common], help=text, description=description + STEERING_ENDS)
        is_named = verb in ("start", "abort")
        parser.add_argument(
            "target",
            metavar="TARGET",
            nargs="+" if is_named else "*",
            help="NAME of [reload:NAME], or all" + ("" if is_named else " (default: all)"),
        )
        if verb == "start":
            parser.add_argument("--force", action="store_true", help="also a revision that is HELD")
        parser.add_argument("--json", action="store_true", help="for programs: docs/verbs.md has every key")
    plan = verbs.add_parser("plan", parents=[common], help=PLAN, description=PLAN_ENDS)
    plan.add_argument("target", metavar="TARGET", nargs="*", help="NAME of [reload:NAME] (default: all)")
    plan.add_argument("--changed", metavar="FILE", action="append", default=[], help=PLAN_CHANGED)
    plan.add_argument("--json", action="store_true", help="for programs: docs/verbs.md has every key")
    wait = verbs.add_parser("wait", parents=[common], help=WAIT, description=WAIT_ENDS)
    wait.add_argument("target", metavar="TARGET", help="NAME of [reload:NAME]")
    wait.add_argument("more", nargs="*", help=argparse.SUPPRESS)  # only for a sentence that says so
    wait.add_argument("--revision", metavar="REV", type=amounts.revision, help=WAIT_REVISION)
    wait.add_argument(
        "--timeout", metavar="SECONDS", type=amounts.seconds, default=300.0, help="(default: 300)"
    )
    wait.add_argument("--json", action="store_true", help="for programs: docs/verbs.md has every key")


def _add_setting_up(verbs: _Verbs, common: _Words) -> None:
    init = verbs.add_parser("init", parents=[common], help=INIT, description=INIT_ENDS)
    init.add_argument("program", metavar="PROGRAM", nargs="*", help="NAME of [program:NAME] (default: all)")
    init.add_argument("--apply", action="store_true", help="write the file; a backup stays beside it")
    doctor = verbs.add_parser("doctor", parents=[common], help=DOCTOR, description=DOCTOR_ENDS)
    doctor.add_argument("--json", action="store_true", help="for programs: docs/doctor.md has every key")


def _add_run(verbs: _Verbs) -> None:
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
    add("--stop-timeout", metavar="SECONDS", type=amounts.whole_seconds, default=10, help=RUN_STOP_TIMEOUT)
    add("--quiet-period", metavar="SECONDS", type=amounts.seconds, default=0.05, help=RUN_QUIET_PERIOD)
    manner = run.add_mutually_exclusive_group()
    manner.add_argument("--signal", metavar="SIG", default="", help=RUN_SIGNAL)
    manner.add_argument("--port", metavar="N", type=amounts.port, help=RUN_PORT)
    manner.add_argument("--socket", metavar="ADDRESS", default="", help=RUN_SOCKET)
    add("argv", metavar="CMD ...", nargs=argparse.REMAINDER, help="the command and its arguments")


CONFIGURED = (
    *("listen", "check", "status", "history", "why", "start", "pause", "resume", "abort", "wait"),
    *("plan", "init", "doctor"),
)
"""The verbs that read supervisord's configuration."""

SERVERURL = (
    "ask this supervisord, which hands the listener's journal out ([rpcinterface:reload]), instead of the "
    "files here: http://host:port or unix:///path"
)

USERNAME = "for that server; the password is asked for where nothing else has it (docs/status.md)"

WATCH = "show it again whenever it changes, until Ctrl-C; with --json an object in each line"

STEERING = {
    "start": (
        "replace the processes now, whether files changed or not",
        "Replace the processes of a target by others on the code on disk, now, whether files changed or not: "
        "checked, drained and verified like any rollout.",
    ),
    "pause": (
        "begin nothing until resume",
        "Begin nothing for a target, nor go on with its rollout, until it is resumed. What is being drained, "
        "stopped or started is finished; changes of files are kept.",
    ),
    "resume": ("go on after pause", "Go on after pause: what changed meanwhile is one rollout."),
    "abort": (
        "end the rollout in hand",
        "End the rollout in hand. What has the new code keeps it, what has the old keeps that, until the "
        "files change or start is asked.",
    ),
}
"""The verbs that ask the listener for something: help, and description."""

STEERING_ENDS = (
    " Exit status 0 where that was done, 1 where it was refused, 2 where there is no such target, "
    "4 where nothing is known or you lack the rights to read it, 7 where the listener is down."
)

WAIT_REVISION = "its first letters (default: that on disk)"

PLAN = "what a change would do, step by step"

PLAN_ENDS = (
    "What a change of code would do to a target as it stands now: every step and its limit, how many "
    "processes serve meanwhile, how long it takes, and what is left when the new code does not start. "
    "It is rehearsed with the listener's own rules and touches nothing. Exit status 0, 4 where there is no "
    "such target."
)

PLAN_CHANGED = "suppose that this file changed (default: code in general); repeatable"

WAIT = "until a revision serves; for deploy scripts"

WAIT_ENDS = (
    "Wait until every process of a target that is in use serves a revision: that on disk now, if none is "
    "named. Exit status 0 only then; 1 with the reason where it will not, or did not in time; 2 where there "
    "is no such target, 4 where nothing is known or you lack the rights to read it, 7 where the listener is "
    "down."
)

INIT = "write our sections for the programs of an existing supervisord.conf"

INIT_ENDS = (
    "Recognise what the programs of an existing supervisord.conf are, and show the sections with which "
    "they would be reloaded, each line explained, as a diff. With --apply they are added at the end of the "
    "file; nothing that is there is changed. Exit status 0, 1 where the result would not work yet or can't "
    "be written, 2 where the configuration can't be read."
)

DOCTOR = "look at everything that a running system needs, and say what to do"

DOCTOR_ENDS = (
    "Look at everything that a running system needs: versions, rights, the kernel's limits, file systems, "
    "the configuration, supervisord, the listener, and what is known of your servers. One line each, with "
    "the remedy where something is wrong. It changes nothing. Exit status 0 where there is no error, else "
    "1."
)

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
