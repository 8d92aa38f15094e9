"""Makes one TargetSettings of one [reload:NAME] section and the processes that it names.

Rules that need more than one key or more than one target are in ``contradictions``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from supervisor_reload import notify
from supervisor_reload.core.model import (
    ObserverKind,
    SlotSettings,
    Strategy,
    TargetSettings,
    WatchSettings,
)

from .drains import read_drain
from .findings import did_you_mean
from .hooks import read_hooks, read_notify
from .numbers import read_numbers
from .probes import read_check, read_ready
from .programs import ProgramProcess, common_directory
from .reactions import read_reactions
from .sections import OwnSection
from .users import rights_of

LONGEST_DRAIN = 30.0
"""seconds; the default of drain_timeout where stopwaitsecs allows it"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A target with what it was made of, for the rules across keys."""

    section: OwnSection
    processes: tuple[ProgramProcess, ...]
    settings: TargetSettings


def read_target(section: OwnSection, server_url: str) -> Target | None:
    """The target of a section; None where it names no process at all. Notes what is wrong.

    ``server_url`` is what supervisord tells its programs in SUPERVISOR_SERVER_URL.
    """
    processes = _processes(section)
    if not processes:
        section.value("watch", tuple) if section.is_set("watch") else _miss_watch(section)
        return None
    section.expansions = {**section.expansions, **_shared_expansions(processes)}
    strategy = section.value("strategy", Strategy)
    numbers = read_numbers(section, len(processes), strategy)
    slots = tuple(_slot(section, process, server_url) for process in processes)
    settings = TargetSettings(
        name=section.name,
        slots=slots,
        watch=_watch(section, processes),
        check=read_check(section, processes),
        reactions=read_reactions(section, processes),
        hooks=read_hooks(section, processes),
        notify=read_notify(section),
        strategy=strategy,
        signal=section.value("signal", str),
        stop_signal=_stop_signal(section, processes),
        replicas=numbers.replicas,
        max_surge=numbers.max_surge,
        max_unavailable=numbers.max_unavailable,
        quiesce_signal=section.value("quiesce_signal", str),
        lame_duck=section.value("lame_duck", float),
        drain_timeout=_drain_timeout(section, processes, slots),
        stop_timeout=float(max(process.stopwaitsecs for process in processes)),
        failure_limit=section.value("failure_limit", int),
        min_interval=section.value("min_interval", float),
        max_per_hour=section.value("max_per_hour", int),
    )
    return Target(section=section, processes=processes, settings=settings)


def _slot(section: OwnSection, process: ProgramProcess, server_url: str) -> SlotSettings:
    ready, drain = read_ready(section, process), read_drain(section, process)
    told = {"notify", "message"} & {ready.scheme, drain.scheme}
    if "message" in told and not process.is_captured:
        key = "ready" if ready.scheme == "message" else "drain"
        message = (
            f"supervisord looks for messages in the output of [{process.section}] only where "
            "stdout_capture_maxbytes (or stderr_capture_maxbytes) is set there: 1KB is enough"
        )
        section.error(key, message)
    socket = ""
    if told:
        socket = _notify_socket(process, server_url)
        ready = replace(ready, rights=rights_of(section, [process]))  # whose the socket must be
    return SlotSettings(
        name=process.name,
        startsecs=float(process.startsecs),
        ready=replace(ready, address=socket) if ready.scheme == "notify" else ready,
        drain=drain,
        notify_socket=socket,
    )


def _notify_socket(process: ProgramProcess, server_url: str) -> str:
    """Where the process is told to send its notices: by its own environment, else by ``exec``."""
    own = process.environment.get("NOTIFY_SOCKET")
    return own or notify.address(process.serverurl or server_url, process.group, process.process)


def _drain_timeout(
    section: OwnSection, processes: Sequence[ProgramProcess], slots: Sequence[SlotSettings]
) -> float:
    written = section.optional("drain_timeout", float)
    if written is not None:
        return written
    if any(slot.drain.is_measured for slot in slots):
        return LONGEST_DRAIN  # stopwaitsecs begins after it
    return min(LONGEST_DRAIN, float(min(process.stopwaitsecs for process in processes)))


