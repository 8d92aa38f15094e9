"""The rules across keys: what can't be true together. A rule notes where it is broken, no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from supervisor_reload.core.filters import pattern_error
from supervisor_reload.core.model import Strategy

from .bindings import ports_of
from .findings import Findings
from .overlap import note_overlap
from .ownlistener import is_ours
from .programs import ProgramProcess
from .shells import leaves_child
from .supervisorconf import SupervisorConf
from .targets import Target


def note_contradictions(
    conf: SupervisorConf, targets: Sequence[Target], state_dir: str, findings: Findings
) -> None:
    """Apply every rule to every target."""
    for target in targets:
        for rule in RULES:
            rule(target)
        for program in {process.section: process for process in target.processes}.values():
            for look in PROGRAM_RULES:
                look(target, program)
        note_overlap(conf, target, state_dir)
    _shared_slots(targets)
    _groups_of_others(conf, targets, findings)


def _drain_within_stopwaitsecs(target: Target) -> None:
    section = target.section
    if not section.is_set("drain_timeout"):
        return
    for process, slot in zip(target.processes, target.settings.slots, strict=True):
        if slot.drain.is_measured:
            continue  # stopwaitsecs begins after it
        if target.settings.drain_timeout > process.stopwaitsecs:
            message = (
                f"{target.settings.drain_timeout:g} seconds are more than the stopwaitsecs "
                f"({process.stopwaitsecs}) of [{process.section}]: raise stopwaitsecs, or lower drain_timeout"
            )
            section.error("drain_timeout", message)
            return


def _quiet_within_max_wait(target: Target) -> None:
    watch = target.settings.watch
    if watch.quiet_period > watch.max_wait:
        message = f"{watch.quiet_period:g} seconds are more than max_wait ({watch.max_wait:g})"
        target.section.error("quiet_period", message)


def _ready_timeout_over_startsecs(target: Target) -> None:
    for slot in target.settings.slots:
        if slot.ready.scheme == "running" and slot.ready.timeout <= slot.startsecs:
            message = (
                f"{slot.ready.timeout:g} seconds can't be enough: supervisord calls {slot.name} RUNNING "
                f"after its startsecs ({slot.startsecs:g})"
            )
            target.section.error("ready_timeout", message)
            return


def _retiring_signal(target: Target) -> None:
    """A surplus slot is retired with stopProcess, which sends the program's own stopsignal."""
    if not target.settings.has_spare or not target.section.is_set("stop_signal"):
        return
    for process in target.processes:
        if process.stopsignal != target.settings.stop_signal:
            message = (
                f"{target.settings.stop_signal} is not the stopsignal ({process.stopsignal}) of "
                f"[{process.section}], which supervisord sends to a process whose place a spare one took: "
                "set stopsignal there instead"
            )
            target.section.error("stop_signal", message)
            return


def _spare_needs_socket(target: Target) -> None:
    if not target.settings.has_spare:
        return
    without = sorted({process.section for process in target.processes if process.kind == "program"})
    if without:
        message = (
            f"[{without[0]}] has no socket of supervisord's, so a spare process can only boot beside the old "
            "if the program shares its port or has none: an [fcgi-program] with socket= would be sure"
        )
        target.section.warning("max_surge", message)


def _patterns(target: Target) -> None:
    watch = target.settings.watch
    for key, patterns in (("include", watch.include), ("exclude", watch.exclude)):
        for pattern in patterns:
            problem = pattern_error(pattern)
            if problem:
                target.section.error(key, f"{pattern!r} is not a gitignore pattern: {problem}")


RULES = (
    _drain_within_stopwaitsecs,
    _quiet_within_max_wait,
    _ready_timeout_over_startsecs,
    _retiring_signal,
    _spare_needs_socket,
    _patterns,
)


def _not_ourselves(target: Target, program: ProgramProcess) -> None:
    if program.kind == "eventlistener" and is_ours(program):
        message = f"[{program.section}] is supervisor_reload's own listener, which can't replace itself"
        target.section.error("programs", message)


def _socket_lost_in_group(target: Target, program: ProgramProcess) -> None:
    if program.kind == "fcgi-program" and not program.has_socket:
        message = _lost_socket(program)
        target.section.findings.error(target.section.conf.file_of(f"group:{program.group}"), *message)


def _lost_socket(program: ProgramProcess) -> tuple[str, str, str]:
    text = (
        f"supervisord gives the fcgi-program {program.program!r} no socket when a group names it: "
        "take it out of the group"
    )
    return f"group:{program.group}", "programs", text


