"""The operator's commands, ``check`` and ``run_on``: runs them, with limits, and tells how they ended.

``check=python`` compiles the changed files in memory with the program's own interpreter; a command gets the
changed files on its stdin, NUL-separated, and as a file. It never decides what follows.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterable
from functools import partial

from ..core.facts import CheckFailed, CheckPassed, CommandFailed, CommandSucceeded
from ..core.model import CheckSettings, ReactionSettings, Revision, TargetSettings
from ..core.ports import Put
from .spawning import Keep, Outcome, run, unknown
from .unfinished import Unfinished

log = logging.getLogger(__name__)

FILES = "SUPERVISOR_RELOAD_FILES"
"""the variable that names a file with what a command gets on stdin, for those that want to read it twice"""

COMPILE = """
import os, sys
failed = 0
roots = [os.path.realpath(os.fsencode(name)) for name in sys.argv[1:]]
def may_be_read(file):
    real = os.path.realpath(file.name)
    inside = any(real == root or real.startswith(root.rstrip(b"/") + b"/") for root in roots)
    return not roots or inside and os.path.samestat(os.fstat(file.fileno()), os.stat(real))
for name in sys.stdin.buffer.read().split(b"\\0"):
    if not name or not os.path.isfile(name):
        continue
    try:
        with open(name, "rb") as file:
            if may_be_read(file):
                compile(file.read(), os.fsdecode(name), "exec", dont_inherit=True)
    except FileNotFoundError:
        continue
    except (SyntaxError, ValueError, OSError) as error:
        failed = 1
        import traceback
        text = "".join(traceback.format_exception_only(type(error), error))
        if getattr(error, "filename", None) is None:  # null bytes: Python does not say where
            text = os.fsdecode(name) + ": " + text
        sys.stderr.buffer.write(text.encode("utf-8", "backslashreplace"))
sys.exit(failed)
"""


class Checking:
    """The port ``Checks``: one thread for each check that runs."""

    def __init__(self, targets: Iterable[TargetSettings], put: Put, state_dir: str = "") -> None:
        """``state_dir``: where is kept what runs, for the listener after us; '' for nowhere."""
        self._unfinished = Unfinished(state_dir, "check")
        self._targets = {target.name: target for target in targets}
        self._put = put
        self._cancels: dict[str, threading.Event] = {}
        self._threads: list[threading.Thread] = []
        """those that may still be at work, also after they were cancelled"""

    def run(self, target: str, revision: Revision, changed: tuple[str, ...]) -> None:
        """CheckPassed or CheckFailed follows within the check's timeout, unless it is cancelled."""
        self.cancel(target)
        cancelled = self._cancels[target] = threading.Event()
        arguments = (target, revision, changed, cancelled)
        thread = threading.Thread(target=self._check, args=arguments, name=f"check {target}", daemon=True)
        self._threads = [*(each for each in self._threads if each.is_alive()), thread]
        thread.start()

    def tick(self) -> None:
        """Look whether what is known of those that run is still on file."""
        self._unfinished.tick()

    def cancel(self, target: str) -> None:
        """End the check that runs for a target; no fact follows."""
        cancelled = self._cancels.pop(target, None)
        if cancelled is not None:
            cancelled.set()

    def close(self) -> None:
        """End everything; waits up to 1 s for each thread, which must kill its command before we leave."""
        for target in tuple(self._cancels):
            self.cancel(target)
        for thread in self._threads:
            thread.join(1.0)

    def _check(
        self, target: str, revision: Revision, changed: tuple[str, ...], cancelled: threading.Event
    ) -> None:
        try:
            settings = self._targets[target]
            below = () if settings.watch.follow_symlinks else settings.watch.paths
            refusal = self._unfinished.see_off(target, 0.0, cancelled)  # whose answer nobody hears
            if refusal and not cancelled.is_set():
                log.warning("%s: %s", target, refusal)  # it only looks, as ours does
            keep = partial(self._unfinished.kept, target, settings.check.timeout)
            outcome = check(settings.check, target, revision, changed, cancelled, below, keep)
        except Exception as error:
            # A defect of ours must not leave a rollout without an answer for ever.
            log.exception("the check could not be run")
            outcome = Outcome(code=1, reason=f"the check could not be run: {error!r}", output="")
        if cancelled.is_set():
            return
        if outcome.code == 0:
            self._put(CheckPassed(target=target, revision=revision))
        else:
            self._put(
                CheckFailed(target=target, revision=revision, reason=outcome.reason, output=outcome.output)
            )