def _processes(section: OwnSection) -> tuple[ProgramProcess, ...]:
    """The processes that ``programs`` names, each once, in supervisord's order within each name."""
    known = section.conf.processes
    names = section.optional("programs", tuple) or (section.name,)
    found: dict[str, ProgramProcess] = {}
    for name in names:
        matching = _named(str(name), known)
        found.update({process.name: process for process in matching})
        if not matching:
            _note_unknown(section, str(name))
    return tuple(found.values())


def _named(name: str, known: Sequence[ProgramProcess]) -> list[ProgramProcess]:
    """The processes of a group, else of a program (in whatever groups it is), or the one that is named."""
    group, colon, process = name.partition(":")
    if colon:
        return [one for one in known if one.group == group and process in (one.process, "*", "")]
    return [one for one in known if one.group == name] or [one for one in known if one.program == name]


def _note_unknown(section: OwnSection, name: str) -> None:
    known = section.conf.processes
    declared = section.conf.parser.sections()
    for kind in ("program", "fcgi-program", "eventlistener"):
        if f"{kind}:{name}" in declared:
            section.error("programs", f"[{kind}:{name}] has no processes that could be read")
            return
    names = (
        [one.name for one in known]
        if ":" in name
        else [part for one in known for part in (one.group, one.program)]
    )
    hint = did_you_mean(name, sorted(set(names)))
    section.error("programs", f"there is no group, program or process {name!r}{hint}")


def _shared_expansions(processes: Sequence[ProgramProcess]) -> dict[str, str | int]:
    """What ``%(…)s`` stands for in a key of the whole target: that on which all processes agree."""
    first, *others = processes
    return {
        key: value
        for key, value in first.expansions.items()
        if all(other.expansions.get(key) == value for other in others)
        and (key != "process_num" or first.numprocs == 1)
    }


def _stop_signal(section: OwnSection, processes: Sequence[ProgramProcess]) -> str:
    own = sorted({process.stopsignal for process in processes})
    wanted = section.optional("stop_signal", str)
    if wanted is None and len(own) > 1:
        message = (
            f"the programs have different stopsignals ({', '.join(own)}): name one here, or make two sections"
        )
        section.error("stop_signal", message)
    return wanted or own[0]


def _watch(section: OwnSection, processes: Sequence[ProgramProcess]) -> WatchSettings:
    return WatchSettings(
        paths=_watch_paths(section, processes),
        include=section.value("include", tuple),
        exclude=section.value("exclude", tuple),
        gitignore=section.value("gitignore", bool),
        follow_symlinks=section.value("follow_symlinks", bool),
        observer=section.value("observer", ObserverKind),
        poll_interval=section.value("poll_interval", float),
        quiet_period=section.value("quiet_period", float),
        max_wait=section.value("max_wait", float),
        git_wait=section.value("git_wait", float),
        rescan_interval=section.value("rescan_interval", float),
    )


def _miss_watch(section: OwnSection) -> None:
    section.error("watch", "is required: the directories or files whose change replaces the processes")


def _watch_paths(section: OwnSection, processes: Sequence[ProgramProcess]) -> tuple[str, ...]:
    """Absolute paths that exist, each once; links stay as they are written, for their swap must be seen."""
    if not section.is_set("watch"):
        _miss_watch(section)
        return ()
    directory = common_directory(processes)
    found: dict[str, None] = {}
    for written in section.optional("watch", tuple) or ():
        path = os.path.expanduser(str(written))  # noqa: PTH111 - as supervisord does
        if not path.startswith("/") and not directory.startswith("/"):
            message = f"{path!r} is relative, and the program has no directory: begin it with %(here)s/"
            section.error("watch", message)
            continue
        absolute = str(Path(directory or "/", path))
        if os.path.exists(absolute):  # noqa: PTH110 - Path raises where the name is too long
            found[absolute] = None
        else:
            section.error("watch", f"{absolute!r} does not exist")
    return tuple(found)