def _own_port(target: Target, program: ProgramProcess) -> None:
    """Two processes can't bind one port; a command that counts with %(process_num)d has a port for each."""
    if program.kind != "program" or program.numprocs < 2:
        return
    same = [process for process in target.processes if process.section == program.section]
    binders = Counter(port for process in same for port in ports_of(process.command))
    shared = sorted(port for port, number in binders.items() if number > 1)
    if shared:
        message = (
            f"is {program.numprocs}, and every process would bind port {shared[0]} itself: make it an "
            "[fcgi-program] with a socket, or count with %(process_num)d in its command"
        )
        target.section.findings.error(program.file, program.section, "numprocs", message)


def _shell_wrapper(target: Target, program: ProgramProcess) -> None:
    """A signal goes to the one process that supervisord started: a shell dies of it, its child lives on."""
    if not leaves_child(program):
        return
    if target.settings.strategy is Strategy.SIGNAL:
        message = (
            f"{target.settings.signal} would end the shell that the program runs under and leave the program "
            "behind, still holding its port: begin the wrapped command with exec, with no | or & around it"
        )
        target.section.findings.error(program.file, program.section, "command", message)
        return
    advice, key = "begin the wrapped command with exec", "command"
    if target.settings.has_spare and not program.stopasgroup:
        # what a spare slot replaced is stopped by supervisord itself; all else gets a signal from us
        advice, key = f"{advice}, or at least set stopasgroup=true", "stopasgroup"
    message = (
        "the program runs under a shell, which gets the stop signal in its place and leaves it behind, "
        f"still holding its port: {advice}"
    )
    target.section.findings.warning(program.file, program.section, key, message)


def _goes_away(target: Target, program: ProgramProcess) -> None:
    """A program that puts itself in the background is gone for supervisord, and for us."""
    words = {word.partition("=")[0] for word in program.command.split()}
    named = sorted(words & AWAY)
    if not named and "-D" in words and any(Path(word).name == "gunicorn" for word in words):
        named = ["-D"]
    if not named or words & STAYS:
        return
    message = (
        f"{named[0]} puts the program in the background, where supervisord takes it for ended and starts it "
        f"again, and no signal reaches it: take {named[0]} out"
    )
    target.section.findings.warning(program.file, program.section, "command", message)


AWAY = frozenset({"--daemon", "--daemonize", "--detach"})
STAYS = frozenset({"--no-detach", "--no-daemon", "--nodaemon", "--foreground"})
"""as ``rsync --daemon --no-detach``"""


def _pool_as_group(target: Target, program: ProgramProcess) -> None:
    """The children of a pool die of a TERM, with their jobs; their main process is who must get it, alone."""
    if not program.stopasgroup or not _has_pool(program.command):
        return
    message = (
        "true makes supervisord's own stop signal reach the children of the worker's pool as well, which "
        "cuts their jobs: remove it, the main process sees to its children"
    )
    target.section.findings.warning(program.file, program.section, "stopasgroup", message)


def _has_pool(command: str) -> bool:
    """Whether it is a queue worker whose jobs run in child processes of the same process group.

    Measured with celery 5.7, read in dramatiq 2.2; RQ gives each job a process group of its own.
    """
    words = {Path(word.strip("'\"")).name for word in command.replace("=", " ").split()}
    in_one_process = words & {"solo", "threads", "gevent", "eventlet"}
    return "dramatiq" in words or ({"celery", "worker"} <= words and not in_one_process)


PROGRAM_RULES = (
    _not_ourselves,
    _socket_lost_in_group,
    _own_port,
    _shell_wrapper,
    _goes_away,
    _pool_as_group,
)


def _shared_slots(targets: Sequence[Target]) -> None:
    owner: dict[str, Target] = {}
    for target in targets:
        for process in target.processes:
            other = owner.setdefault(process.name, target)
            if other is not target:
                message = f"{process.name} belongs to [{other.section.section}] already"
                target.section.error("programs", message)
                break


def _groups_of_others(conf: SupervisorConf, targets: Sequence[Target], findings: Findings) -> None:
    """What an operator should know of programs that no target of ours names."""
    ours = {process.name for target in targets for process in target.processes}
    for process in conf.processes:
        if process.kind == "fcgi-program" and not process.has_socket and process.name not in ours:
            section, key, text = _lost_socket(process)
            findings.warning(conf.file_of(section), section, key, text)