class Commanding:
    """The port ``Commands``: one thread for each command that runs."""

    def __init__(self, targets: Iterable[TargetSettings], put: Put, state_dir: str = "") -> None:
        """``state_dir``: where is kept what runs, for the listener after us; '' for nowhere."""
        self._unfinished = Unfinished(state_dir, "run_on")
        self._reactions = {target.name: target.reactions for target in targets}
        self._put = put
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []

    def run(self, target: str, rule: int, revision: Revision, changed: tuple[str, ...]) -> None:
        """CommandSucceeded or CommandFailed follows within ``run_timeout``.

        What an earlier listener left running for this target is awaited before, for as long again at most.
        """
        arguments = (target, rule, revision, changed)
        name = f"run_on {target} {rule}"
        thread = threading.Thread(target=self._run, args=arguments, name=name, daemon=True)
        self._threads = [*(each for each in self._threads if each.is_alive()), thread]
        thread.start()

    def tick(self) -> None:
        """Look whether what is known of those that run is still on file."""
        self._unfinished.tick()

    def close(self) -> None:
        """End everything; waits up to 1 s for each thread, which must kill its command before we leave."""
        self._closing.set()
        for thread in self._threads:
            thread.join(1.0)

    def _run(self, target: str, rule: int, revision: Revision, changed: tuple[str, ...]) -> None:
        settings = self._reactions[target]
        try:
            refusal = self._unfinished.see_off(target, settings.run_timeout, self._closing)
            if refusal:
                outcome = Outcome(code=126, reason=f"not run: {refusal}", output="")
            else:
                keep = partial(self._unfinished.kept, target, settings.run_timeout)
                outcome = command(settings, rule, target, revision, changed, self._closing, keep)
        except Exception as error:
            # A defect of ours must not leave a rollout without an answer for ever.
            log.exception("the command could not be run")
            outcome = Outcome(code=1, reason=f"the command could not be run: {error!r}", output="")
        if self._closing.is_set():
            return
        if outcome.code == 0:
            self._put(CommandSucceeded(target=target, rule=rule))
        else:
            reason, output = outcome.reason, outcome.output
            self._put(CommandFailed(target=target, rule=rule, reason=reason, output=output))


def command(
    settings: ReactionSettings,
    rule: int,
    target: str,
    revision: Revision,
    changed: tuple[str, ...],
    cancelled: threading.Event | None = None,
    keep: Keep = unknown,
) -> Outcome:
    """Run one command of ``run_on`` to its end, or to its limit."""
    return run(
        settings.run_on[rule].command,
        limit=settings.run_timeout,
        environment=_environment(target, revision),
        directory=settings.directory,
        stdin=_separated(changed),
        named_in=FILES,
        cancelled=cancelled,
        rights=settings.rights,
        keep=keep,
    )


def check(
    settings: CheckSettings,
    target: str,
    revision: Revision,
    changed: tuple[str, ...],
    cancelled: threading.Event | None = None,
    below: tuple[str, ...] = (),
    keep: Keep = unknown,
) -> Outcome:
    """Run one check to its end, or to its limit.

    ``below``: only what really lies below one of these paths is compiled; anything, where there are none.
    """
    files = changed
    argv = settings.command
    if settings.python:
        files = tuple(name for name in changed if name.endswith(".py"))
        argv = (settings.python, "-I", "-S", "-B", "-c", COMPILE, *below)
        if not files:
            return Outcome(code=0, reason="no Python file changed", output="")
    return run(
        argv,
        limit=settings.timeout,
        environment=_environment(target, revision),
        directory=settings.directory,
        stdin=_separated(files),
        named_in=FILES,
        cancelled=cancelled,
        rights=settings.rights,
        keep=keep,
    )


def _environment(target: str, revision: Revision) -> dict[str, str]:
    return {"SUPERVISOR_RELOAD_TARGET": target, "SUPERVISOR_RELOAD_REVISION": revision}


def _separated(files: Iterable[str]) -> bytes:
    """Names of any bytes, each with the only one behind it that none can hold."""
    return b"".join(os.fsencode(name) + b"\0" for name in files)
