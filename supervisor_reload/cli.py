"""The console script ``supervisor-reload``: its verbs and exit codes. It only opens doors.

Nothing of ours is imported before the verb is known: as an event listener our stdout belongs to the
protocol, and one stray byte on it makes supervisord deaf to us for ever. Nothing else is imported before it
either: ``exec`` and ``uvicorn`` run before every boot, and each millisecond of theirs is one of every reload.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence
    from typing import TextIO

    from .showing import Server

USAGE_ERROR = 2
"""Exit status for a wrong command line or configuration, as supervisord's."""

GENERIC_ERROR = 1
"""Exit status where what was found could not be shown, as supervisorctl's."""

INTERRUPTED = 130
"""Exit status after Ctrl-C, as a shell has it for SIGINT."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit status."""
    words = sys.argv[1:] if argv is None else list(argv)
    if words and words[0] in BECOMING:
        return BECOMING[words[0]](words[1:])
    from .arguments import parse

    options = parse(words)
    verb: str = options.verb
    return VERBS[verb](options)


def _exec(words: Sequence[str]) -> int:
    from .handover import main as become

    return become(words)


def _uvicorn(words: Sequence[str]) -> int:
    from .contrib.uvicorn import main as serve

    return serve(words)


def _listen(options: argparse.Namespace) -> int:
    protocol = _guard_stdout()
    import threading

    from .app import listen
    from .core.errors import ReloadError
    from .edges.observers.logs import tell_uncaught

    threading.excepthook = tell_uncaught

    # Characters, not bytes, are what supervisord counts; bytes that are no UTF-8 must not end us.
    stdin = open(0, encoding="utf-8", errors="surrogateescape", newline="\n", closefd=False)  # noqa: SIM115
    try:
        return listen(options.configuration, stdin, protocol)
    except ReloadError as error:
        _say_error(error)
        return USAGE_ERROR


def _guard_stdout() -> TextIO:
    """Keep stdout for the protocol: whatever anything prints from now on goes to stderr."""
    _open_stderr()
    protocol = os.dup(1)
    os.dup2(2, 1)
    return open(protocol, "w", encoding="utf-8", newline="\n")  # noqa: PTH123 - a descriptor


def _open_stderr() -> None:
    """Have one, also where it was closed (``2>&-``): else the protocol's descriptor would get its number."""
    try:
        os.fstat(2)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.set_inheritable(2, True)  # it is not where open() has taken this very number
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def _check(options: argparse.Namespace) -> int:
    from .checking import check

    return _written(lambda: check(options.configuration, sys.stdout))


def _status(options: argparse.Namespace) -> int:
    from .showing import Server, show_status, watch_status

    show = watch_status if options.watch else show_status
    return _told(
        lambda: show(
            options.configuration,
            options.target,
            sys.stdout,
            sys.stderr,
            server=_server(options, Server),
            as_json=options.json,
        )
    )


def _server(options: argparse.Namespace, of: type[Server]) -> Server | None:
    """Which supervisord is asked instead of the files here."""
    if not options.serverurl:
        return None
    return of(url=options.serverurl, username=options.username or "", password=options.password or "")


def _history(options: argparse.Namespace) -> int:
    from .showing import Server, show_history

    return _told(
        lambda: show_history(
            options.configuration,
            options.target,
            sys.stdout,
            sys.stderr,
            most=options.n,
            server=_server(options, Server),
            as_json=options.json,
        )
    )


def _why(options: argparse.Namespace) -> int:
    from .showing import Server, show_why

    return _told(
        lambda: show_why(
            options.configuration,
            options.target,
            sys.stdout,
            sys.stderr,
            server=_server(options, Server),
            as_json=options.json,
        )
    )


def _steer(options: argparse.Namespace) -> int:
    from .steering import steer

    return _told(
        lambda: steer(
            options.verb,
            options.configuration,
            options.target,
            sys.stdout,
            is_forced=getattr(options, "force", False),
            as_json=options.json,
        )
    )


def _wait(options: argparse.Namespace) -> int:
    from .steering import wait

    return _told(
        lambda: wait(
            options.configuration,
            options.target,
            sys.stdout,
            revision=options.revision or "",
            limit=options.timeout,
            as_json=options.json,
        )
    )


def _plan(options: argparse.Namespace) -> int:
    from .planning import show_plan

    return _told(
        lambda: show_plan(
            options.configuration,
            options.target,
            sys.stdout,
            sys.stderr,
            changed=options.changed,
            is_json=options.json,
        )
    )


def _init(options: argparse.Namespace) -> int:
    from .setting_up import init

    return _told(lambda: init(options.configuration, options.program, sys.stdout, is_applied=options.apply))


def _doctor(options: argparse.Namespace) -> int:
    from .doctor import examine

    return _told(lambda: examine(options.configuration, sys.stdout, as_json=options.json))


def _told(show: Callable[[], int]) -> int:
    """What is shown, or a sentence why it can't be."""
    from .core.errors import ReloadError

    try:
        return _written(show)
    except ReloadError as error:
        _say_error(error)
        return getattr(error, "code", USAGE_ERROR)


def _written(write: Callable[[], int]) -> int:
    """The exit status of what writes to stdout, all of which has left us."""
    if sys.stdout is None:  # `status >&-`: Python has none then
        print("Error: stdout is closed: nothing can be shown", file=sys.stderr)  # noqa: T201
        return GENERIC_ERROR
    try:
        code = write()
        sys.stdout.flush()
    except BrokenPipeError:  # `check | head`: the reader has seen enough
        _forget_stdout()
        return 0
    except OSError as error:
        if error.filename is not None:  # of a file, so not of a stream
            raise
        _forget_stdout()
        print(f"Error: stdout can't be written to: {error.strerror}", file=sys.stderr)  # noqa: T201
        return GENERIC_ERROR
    except KeyboardInterrupt:
        print(file=sys.stderr)  # noqa: T201 - the terminal has ^C in this line
        return INTERRUPTED
    return code


def _forget_stdout() -> None:
    """What is still to be written would fail again when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say_error(error: Exception) -> None:
    for line in str(error).splitlines():
        print(f"Error: {line}", file=sys.stderr)  # noqa: T201 - stderr is where errors go


def _run(options: argparse.Namespace) -> int:
    import signal

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


VERBS = {
    "listen": _listen,
    "check": _check,
    "status": _status,
    "history": _history,
    "why": _why,
    **dict.fromkeys(("start", "pause", "resume", "abort"), _steer),
    "wait": _wait,
    "plan": _plan,
    "init": _init,
    "doctor": _doctor,
    "run": _run,
}

BECOMING = {"exec": _exec, "uvicorn": _uvicorn}
"""Verbs that turn this process into something else; their words are their own."""
