"""The rules about programs that ``supervisor-reload exec`` and its likes prepare: what would not work.

A rule notes where it is broken, no more.
"""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Sequence
from pathlib import Path

from .ownlistener import note_deafness
from .programs import ProgramProcess
from .supervisorconf import SupervisorConf
from .targets import Target

LEAVES_WITHIN = 25
"""Seconds after the stop signal until our uvicorn and hypercorn (contrib) cut what is under way, where nobody
says another limit"""

OWN_LIMITS = ("--timeout-graceful-shutdown", "--graceful-timeout")


def note_handovers(
    conf: SupervisorConf, listeners: Sequence[ProgramProcess], targets: Sequence[Target]
) -> None:
    """Apply every rule to every program of a target, once."""
    for target in targets:
        if any("message" in (slot.ready.scheme, slot.drain.scheme) for slot in target.settings.slots):
            note_deafness(conf, listeners, target.section.section, target.section.findings)
        for program in {process.section: process for process in target.processes}.values():
            _exec_without_socket(target, program)
            _gunicorn_removes_socket(target, program)
            _killed_before_its_limit(target, program)
        _never_told(target)


def _words(program: ProgramProcess) -> list[str]:
    try:
        return shlex.split(program.command)
    except ValueError:
        return []


def _verb(program: ProgramProcess) -> str:
    """What ``supervisor-reload`` is asked to do by this command; '' where it is none of ours."""
    words = _words(program)
    for word, verb in itertools.pairwise(words):
        if Path(word).name == "supervisor-reload" or word == "supervisor_reload":
            return verb
        if word == "-m" and verb.startswith("supervisor_reload.contrib."):
            return verb.rpartition(".")[2]
    return ""


def _exec_without_socket(target: Target, program: ProgramProcess) -> None:
    if _verb(program) != "exec":
        return
    options = _words(program)[: _words(program).index("--")] if "--" in _words(program) else _words(program)
    if program.has_socket or "--no-socket" in options:
        return
    message = (
        "supervisord hands it no socket, so exec would end with status 2 at every start: "
        "write exec --no-socket, or make it an [fcgi-program]"
    )
    target.section.findings.error(program.file, program.section, "command", message)


def _gunicorn_removes_socket(target: Target, program: ProgramProcess) -> None:
    """With ``--bind`` on a unix socket gunicorn takes the file for its own, and removes it at its end."""
    is_gunicorn = any(Path(word).name == "gunicorn" for word in _words(program))
    if is_gunicorn and program.socket.startswith("unix:") and "--bind" in program.command:
        message = (
            "gunicorn with --bind removes the file of supervisord's unix socket when the first process "
            "leaves, and no client finds it: write supervisor-reload exec -- gunicorn, and leave --bind out"
        )
        target.section.findings.error(program.file, program.section, "command", message)


def _killed_before_its_limit(target: Target, program: ProgramProcess) -> None:
    if _verb(program) not in ("uvicorn", "hypercorn") or program.stopwaitsecs >= LEAVES_WITHIN:
        return
    if any(word.partition("=")[0] in OWN_LIMITS for word in _words(program)):
        return
    message = (
        f"is {program.stopwaitsecs}, and the server takes up to {LEAVES_WITHIN} s to end what is under way: "
        f"set it to {LEAVES_WITHIN + 5}, or give the server a limit of its own that is shorter"
    )
    target.section.findings.warning(program.file, program.section, "stopwaitsecs", message)


def _never_told(target: Target) -> None:
    """Without NOTIFY_SOCKET a program says READY=1 to nobody, and no new process ever counts as ready."""
    for process, slot in zip(target.processes, target.settings.slots, strict=True):
        is_told = "NOTIFY_SOCKET" in process.environment or _verb(process)
        if slot.ready.scheme == "notify" and not is_told:
            option = "" if process.has_socket else "--no-socket "
            message = (
                f"nobody tells [{process.section}] where to say READY=1: begin its command with "
                f"supervisor-reload exec {option}--, or set NOTIFY_SOCKET in its environment"
            )
            target.section.warning("ready", message)
            return
