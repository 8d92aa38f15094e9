"""The command that does the work, behind whatever starts it: shells, ``env``, ``poetry run``, ``python -m``
...

It reads words and never looks at a file. What it does not know it takes for the program itself.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from types import MappingProxyType

from ..config.interpreter import PYTHON, SHELLS
from ..config.shells import becomes, parts_of, program_in, script_in
from .wrappers import (
    ONE_WORDS_OPTIONS,
    RUNNERS,
    RUNNERS_OPTIONS,
    WITH_ONE_WORD,
    WRAPPERS,
    Passing,
    passing_of,
)

MOST_LAYERS = 12
"""Wrappers in wrappers; a limit, because a word may repeat for ever."""

ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)

LANGUAGES = re.compile(
    r"(?P<python>python|pypy)[0-9.]*[a-z]?|(?P<php>php)[0-9.]*|(?P<ruby>j?ruby)[0-9.]*|(?P<java>java)"
    r"|(?P<node>node|nodejs|bun|deno|tsx|ts-node)|(?P<perl>perl)"
)

SCRIPT_OPTIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "python": frozenset({"-W", "-X"}),
        "php": frozenset({"-d", "-c", "--define"}),
        "ruby": frozenset({"-I", "-r"}),
        "node": frozenset({"-r", "--require", "--import", "--loader", "--env-file"}),
        "java": frozenset({"-cp", "-classpath", "--class-path"}),
        "perl": frozenset({"-I", "-M"}),
    }
)
"""Options of an interpreter that take the next word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a program's command comes down to."""

    program: str
    """its name: ``gunicorn``, ``manage.py``, ``artisan``; that of a module for ``python -m``"""
    words: tuple[str, ...] = ()
    """behind it"""
    path: str = ""
    """the program or script as written; '' for a module"""
    language: str = ""
    """python, php, ruby, node, java, perl; '' where no interpreter is named"""
    interpreter: str = ""
    """as written"""
    wrappers: tuple[str, ...] = ()
    """what stands before it, by name, the outermost first"""
    staying: tuple[tuple[str, Passing], ...] = ()
    """those of them that stay its parent, and what becomes of a signal to them"""
    options: tuple[str, ...] = ()
    """of the interpreter, before the script"""
    directory: str = ""
    """where a ``cd`` before it leads; '' where there is none"""
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)
    """assignments before it"""

    def first_staying(self, *ways: Passing) -> str:
        """The outermost wrapper that stays and treats signals in one of these ways; '' where none does."""
        return next((name for name, passing in self.staying if passing in ways), "")

    @property
    def text(self) -> str:
        """The words behind the program, as one text."""
        return " ".join(self.words)

    def option(self, *names: str) -> str:
        """The value of the first of these options that is there; '' where none is."""
        for word, following in zip(self.words, [*self.words[1:], ""], strict=False):
            name, equals, value = word.partition("=")
            if name in names:
                return value if equals else following
        return ""


NOTHING = Command(program="")
"""What can't be read."""


def command_of(written: str) -> Command:
    """The command behind its wrappers; NOTHING where it can't be split as supervisord splits it."""
    try:
        words = shlex.split(written)
    except ValueError:
        return NOTHING
    found = Command(program="", words=tuple(words))
    for _ in range(MOST_LAYERS):
        inner = _inside(found)
        if inner is None:
            break
        found = inner
    return _named(found)


def _inside(outer: Command) -> Command | None:
    """With one wrapper less; None where there is none."""
    if not outer.words:
        return None
    first, *rest = outer.words
    name = PurePosixPath(first).name
    if matched := ASSIGNMENT.fullmatch(first):
        return replace(outer, words=tuple(rest), environment={**outer.environment, matched[1]: matched[2]})
    for unwrap in UNWRAPPING:
        inner = unwrap(name, rest)
        if inner is not None:
            return _behind(replace(outer, words=tuple(inner)), name, passing_of(name, rest))
    script = script_in([first, *rest]) if name in SHELLS else None
    return None if script is None else _of_script(outer, name, script)


def _behind(inner: Command, wrapper: str, passing: Passing) -> Command:
    staying = () if passing is Passing.BECOMES else ((wrapper, passing),)
    return replace(inner, wrappers=(*inner.wrappers, wrapper), staying=(*inner.staying, *staying))


