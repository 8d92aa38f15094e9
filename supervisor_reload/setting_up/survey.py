"""What the programs of a configuration are, and which of them need a section. It writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..config.findings import Findings, did_you_mean
from ..config.interpreter import SHELLS
from ..config.programs import ProgramProcess
from ..config.sections import own_sections
from ..config.shells import leaves_child
from ..config.supervisorconf import SupervisorConf
from ..config.targets import read_target
from ..core.errors import ConfigError, ConfigErrors
from ..recognising import PASSING, Care, Command, Kind, Passing, command_of, kind_of
from .places import NoPlaceError, place_of

FALSE = ("false", "no", "off", "0", "n", "f")
"""Supervisor's words for it (datatypes.FALSY_STRINGS), and its ``unexpected`` is none of them"""

RUNS_ONCE = Kind(
    name="once",
    what="a task that runs once",
    care=Care.ONCE,
    why="startsecs=0 and autorestart=false say that it does its work and ends",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One program section, as far as init understands it."""

    processes: tuple[ProgramProcess, ...]
    written: str
    """its command as it stands in the file"""
    command: Command
    kind: Kind
    target: str = ""
    """the section of ours that has it already"""
    place: str = ""
    """where its code is"""
    problem: str = ""
    """why it gets no section, where it should have one"""
    autorestart: str = ""
    """as written; '' where it is not"""

    @property
    def first(self) -> ProgramProcess:
        """Its first process; they differ in their numbers only."""
        return self.processes[0]

    @property
    def name(self) -> str:
        """The program's name."""
        return self.first.program

    @property
    def is_wanted(self) -> bool:
        """Whether a section is to be written for it."""
        cares = (Care.REPLACED, Care.SIGNALLED)
        return not self.target and not self.problem and self.kind.care in cares


def survey(conf: SupervisorConf, names: Sequence[str] = ()) -> list[Program]:
    """Every program of these names (all without any), in the configuration's order.

    Raises ConfigErrors for a name that no program has.
    """
    sections: dict[str, list[ProgramProcess]] = {}
    for process in conf.processes:
        if process.kind != "eventlistener":
            sections.setdefault(process.section, []).append(process)
    _refuse_unknown(names, conf, [processes[0].program for processes in sections.values()])
    ours = _targets(conf)
    places: dict[str, list[str]] = {}
    found = [
        _program(conf, processes, ours, places)
        for processes in sections.values()
        if not names or processes[0].program in names
    ]
    # once more, for those whose place only the others know
    return [_program(conf, list(one.processes), ours, places) if one.problem else one for one in found]


def _refuse_unknown(names: Sequence[str], conf: SupervisorConf, known: Sequence[str]) -> None:
    errors = []
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or f"; there is {', '.join(known) or 'none'}"
            errors.append(
                ConfigError(file=conf.main, section="", key="", message=f"no program {name!r}{hint}")
            )
    if errors:
        raise ConfigErrors(tuple(errors))


def _targets(conf: SupervisorConf) -> dict[str, str]:
    """Which section of ours has a process already; what is wrong with them is told by ``check``."""
    unheard = Findings()
    found: dict[str, str] = {}
    for section in own_sections(conf, unheard):
        target = read_target(section, "")
        for process in target.processes if target else ():
            found.setdefault(process.name, section.section)
    return found


def _program(
    conf: SupervisorConf,
    processes: Sequence[ProgramProcess],
    ours: dict[str, str],
    places: dict[str, list[str]],
) -> Program:
    first = processes[0]
    command = command_of(first.command)
    kind = kind_of(command, first.directory, first.path, first.environment)
    autorestart = str(conf.parser.get(first.section, "autorestart", fallback="")).strip().lower()
    if first.startsecs == 0 and autorestart in FALSE:
        kind = RUNS_ONCE
    place, problem = "", ""
    if kind.care in (Care.REPLACED, Care.SIGNALLED):
        language = command.language or command.program[:3]
        try:
            place = place_of(first, command, kind, places.get(language, ()))
            places.setdefault(language, []).append(place)
        except NoPlaceError as why:
            problem = str(why)
        problem = _left_behind(first, command, kind) or problem
    return Program(
        processes=tuple(processes),
        written=str(conf.parser.get(first.section, "command", raw=True)),
        command=command,
        kind=kind,
        target=ours.get(first.name, ""),
        place=place,
        problem=problem,
        autorestart=autorestart,
    )


def _left_behind(first: ProgramProcess, command: Command, kind: Kind) -> str:
    """Why every save would leave a process behind, which goes on with the old code; '' where none would."""
    wrapper = command.first_staying(Passing.LEAVES)
    if kind.name == "npm" and PASSING.get(command.program) is Passing.LEAVES:
        wrapper = command.program
    is_outermost = command.wrappers[:1] == (wrapper,)
    if (not wrapper or (wrapper in SHELLS and is_outermost)) and not leaves_child(first):
        return ""
    program = command.program if command.program not in ("", wrapper, *SHELLS) else "the program"
    remedy = (
        f"begin {program} with exec, with no | or & around it"
        if wrapper in ("", *SHELLS)
        else "name the program itself in command="
    )
    return (
        f"a signal ends {wrapper or 'its shell'} and leaves {program} behind, with its port and the old "
        f"code: {remedy}, and run init again"
    )
