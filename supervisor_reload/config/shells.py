"""What a shell does with its command: becomes it, or stays its parent, which a signal then ends, leaving the
command behind.

supervisord sends a signal to the one process that it started. Measured with dash 0.5.12 and bash 5.2.15: a
shell is the program itself behind ``exec``; bash also becomes the last command of a plain list (``cd x &&
cmd``), but not behind ``||``, in a pipeline or with a redirection; dash never does. It reads words and a
script's text, and runs nothing.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .interpreter import SHELLS, is_shell, located, text_of
from .programs import ProgramProcess

OPTION_C = re.compile(r"-[A-Za-z]*c[A-Za-z]*")
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
SUBSTITUTION = re.compile(r"\$\([^()]*\)|`[^`]*`")
REDIRECTION = re.compile(r"(?:&|(?<!\S)\d+)?(?:>>?|<)&?\s*[^\s;&|]+")
OPERATORS = frozenset(";&|\n")
KEYWORDS = ("then", "else", "do", "{", "!")
CLOSING = ("fi", "done", "esac", "}")
PLAIN = ("", ";", "&&")
"""What stands between commands that bash runs one after the other, and becomes the last of"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One command of a shell's script."""

    words: tuple[str, ...]
    """without keywords and assignments before it"""
    assignments: tuple[str, ...]
    begin: str
    """the operator before it: '' at the beginning, ``;``, ``&&``, ``||``, ``|`` or ``&``"""
    end: str

    @property
    def is_exec(self) -> bool:
        """Whether the shell becomes it here, and nothing of the script is left."""
        is_apart = self.begin in ("|", "|&") or self.end in ("|", "|&", "&")
        return self.words[:1] == ("exec",) and len(self.words) > 1 and not is_apart


def script_in(argv: Sequence[str]) -> str | None:
    """The script of ``sh -c SCRIPT``; None where there is none."""
    for place, word in enumerate(argv[1:], start=1):
        if OPTION_C.fullmatch(word):
            return argv[place + 1] if len(argv) > place + 1 else None
    return None


def parts_of(script: str) -> list[Part]:
    """The commands of a script, in order, without redirections. Raises ValueError for an open quote."""
    lexer = shlex.shlex(REDIRECTION.sub(" ", _plain(script)), posix=True, punctuation_chars=";&|\n")
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t\r", True, ""
    parts: list[tuple[str, list[str], str]] = []
    begin, words = "", list[str]()
    for token in [*lexer, ""]:
        if token and not OPERATORS.issuperset(token):
            words.append(token)
            continue
        operator = token.strip("\n") or (";" if token else "")
        if words:
            parts.append((begin, words, operator))
            begin, words = operator, []
    return [_part(begin, words, end) for begin, words, end in parts]


def _plain(script: str) -> str:
    return SUBSTITUTION.sub("$_", script.strip())


def _part(begin: str, words: list[str], end: str) -> Part:
    while words and words[0] in KEYWORDS:
        words = words[1:]
    number = next((n for n, word in enumerate(words) if not ASSIGNMENT.match(word)), len(words))
    return Part(words=tuple(words[number:]), assignments=tuple(words[:number]), begin=begin, end=end)


def program_in(script: str) -> Part | None:
    """The command that does the work: the one behind ``exec``, else the last of a plain list; None for other
    scripts."""
    try:
        parts = parts_of(script)
    except ValueError:
        return None
    found = next((part for part in parts if part.is_exec), None)
    if found is None and parts and all(part.begin in PLAIN and part.end in PLAIN for part in parts):
        found = parts[-1]
    return found if found is not None and found.words else None


def becomes(shell: str, script: str) -> bool:
    """Whether a shell of this name becomes the program of its script, so that a signal reaches that."""
    found = program_in(script)
    if found is None or found.is_exec:
        return found is not None
    is_redirected = REDIRECTION.search(_plain(script)) is not None
    return shell == "bash" and not is_redirected and found.words[0] not in CLOSING


def leaves_child(program: ProgramProcess) -> bool:
    """Whether the command is a shell, or a shell's script, that stays the parent of what it starts.

    A script that traps signals is trusted to hand them on.
    """
    try:
        argv = shlex.split(program.command)
    except ValueError:
        return False
    if not argv:
        return False
    file = located(argv[0], program.directory, program.path) or argv[0]
    if Path(file).name in SHELLS:
        script = script_in(argv)
        if script is not None:
            return not becomes(Path(file).resolve().name, script)
        scripts = [word for word in argv[1:] if not word.startswith("-")]
        file = located(scripts[0], program.directory, program.path) or scripts[0] if scripts else ""
    elif not is_shell(file):
        return False
    return not any(line.lstrip().startswith(("exec ", "trap ")) for line in text_of(file).splitlines())
