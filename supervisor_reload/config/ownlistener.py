"""Looks at what must be in supervisord.conf for us: our event listener, and supervisord's interface."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from supervisor.datatypes import FALSY_STRINGS, integer, list_of_strings
from supervisor.events import EventTypes

from .answers import note_answers
from .findings import Findings, did_you_mean
from .programs import ProgramProcess
from .supervisorconf import RPC_FACTORY, SupervisorConf

NEEDED_EVENTS = (
    "PROCESS_STATE",
    "PROCESS_GROUP",
    "REMOTE_COMMUNICATION",
    "SUPERVISOR_STATE_CHANGE",
    "TICK_5",
)
LEAST_BUFFER = 100
"""events; with Supervisor's default of 10 a burst pushes the oldest out"""

FEWEST_STARTS = 3
"""tries, Supervisor's own default: over in about 6 s, before a disk is mounted or a package is installed"""

LINES = """\
[eventlistener:reload]
command=supervisor-reload listen
events=PROCESS_STATE,PROCESS_GROUP,REMOTE_COMMUNICATION,PROCESS_COMMUNICATION,SUPERVISOR_STATE_CHANGE,TICK_5
buffer_size=1000
priority=-10
startretries=100"""

INTERFACE_LINES = f"""\
[rpcinterface:supervisor]
{RPC_FACTORY}=supervisor.rpcinterface:make_main_rpcinterface"""

SERVER_LINES = """\
[unix_http_server]
file=%(here)s/supervisor.sock"""


def own_listeners(conf: SupervisorConf) -> tuple[ProgramProcess, ...]:
    """The processes of the configuration that are ``supervisor-reload listen``."""
    return tuple(
        process for process in conf.processes if process.kind == "eventlistener" and is_ours(process)
    )


def is_ours(process: ProgramProcess) -> bool:
    """Whether a command runs our listener, by its script or as a module, also behind a wrapper or a shell."""
    try:
        words = [word for part in shlex.split(process.command) for word in part.split()]
    except ValueError:
        return False
    if "listen" not in words:
        return False
    return any(Path(word).name == "supervisor-reload" for word in words) or "supervisor_reload" in words


def note_listener(conf: SupervisorConf, listeners: Sequence[ProgramProcess], findings: Findings) -> None:
    """Note what is wrong with our listener, and with supervisord's way for it to give orders."""
    if not conf.servers and not any(section.endswith("_http_server") for section in conf.parser.sections()):
        message = (
            "supervisord has no server section, so no order can reach it; add these lines:\n" + SERVER_LINES
        )
        findings.error(conf.main, "unix_http_server", "", message)
    if not conf.parser.has_section("rpcinterface:supervisor"):
        message = "supervisord needs this section to be controlled; add these lines:\n" + INTERFACE_LINES
        findings.error(conf.main, "rpcinterface:supervisor", "", message)
    note_answers(conf, findings)
    if not listeners:
        _note_missing(conf, findings)
        return
    if len(listeners) > 1:
        each = ", ".join(listener.name for listener in listeners)
        message = (
            f"there must be one listener process, and there are {len(listeners)}: {each}; "
            "the first that starts works, and the others refuse to"
        )
        findings.warning(listeners[1].file, listeners[1].section, "", message)
    for section in dict.fromkeys(listener.section for listener in listeners):
        _note_section(conf, section, findings)


def _note_missing(conf: SupervisorConf, findings: Findings) -> None:
    broken = [name for name in conf.parser.sections() if name.startswith("eventlistener:")]
    known = {process.section for process in conf.processes}
    if any(
        name not in known and "supervisor" in conf.parser.get(name, "command", fallback="") for name in broken
    ):
        return  # it is there, and could not be read: that has been noted
    message = "our event listener is missing; add these lines:\n" + LINES
    findings.error(conf.main, "eventlistener:reload", "", message)


