"""The private directory of one ``run``: its supervisord.conf, and scripts beside it.

The configuration never holds a text of the user's that its grammar could change (``%``, ``;``, line ends,
bytes that are no UTF-8): commands are scripts, paths are symlinks, and the command's own words are in a
file of their own. It starts nothing.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import supervisor_reload
from supervisor_reload.config.interpreter import NoInterpreterError, interpreter_of, located
from supervisor_reload.config.probes import parse_ready
from supervisor_reload.config.values import command_line, reload_signal, signal_name
from supervisor_reload.core.filters import pattern_error
from supervisor_reload.core.model import SlotName

from . import launch
from .request import AUTO, NOT_EXECUTABLE, NOT_FOUND, Request, RunError
from .templates import BY_SHELL, CONF, DIRECT, LISTENER, SCRIPT, SWAP

Value = TypeVar("Value")

USAGE = 2
"""Exit status for a wrong command line."""

PLAIN = re.compile(r"[A-Za-z0-9_./+-]{1,60}")
"""A path that needs no quoting. In the directory there is room for a name in the 107 bytes that a unix
socket's path may have; a script's first line may have 127."""

WRITABLE = re.compile(r"/([\w./+@=~-]+( [\w./+@=~-]+)*)?")
"""A path that means itself in a list in supervisord.conf."""

TARGET = "program"
FIRST_SLOT = SlotName(f"{TARGET}:{TARGET}_00")
"""The slot that begins when there is a spare one: supervisord itself would start both."""


class Place:
    """The directory and what is in it; ``remove`` it when nobody uses it any more."""

    def __init__(self, request: Request) -> None:
        """Write everything. Raises RunError where the request makes no sense."""
        self.has_spare = bool(request.socket)
        argv = _found(request.argv)
        self.directory = Path(tempfile.mkdtemp(prefix="supervisor-reload-", dir=_base()))  # 0700
        try:
            self._write(request, argv)
        except BaseException:
            self.remove()
            raise

    @property
    def conf(self) -> Path:
        """The configuration file."""
        return self.directory / "supervisord.conf"

    @property
    def socket(self) -> Path:
        """supervisord's own socket."""
        return self.directory / "s.sock"

    def words_of_supervisord(self, most: int = 12) -> str:
        """The last lines that supervisord wrote: why it did not start."""
        lines: list[str] = []
        for name in ("supervisord.log", "supervisord.out"):
            try:
                lines += (self.directory / name).read_text(errors="replace").splitlines()
            except OSError:
                continue
        return "\n".join(lines[-most:])

    def remove(self) -> None:
        """Remove the directory; never raises."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def _write(self, request: Request, argv: Sequence[str]) -> None:
        here = self.directory
        stop_signal = _sane("--stop-signal", signal_name, request.stop_signal)
        (here / "argv").write_bytes(b"".join(os.fsencode(word) + b"\0" for word in argv))
        (here / "cwd").symlink_to(Path.cwd())
        head = DIRECT if PLAIN.fullmatch(sys.executable) else BY_SHELL
        body = SCRIPT.format(
            code=ascii(str(Path(launch.__file__).parent)),
            python=ascii(sys.executable),
            here=ascii(str(here)),
            stop_signal=int(signal.Signals[f"SIG{stop_signal}"]),
            stop_timeout=request.stop_timeout,
        )
        self._script("supervisor-reload", head.format(python=shlex.quote(sys.executable)) + body)
        package = str(Path(supervisor_reload.__file__).parent.parent)
        listener = LISTENER.format(here=ascii(str(here)), package=ascii(package))
        (here / "listener.py").write_text(listener, encoding="ascii")
        own = [*self._watch(request), *self._check(request, argv), *self._manner(request)]
        text = CONF.format(
            story=launch.STORY,
            kind=f"fcgi-program:{TARGET}" if self.has_spare else f"program:{TARGET}",
            python=" %(here)s/python" if (here / "python").exists() else "",
            stop_signal=stop_signal,
            stop_timeout=request.stop_timeout,
            more=SWAP.format(socket=_plain("--socket", request.socket)) if self.has_spare else "",
            target=TARGET,
            quiet_period=request.quiet_period,
            max_wait=max(2.0, 10 * request.quiet_period),
            own="\n".join(own) + "\n",
        )
        try:
            self.conf.write_text(text)  # in the locale's encoding, in which supervisord reads it
        except UnicodeEncodeError as error:
            raise RunError(
                f"{error.object[error.start : error.end]!a} can't be written here", USAGE
            ) from None

    def _script(self, name: str, text: str) -> None:
        file = self.directory / name
        file.write_bytes(os.fsencode(text))
        file.chmod(0o700)

    def _command(self, name: str, argv: Iterable[str]) -> str:
        """A script that becomes the command; answers how the configuration names it."""
        self._script(name, f'#!/bin/sh\nexec {shlex.join(argv)} "$@"\n')
        return f"%(here)s/{name}"

    def _watch(self, request: Request) -> Iterable[str]:
        watched = []
        for number, path in enumerate(request.watch):
            if not os.path.exists(path):  # noqa: PTH110 - Path raises where the name is too long
                raise RunError(f"--watch: {path!r} does not exist", USAGE)
            absolute = os.path.abspath(path)  # noqa: PTH100 - a link stays a link
            if WRITABLE.fullmatch(absolute):
                watched.append(absolute)  # as it is, for it is shown in the output of checks
                continue
            (self.directory / f"watch{number}").symlink_to(absolute)
            watched.append(f"%(here)s/watch{number}")
        yield f"watch={','.join(watched)}"
        if request.include:
            yield "include=" + _patterns("--include", request.include)
        # whoever watches all of /tmp watches us
        yield "exclude=" + _patterns("--exclude", (*request.exclude, f"{self.directory.name}/"))

    def _check(self, request: Request, argv: Sequence[str]) -> Iterable[str]:
        if request.check.strip().lower() in (AUTO, "python"):
            try:
                python = interpreter_of(shlex.join(argv), str(Path.cwd()), os.get_exec_path())
            except NoInterpreterError as why:
                if request.check.strip().lower() == "python":
                    raise RunError(f"--check: {why}", USAGE) from None
                return
            self._command("python", [python])
            yield "check=python"
        elif request.check.strip().lower() != "none":
            command = _sane("--check", command_line, request.check)
            yield "check=" + self._command("check", _checked("--check", command))

    def _manner(self, request: Request) -> Iterable[str]:
        if request.signal:
            yield f"strategy=signal\nsignal={_sane('--signal', reload_signal, request.signal)}"
        elif self.has_spare:
            yield "replicas=1\nmax_surge=1"
        if not request.ready:
            return
        _, address, command = _sane("--ready", parse_ready, request.ready)
        if command:
            yield "ready=" + self._command("ready", _checked("--ready", command))
        else:
            yield "ready=" + _plain("--ready", address or request.ready)


def _base() -> str:
    """Where the directory is made: what the environment says, unless the path would need care."""
    wanted = tempfile.gettempdir()
    return wanted if PLAIN.fullmatch(wanted) else "/tmp"  # noqa: S108 - mkdtemp makes its own below


def _found(argv: Sequence[str]) -> Sequence[str]:
    """The command, if it can be run."""
    if not argv or not argv[0]:
        raise RunError("there is no command: supervisor-reload run [options] -- CMD ...", USAGE)
    if any("\0" in word for word in argv):
        raise RunError("the command holds a NUL character, which no command can", USAGE)
    if located(argv[0], str(Path.cwd()), os.get_exec_path()) is None:
        if "/" in argv[0] and os.path.exists(argv[0]):  # noqa: PTH110
            raise RunError(f"{argv[0]!r} can't be run: it is not an executable file", NOT_EXECUTABLE)
        where = "" if "/" in argv[0] else " on the PATH"
        raise RunError(f"there is no command {argv[0]!r}{where}", NOT_FOUND)
    return argv


def _checked(option: str, command: Sequence[str]) -> Sequence[str]:
    if shutil.which(command[0]) is None:
        raise RunError(f"{option}: {command[0]!r} is neither a word that we know nor a command", USAGE)
    return command


def _sane(option: str, convert: Callable[[str], Value], text: str) -> Value:
    try:
        return convert(text)
    except ValueError as why:
        raise RunError(f"{option}: {why}", USAGE) from None


def _plain(option: str, text: str) -> str:
    """A value that the configuration's grammar leaves alone, ``%`` doubled."""
    if not text.isprintable() or ";" in text or re.search(r"(^|\s)#", text):
        raise RunError(f"{option}: {text!r} holds a character that supervisord.conf can't", USAGE)
    return text.replace("%", "%%")


def _patterns(option: str, patterns: Iterable[str]) -> str:
    for pattern in patterns:
        problem = pattern_error(pattern)
        if problem:
            raise RunError(f"{option}: {pattern!r} is not a gitignore pattern: {problem}", USAGE)
    return ",".join(_plain(option, pattern) for pattern in patterns)
