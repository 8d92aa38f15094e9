"""Which files are code: gitignore rules, matched by ourselves, so that every observer means the same.

A filter judges names only. It never looks at the disk: whoever reads a ``.gitignore`` hands its text in. It
has one writer (the thread that scans; before it begins, the watching's start) and may be asked from any
thread: its patterns are replaced as a whole, never changed under a reader.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import translate

from pathspec import GitIgnoreSpec

from .model import TargetSettings, WatchSettings

GITIGNORE = ".gitignore"

IGNORED_DIRECTORIES = (
    ".git",
    ".hg",
    ".svn",
    ".bzr",
    ".jj",
    "CVS",
    "node_modules",
    ".venv",
    "venv",
    "__pycache__",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".hypothesis",
    ".tox",
    ".nox",
    ".eggs",
    "*.egg-info",
    ".ipynb_checkpoints",
    ".idea",
    ".vscode",
    ".vs",
    ".cache",
)
"""Directories, at any depth, that hold no code that a program runs, or that only tools write to."""

IGNORED_FILES = (
    "*.py[cod]",
    "*$py.class",
    "*.sw[opqrstuvwx]",
    "*~",
    ".#*",
    "#*#",
    "4913",  # vim creates and removes it to find out whether it may write here
    "*.tmp",
    "*.log",
    "*.log.[0-9]*",  # what rotation makes of it
    "*.pid",
    "*.sock",
    "nohup.out",
    ".goutputstream-*",
    "*___jb_tmp___",
    "*___jb_old___",
    ".~lock.*",
    ".DS_Store",
    "Thumbs.db",
    ".coverage",
    ".git",  # a worktree or a submodule has a file of this name
    GITIGNORE,
    ".gitattributes",
    ".gitkeep",
)
"""Files that editors and tools leave for a moment, that programs write while they run, or that are beside the
code without being code."""

_ROOT = ""
_KNOWN_LIMIT = 200_000
"""directories whose answer is remembered; programs that make ever new ones must not fill the memory"""

_IGNORED_DIRECTORY = re.compile("|".join(map(translate, IGNORED_DIRECTORIES)))
_IGNORED_FILE = re.compile("|".join(map(translate, IGNORED_FILES)))


_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": " \t",
    "cntrl": "\x01-\x1f\x7f",
    "digit": "0-9",
    "graph": '"-.0-~!',
    "lower": "a-z",
    "print": " -.0-~",
    "punct": '"-.:-@[-`{-~!',
    "space": " \t\r",
    "upper": "A-Z",
    "xdigit": "0-9a-fA-F",
}
"""What git means by ``[:alpha:]`` in brackets; without the slash, which it never matches there."""

# Every repetition has a limit: whoever wrote the line, the time that this takes grows with its length.
_BRACKETS = re.compile(r"\\.|\[[!^]?\]?(?:\[:[^]/:]{0,20}:\]|[^]/]){0,200}\]")
_CLASS = re.compile(r"\[:([^]/:]{0,20}):\]")


def pattern_error(pattern: str) -> str:
    """What is wrong with a gitignore pattern, as a sentence; empty where it is right."""
    try:
        _compiled([pattern])
    except (ValueError, re.error) as error:  # such as [b-a], in a file of somebody else's, too
        return str(error)
    return ""


def filters_of(targets: Iterable[TargetSettings]) -> dict[str, tuple[Filter, ...]]:
    """By target name: one filter for each of the target's watched paths, in their order."""
    return {target.name: tuple(Filter(target.watch) for _ in target.watch.paths) for target in targets}