def _note_section(conf: SupervisorConf, section: str, findings: Findings) -> None:
    file = conf.file_of(section)
    size = _number(conf, section, "buffer_size", 10, findings)
    if size < LEAST_BUFFER:
        written = "is" if conf.parser.has_option(section, "buffer_size") else "is by default"
        message = f"{written} {size}, so that a burst of events pushes the oldest out: set buffer_size=1000"
        findings.error(file, section, "buffer_size", message)
    missing = missing_events(_text(conf, section, "events"))
    if missing:
        message = f"lacks {', '.join(missing)}"
        findings.error(file, section, "events", message)
    unknown = [
        f"unknown event type {name}{did_you_mean(name, map(str.lower, vars(EventTypes)))}"
        for name in _event_names(_text(conf, section, "events"))
        if not hasattr(EventTypes, name)
    ]
    for problem in unknown:
        findings.error(file, section, "events", problem)
    _note_priority(conf, section, findings)
    _note_starts(conf, section, findings)


def _note_starts(conf: SupervisorConf, section: str, findings: Findings) -> None:
    """Whoever switches these off may mean it, but then nobody watches, and nothing says so."""
    for key, outcome in (
        ("autostart", "supervisord does not start it: no code is watched until somebody does"),
        ("autorestart", "supervisord does not start it again when it was killed: no code is watched then"),
    ):
        if _text(conf, section, key).strip().lower() in FALSY_STRINGS:
            findings.warning(conf.file_of(section), section, key, f"is false, so {outcome}")
    tries = _number(conf, section, "startretries", FEWEST_STARTS, findings)
    if tries < FEWEST_STARTS:
        message = (
            f"is {tries}, so supervisord gives it up (FATAL) after {_times(tries + 1)}, and no code "
            "is watched from then on: set startretries=100"
        )
        findings.warning(conf.file_of(section), section, "startretries", message)


def _times(count: int) -> str:
    return "one start that failed" if count == 1 else f"{count} starts that failed"


def _note_priority(conf: SupervisorConf, section: str, findings: Findings) -> None:
    own = _number(conf, section, "priority", -1, findings)
    for other in conf.parser.sections():
        if not other.startswith("eventlistener:") or other == section:
            continue
        if own == _number(conf, other, "priority", -1, findings):
            message = (
                f"is {own}, as that of [{other}]: events that one rejects reach the other; give us our own"
            )
            findings.warning(conf.file_of(section), section, "priority", message)


def note_deafness(
    conf: SupervisorConf, listeners: Sequence[ProgramProcess], section: str, findings: Findings
) -> None:
    """Note a listener that would not hear the messages on which ``section`` relies."""
    for own in dict.fromkeys(listener.section for listener in listeners):
        missing = missing_events(_text(conf, own, "events"), ("PROCESS_COMMUNICATION",))
        if missing:
            message = f"lacks {missing[0]}, the messages that [{section}] waits for"
            findings.error(conf.file_of(own), own, "events", message)


def missing_events(text: str, needed: Sequence[str] = NEEDED_EVENTS) -> list[str]:
    """Which of the events that we need a subscription does not cover; an abstract type covers its kinds."""
    subscribed = [getattr(EventTypes, name) for name in _event_names(text) if hasattr(EventTypes, name)]
    kinds = tuple(kind for kind in subscribed if isinstance(kind, type))
    return [name for name in needed if not issubclass(getattr(EventTypes, name), kinds)]


def _event_names(text: str) -> list[str]:
    return [name.upper() for name in list_of_strings(text) if name]


def _text(conf: SupervisorConf, section: str, key: str) -> str:
    try:
        return str(conf.parser.saneget(section, key, "", expansions={"here": conf.here}))
    except ValueError:
        return str(conf.parser.get(section, key))


def _number(conf: SupervisorConf, section: str, key: str, default: int, findings: Findings) -> int:
    text = _text(conf, section, key)
    try:
        return int(integer(text)) if text else default
    except ValueError:
        findings.error(conf.file_of(section), section, key, f"{text!r} is not a whole number")
        return default
