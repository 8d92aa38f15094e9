"""The rule that a listener that is root runs and believes nothing that others can write. It runs nothing.

What runs as the program's own user needs no such rule. The files are looked at again right before a command
runs (``edges.spawning``): this reading is for the operator, who is told everything at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from supervisor_reload.core.model import Rights, TargetSettings
from supervisor_reload.edges.ownership import ROOT, weakness_of, weakness_of_command

from .programs import ProgramProcess
from .sections import OwnSection
from .supervisorconf import SupervisorConf
from .targets import Target
from .users import user_of

ANYWAY = "or, where nobody but root is at home (a development container), trust_writable=true in [reload]"


def note_trust(
    conf: SupervisorConf, common: OwnSection, listeners: Sequence[ProgramProcess], targets: Sequence[Target]
) -> None:
    """Note every command and configuration file that others could change, where our listener is root."""
    for listener in listeners[:1]:
        own = user_of(listener, conf)
        if (os.geteuid() if own is None else own) != ROOT:
            continue
        _note_files(conf, common, listener)
        for target in targets:
            _note_commands(target, listener)


def _note_files(conf: SupervisorConf, common: OwnSection, listener: ProgramProcess) -> None:
    """Whoever can write the configuration can have root run anything. Each weak place is told once."""
    told = set()
    for file in conf.files:
        weakness = weakness_of(os.path.abspath(file))  # noqa: PTH100 - must not follow links
        if weakness is None or weakness.path in told:
            continue
        told.add(weakness.path)
        message = (
            f"[{listener.section}] runs as root and does what this file says, and {weakness}; or give the "
            f"listener a user=, {ANYWAY}"
        )
        is_trusted = common.value("trust_writable", bool)
        (common.findings.warning if is_trusted else common.findings.error)(file, "", "", message)


def _note_commands(target: Target, listener: ProgramProcess) -> None:
    for key, argv, directory, rights in _commands(target.settings):
        if rights.user not in (None, ROOT):
            continue
        problem = weakness_of_command(argv, directory, listener.path)
        if not problem:
            continue
        programs = dict.fromkeys(process.section for process in target.processes)
        where = ", ".join(f"[{section}]" for section in (*programs, listener.section))
        message = f"{argv[0]!r} {problem}; or set user= in {where}, {ANYWAY}"
        (target.section.warning if rights.trust_writable else target.section.error)(key, message)


def _commands(target: TargetSettings) -> Iterator[tuple[str, Sequence[str], str, Rights]]:
    """Every command of a target: its key, argv, directory, and as whom it runs."""
    check, reactions = target.check, target.reactions
    if check.command:
        yield "check", check.command, check.directory, check.rights
    if check.python and not check.rights.trust_writable:
        yield "check", (check.python, "-I"), check.directory, check.rights
    for rule in reactions.run_on:
        yield "run_on", rule.command, reactions.directory, reactions.rights
    hooks = target.hooks
    for key, argv in (
        ("before_rollout", hooks.before),
        ("after_rollout", hooks.after),
        ("on_failure", hooks.on_failure),
    ):
        if argv:
            yield key, argv, hooks.directory, hooks.rights
    for slot in target.slots:
        if slot.ready.command:
            yield "ready", slot.ready.command, "", slot.ready.rights
        if slot.drain.command:
            yield "drain", slot.drain.command, "", slot.drain.rights