def _plain(name: str, rest: Sequence[str]) -> list[str] | None:
    if name not in WRAPPERS or (name == "newrelic-admin" and rest[:1] == ["run-program"]):
        return None
    return _behind_options(rest, WRAPPERS[name])


def _with_one_word(name: str, rest: Sequence[str]) -> list[str] | None:
    return _behind_options(rest, ONE_WORDS_OPTIONS)[1:] if name in WITH_ONE_WORD else None


def _runner(name: str, rest: Sequence[str]) -> list[str] | None:
    verbs = RUNNERS.get(name, ())
    behind = _behind_options(rest, RUNNERS_OPTIONS)
    if not behind or behind[0] not in verbs:
        return None
    return _behind_options(behind[1:], RUNNERS_OPTIONS)


def _our_own(name: str, rest: Sequence[str]) -> list[str] | None:
    """``supervisor-reload exec`` is a wrapper; what its other verbs become is a server of that name."""
    if name != "supervisor-reload" or rest[:1] != ["exec"]:
        return None
    return _behind_options(rest[1:], frozenset({"--fd"}))


UNWRAPPING: tuple[Callable[[str, Sequence[str]], list[str] | None], ...] = (
    _plain,
    _with_one_word,
    _runner,
    _our_own,
)


def _behind_options(words: Sequence[str], with_word: frozenset[str]) -> list[str]:
    """What follows the options; a lone ``--`` ends them."""
    left = list(words)
    while left and left[0].startswith("-"):
        option = left.pop(0)
        if option == "--":
            break
        if option in with_word and left:
            left.pop(0)
    return left


def _of_script(outer: Command, shell: str, script: str) -> Command:
    """What ``cd DIR && . venv/bin/activate && exec CMD`` comes to; of a script less plain nothing."""
    passing = Passing.BECOMES if becomes(shell, script) else Passing.LEAVES
    found = program_in(script)
    if found is None:
        return _behind(replace(outer, words=()), shell, passing)
    directory = outer.directory
    for part in parts_of(script):
        if part.words[:1] == ("cd",) and len(part.words) > 1:
            directory = str(PurePosixPath(directory, part.words[1]))
    words = (*found.assignments, *found.words)
    return _behind(replace(outer, words=words, directory=directory), shell, passing)


def _named(found: Command) -> Command:
    """With its program, and the interpreter that runs it."""
    if not found.words:
        return found
    first, *rest = found.words
    name = PurePosixPath(first).name
    if name == "supervisor-reload" and rest:
        return replace(found, program=rest[0], words=tuple(rest[1:]), path=first, language="python")
    matched = LANGUAGES.fullmatch(name)
    if matched is None:
        language = "python" if name.endswith(".py") else ""  # as ``uv run main.py``
        return replace(found, program=name, words=tuple(rest), path=first, language=language)
    language = str(matched.lastgroup)
    found = replace(found, interpreter=first)
    if language == "python" and (module := _module(rest)):
        name = module[0].removeprefix("supervisor_reload.contrib.")
        return replace(found, program=name, words=tuple(module[1:]), language=language)
    behind = _behind_options(rest, SCRIPT_OPTIONS[language])
    if language == "java":
        jar = rest[rest.index("-jar") + 1 :] if "-jar" in rest else []
        return replace(found, program=name, words=tuple(rest), path=jar[0] if jar else "", language=language)
    if not behind or (language == "php" and "-S" in rest):
        return replace(found, program=name, path="", language=language, words=tuple(rest))
    script, options = PurePosixPath(behind[0]).name, tuple(rest[: len(rest) - len(behind)])
    return replace(
        found, program=script, words=tuple(behind[1:]), path=behind[0], language=language, options=options
    )


def _module(words: Sequence[str]) -> list[str]:
    """``-m MODULE ...`` without the -m, where only options stand before it."""
    left = list(words)
    while left and left[0].startswith("-"):
        option = left.pop(0)
        if re.fullmatch(r"-[A-Za-z]*m", option):
            return left
        if option in SCRIPT_OPTIONS["python"] and left:
            left.pop(0)
    return []


def is_python(program: str) -> bool:
    """Whether a name is that of a Python interpreter."""
    return PYTHON.fullmatch(program) is not None