class Filter:
    """Decides for one watched directory which names below it are watched.

    Names are relative to that directory, with ``/`` between their parts; the directory itself is the empty
    name. The first of these that says something decides: the target's ``exclude`` (so ``!name`` there brings
    back what the rest excludes), the nearest ``.gitignore`` that matches, the built-in names. What lies in an
    excluded directory can't be brought back, as in git (gitignore(5)). ``include`` then narrows the files.
    """

    def __init__(self, settings: WatchSettings) -> None:
        self._exclude = _spec(settings.exclude)
        self._include = _spec(settings.include)
        self._gitignore = settings.gitignore
        self._specs: Mapping[str, GitIgnoreSpec] = {}
        self._texts: dict[str, str] = {}
        self._known: dict[str, bool] = {}

    def set_gitignore(self, directory: str, text: str | None) -> bool:
        """Take the text of a directory's ``.gitignore``, None where it has none; True if that is news."""
        if not self._gitignore or self._texts.get(directory) == text:
            return False
        specs = dict(self._specs)
        specs.pop(directory, None)
        self._texts.pop(directory, None)
        if text is not None:
            self._texts[directory] = text
            specs[directory] = _lenient_spec(text)
        # In this order: a reader takes the cache first, so it can't fill the new one from the old patterns.
        self._specs = specs
        self._known = {}
        return True

    def reads(self, relative: str) -> bool:
        """Whether this file tells what is ignored: a ``.gitignore`` in a watched directory."""
        parent, _, name = relative.rpartition("/")
        return self._gitignore and name == GITIGNORE and self.directory_is_watched(parent)

    def directory_is_watched(self, relative: str) -> bool:
        """Whether anything below this directory may be watched."""
        known = self._known
        specs = self._specs
        return self._directory(relative, known, specs)

    def file_is_watched(self, relative: str) -> bool:
        """Whether this file's content counts."""
        known = self._known
        specs = self._specs
        parent, _, name = relative.rpartition("/")
        if not self._directory(parent, known, specs):
            return False
        if self._is_ignored(relative, name, parent, specs, is_directory=False):
            return False
        return self._include is None or self._include.check_file(matchable(relative)).include is True

    def _directory(self, relative: str, known: dict[str, bool], specs: Mapping[str, GitIgnoreSpec]) -> bool:
        if relative == _ROOT:
            return True
        answer = known.get(relative)
        if answer is None:
            parent, _, name = relative.rpartition("/")
            answer = self._directory(parent, known, specs) and not self._is_ignored(
                relative, name, parent, specs, is_directory=True
            )
            if len(known) >= _KNOWN_LIMIT:
                known.clear()
            known[relative] = answer
        return answer

    def _is_ignored(
        self, relative: str, name: str, parent: str, specs: Mapping[str, GitIgnoreSpec], *, is_directory: bool
    ) -> bool:
        suffix = "/" if is_directory else ""
        if self._exclude is not None:
            decided = self._exclude.check_file(matchable(relative) + suffix).include
            if decided is not None:
                return decided
        if specs:
            decided = _nearest(relative + suffix, parent, specs)
            if decided is not None:
                return decided
        builtin = _IGNORED_DIRECTORY if is_directory else _IGNORED_FILE
        return builtin.match(name) is not None


def _nearest(relative: str, parent: str, specs: Mapping[str, GitIgnoreSpec]) -> bool | None:
    """What the nearest ``.gitignore`` that matches says, upwards from the parent."""
    directory = parent
    while True:
        spec = specs.get(directory)
        if spec is not None:
            below = relative[len(directory) + 1 :] if directory else relative
            decided = spec.check_file(matchable(below)).include
            if decided is not None:
                return decided
        if directory == _ROOT:
            return None
        directory = directory.rpartition("/")[0]


def _spec(patterns: Sequence[str]) -> GitIgnoreSpec | None:
    return _compiled(patterns) if patterns else None


def _compiled(patterns: Iterable[str]) -> GitIgnoreSpec:
    """As git reads them. Raises ValueError, re.error.

    pathspec hands brackets to ``re`` as they are, which does not know ``[:alpha:]``, and warns of ``[[a]``:
    that might mean something else in a Python to come.
    """
    lines = [_BRACKETS.sub(_spelt_out, pattern) for pattern in patterns]
    with warnings.catch_warnings():  # at worst, another thread's warning of this kind is ignored, too
        warnings.simplefilter("ignore", FutureWarning)
        return GitIgnoreSpec.from_lines(lines)


def _spelt_out(found: re.Match[str]) -> str:
    first, rest = found[0][0], found[0][1:]
    return first + _CLASS.sub(_letters, rest) if first == "[" else found[0]


def _letters(found: re.Match[str]) -> str:
    if found[1] not in _CLASSES:
        raise ValueError(f"there is no character class {found[0]}; there are {', '.join(_CLASSES)}")
    return _CLASSES[found[1]]


def _lenient_spec(text: str) -> GitIgnoreSpec:
    """As git reads it: a line that makes no sense is no rule, a byte order mark is not part of the text."""
    lines = text.removeprefix("\ufeff").split("\n")
    return _compiled([line for line in map(_without_return, lines) if not pattern_error(line)])


def _without_return(line: str) -> str:
    return line.removesuffix("\r")


def matchable(relative: str) -> str:
    """Stand-in for a name with line ends in it: the ``.`` of pathspec's expressions does not match them."""
    return relative.replace("\n", "\r")
