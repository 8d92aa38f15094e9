"""The rules about ``[rpcinterface:reload]``, which keeps listening sockets open inside supervisord.

They only note. The section is optional: without it everything works, but where all processes of a socket may
be away at once, its clients are refused meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from supervisor_reload.core.model import Strategy
from supervisor_reload.inside.section import FACTORY, Options, read_options

from .findings import Findings, nearest
from .sections import OwnSection
from .supervisorconf import RPC_FACTORY, SupervisorConf
from .targets import Target

LINES = f"""\
[rpcinterface:reload]
{RPC_FACTORY}={FACTORY}"""

PACKAGE = FACTORY.partition(".")[0]
LEAST = 2.0
"""Seconds: supervisord takes that long to start a killed listener again (FACTS)."""

ALMOST = 0.85
"""Of two packages' names, by difflib's measure: a wrong letter or two, and not ``supervisor`` itself."""


def note_pins(conf: SupervisorConf, common: OwnSection, directory: str, targets: Sequence[Target]) -> None:
    """Note what is wrong with our section, and which targets would need it.

    ``common`` is ``[reload]``, and ``directory`` the state directory that comes of it.
    """
    findings = common.findings
    longest = max((target.settings.watch.max_wait for target in targets), default=0.0)
    has_ours = False
    for section in conf.parser.sections():
        if section.startswith("rpcinterface:"):
            options = _note_section(conf, section, longest, findings)
            has_ours = has_ours or options is not None
            _note_place(conf, section, options, common, directory)
    if not has_ours:
        for target in targets:
            _note_refused(conf, target)


def _note_section(conf: SupervisorConf, section: str, max_wait: float, findings: Findings) -> Options | None:
    """Note what is wrong with one interface; its options if it is ours, or was meant to be."""
    spec = conf.parser.get(section, RPC_FACTORY, fallback="").strip()
    file = conf.file_of(section)
    if spec != FACTORY:
        package = spec.partition(":")[0].partition(".")[0]
        is_meant = nearest(package, [PACKAGE], ALMOST) is not None
        if is_meant:
            message = f"{spec!r} can't be found, and supervisord would not start: write {FACTORY}"
            findings.error(file, section, RPC_FACTORY, message)
        return Options() if is_meant else None
    names = [key for key in conf.parser.options(section) if key != RPC_FACTORY]
    try:
        written = {key: str(conf.parser.saneget(section, key)) for key in names}
    except ValueError as why:  # an expansion that supervisord does not know: it would not start
        findings.error(file, section, "", str(why))
        return Options()
    options, problems = read_options(written)
    for key, problem in problems:
        findings.warning(file, section, key, problem)
    least = max(LEAST, max_wait)  # so long a start may wait for files that still change
    if options.release_after < least:
        message = (
            f"{options.release_after:g} seconds may be over while the one process of a group is replaced, "
            f"or until a killed listener is back, and clients would be refused: let it be {least:g} or more"
        )
        findings.warning(file, section, "release_after", message)
    return options


def _note_place(
    conf: SupervisorConf, section: str, options: Options | None, common: OwnSection, directory: str
) -> None:
    """It hands out the journal of the listener; note where it would look for it elsewhere."""
    if options is None:
        return
    written = os.path.expanduser(options.state_dir)  # noqa: PTH111 - as supervisord does
    is_other = written != directory if written else common.is_set("state_dir")
    if is_other:
        message = (
            f"{written or 'without it'}: the listener's is {directory}, and status from elsewhere (-s) "
            f"would find nothing: write state_dir={directory}"
        )
        common.findings.warning(conf.file_of(section), section, "state_dir", message)


def _note_refused(conf: SupervisorConf, target: Target) -> None:
    """A socket closes with its last process; only processes beyond those of a rollout keep it open."""
    settings = target.settings
    if settings.strategy is not Strategy.ROLLING or settings.has_spare:
        return
    if settings.max_unavailable < settings.replicas:
        return
    ours = {process.name for process in target.processes}
    for section in dict.fromkeys(process.section for process in target.processes if process.has_socket):
        group = [process for process in conf.processes if process.section == section]
        if ours.issuperset(process.name for process in group):
            message = (
                f"[{section}] has no process left while {_number(settings.replicas)}: its socket "
                "closes, and clients are refused. Set max_surge=1 and one more numprocs, or let supervisord "
                "keep the socket open, with these lines in its configuration:\n" + LINES
            )
            target.section.warning("max_surge", message)
            return


def _number(replicas: int) -> str:
    return "it is replaced" if replicas == 1 else f"all {replicas} are replaced at once"
