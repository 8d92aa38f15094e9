"""What in the existing sections only the operator may change, in words, with the lines to write. It changes
nothing."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from ..config.interpreter import located
from ..recognising import INSTEAD, Care, Passing, address_of
from .frame import SYSTEM_PATH
from .section import unchecked
from .survey import FALSE, Program

PORT_OPTIONS = ("--host", "--port", "--workers", "-w", "--bind", "-b", "--uds", "--reload", "-p", "-h")
WITHOUT_VALUE = ("--reload",)
"""of those"""

ITS_OWN = re.compile(r"^(supervisor-reload|python|gunicorn)(?= )")
"""How a command begins whose program is in an environment of Python"""

OURS = re.compile(r"\b(supervisor-reload(?= uvicorn)|python(?= -m supervisor_reload))")
"""The same within a sentence"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """One thing to think about, and the lines that would do it."""

    section: str
    message: str
    lines: tuple[str, ...] = ()


def advice_on(program: Program) -> Iterator[Advice]:
    """Everything that init would not change for a program; nothing for one that gets no section now."""
    if not program.is_wanted:
        return
    given = [advice for rule in RULES for advice in rule(program)]
    yield from given
    folder = _folder(program)
    needed = any(
        f"{folder}{word}" in text
        for advice in given
        for text in (advice.message, *advice.lines)
        for word in ("supervisor-reload uvicorn", "python -m supervisor_reload")
    )
    if folder and needed and not located(f"{folder}supervisor-reload", program.first.directory, ()):
        yield _advice(
            program,
            f"supervisor_reload is not installed in {folder.rstrip('/')}, where its command is: what is "
            "said here needs it there, too (in the checkout):",
            f"{shlex.quote(folder + 'python')} -m pip install .",
        )


def _folder(program: Program) -> str:
    """Where the program's own Python has its scripts, with the / behind it; '' where every PATH leads there.

    supervisord's PATH is mostly not that of a virtual environment, and another one has other packages.
    """
    word = program.command.interpreter or program.command.path
    folder = os.path.dirname(word)  # noqa: PTH120 - Path takes ./ away
    return "" if not folder or folder in (*SYSTEM_PATH.split(os.pathsep), "/bin", "/sbin") else f"{folder}/"


def _in_place(text: str, program: Program, *, is_command: bool = False) -> str:
    """A text with our program, and the other Python ones, named by the place where the program's own are."""
    folder = _folder(program)
    if not folder or program.command.language not in ("", "python"):
        return text
    if is_command:
        return ITS_OWN.sub(lambda word: shlex.quote(f"{folder}{word[1]}"), text)
    return OURS.sub(lambda word: f"{folder}{word[1]}", text)


def _advice(program: Program, message: str, *lines: str) -> Advice:
    return Advice(section=program.first.section, message=message, lines=lines)


def _own_port(program: Program) -> Iterator[Advice]:
    """A server that owns its port can't boot beside itself."""
    kind, first = program.kind, program.first
    if first.kind != "program" or kind.care is not Care.REPLACED or not kind.swap:
        return
    address = address_of(first, program.written, program.command, kind)
    if first.numprocs > 1 or not address.startswith("tcp:"):
        return
    rest = shlex.join(_without_port(program))
    swap = _in_place(kind.swap, program, is_command=True)
    command = swap.replace("{rest}", rest).replace("{script}", program.command.path)
    is_grouped = first.group != first.program
    where = f" (and take it out of [group:{first.group}], where it would get no socket)" if is_grouped else ""
    yield _advice(
        program,
        "It binds its port itself, so that clients are refused while it is replaced. To lose none, let "
        f"supervisord hold the socket and boot the new code beside the old{where}; in "
        f"[reload:{program.name}] then replicas=1, max_surge=1, and no ready=",
        f"[fcgi-program:{program.name}]",
        f"socket={address}",
        f"command={' '.join(command.split())}".replace("%", "%%"),
        "process_name=%(program_name)s_%(process_num)02d",
        "numprocs=2",
    )


def _without_port(program: Program) -> list[str]:
    """The words of a server without what says where it listens."""
    left: list[str] = []
    words = iter(program.command.words)
    for word in words:
        name, equals, _ = word.partition("=")
        if name not in PORT_OPTIONS:
            left.append(word)
        elif not equals and name not in WITHOUT_VALUE:
            next(words, None)
    return left


def _loses(program: Program) -> Iterator[Advice]:
    if program.kind.loses:
        yield _advice(program, _in_place(program.kind.loses, program))


def _unchecked(program: Program) -> Iterator[Advice]:
    why = unchecked(program)
    if why:
        yield _advice(
            program,
            f"it gets no check=, so that code which does not compile is only found by its new process: {why}",
        )


def _too_short(program: Program) -> Iterator[Advice]:
    kind, limit = program.kind, program.first.stopwaitsecs
    if kind.drain <= limit or kind.care is not Care.REPLACED:
        return
    work = "a request" if kind.is_server else "a job"
    yield _advice(
        program,
        f"stopwaitsecs is {limit}: {work} that takes longer is cut, by a reload as by supervisorctl stop, "
        "and drain_timeout can't be longer. As long as the longest, and some seconds more:",
        f"stopwaitsecs={kind.drain}",
    )


def _startsecs(program: Program) -> Iterator[Advice]:
    first = program.first
    if program.kind.care is not Care.REPLACED or first.has_socket or first.startsecs > 1:
        return
    if address_of(first, program.written, program.command, program.kind):
        return
    yield _advice(
        program,
        f"startsecs is {first.startsecs}, and nothing else tells whether new code works: as long as it "
        "needs to fail, such as",
        "startsecs=5",
    )


def _not_restarted(program: Program) -> Iterator[Advice]:
    if program.autorestart in FALSE:
        yield _advice(
            program,
            "autorestart=false: when it crashes, nobody starts it before the next save",
            "autorestart=unexpected",
        )


def _child(program: Program) -> Iterator[Advice]:
    """Where the stop signal may not come to the program, or comes to too many."""
    kind, command = program.kind, program.command
    keeping = command.first_staying(Passing.MAY_LEAVE) or (command.program if kind.name == "npm" else "")
    if keeping:
        yield _advice(
            program,
            f"the stop signal goes to {keeping}, which is not the program, and may leave it behind: name the "
            "program itself in command=. For what supervisord itself stops, and only for that, this helps",
            "stopasgroup=true",
            "killasgroup=true",
        )
    spreading = command.first_staying(Passing.TO_ALL)
    if spreading and kind.is_pool:
        yield _advice(
            program,
            f"{spreading} hands the stop signal to the children of the pool as well, which cuts their jobs: "
            f"{INSTEAD.get(spreading, f'leave {spreading} out')}",
        )


def _cold(program: Program) -> Iterator[Advice]:
    """Where the stop signal is none that lets anybody finish."""
    environment = {**program.first.environment, **program.command.environment}
    if program.kind.name == "celery worker" and environment.get("REMAP_SIGTERM") == "SIGQUIT":
        yield _advice(
            program,
            "REMAP_SIGTERM=SIGQUIT makes the stop signal a cold shutdown, which drops tasks: take it out",
        )
    if program.first.stopsignal == "KILL":
        yield _advice(
            program,
            "stopsignal=KILL lets nothing finish: every reload cuts what is in hand",
            "stopsignal=TERM",
        )
    if program.kind.name == "huey" and program.first.stopsignal != "INT":
        yield _advice(program, "huey ends its tasks in hand on INT, and cuts them on TERM", "stopsignal=INT")


RULES = (_own_port, _loses, _unchecked, _too_short, _startsecs, _not_restarted, _child, _cold)
