"""What a change of certain files is to a target: code, something light, a command's business, or nothing.

It judges names, and reads ``.gitignore`` files; whether the files exist, or ever change, it does not ask.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..core.filters import GITIGNORE, Filter
from ..core.model import TargetSettings
from ..core.reactions import Reactions
from ..core.revision import Weight


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is supposed to have changed."""

    paths: tuple[str, ...]
    """absolute; () for code in general"""
    weight: Weight = Weight.CODE
    """the heaviest of them"""
    rules: tuple[int, ...] = ()
    """positions in ``run_on`` of the rules that name one of them, sorted"""
    unseen: tuple[str, ...] = ()
    """of the paths, those that are not watched"""

    @property
    def is_seen(self) -> bool:
        """Whether any of it is noticed at all."""
        return not self.paths or len(self.unseen) < len(self.paths)


def change_of(target: TargetSettings, paths: Iterable[str]) -> Change:
    """Judge these paths, which count from the current directory; without any, it is code that changes."""
    absolute = tuple(dict.fromkeys(os.path.abspath(path) for path in paths))  # noqa: PTH100 - links stay
    if not absolute:
        return Change(paths=())
    reactions, heaviest = Reactions(target.reactions), Weight.NONE
    rules: set[int] = set()
    unseen: list[str] = []
    for path in absolute:
        seen = list(_relatives(target, path))
        if not seen:
            unseen.append(path)
        for relative in seen:
            heaviest = max(heaviest, reactions.weight(relative), key=HEAVIER.index)
            rules.update(reactions.rules(relative))
    return Change(paths=absolute, weight=heaviest, rules=tuple(sorted(rules)), unseen=tuple(unseen))


HEAVIER = (Weight.NONE, Weight.LIGHT, Weight.CODE)


def _relatives(target: TargetSettings, path: str) -> Iterator[str]:
    """Its names below the watched paths that see it."""
    for root in target.watch.paths:
        if path == root:
            yield Path(path).name
            continue
        relative = os.path.relpath(os.path.realpath(path), os.path.realpath(root))
        if relative.startswith(os.pardir + os.sep) or relative in (os.curdir, os.pardir):
            continue
        judge = Filter(target.watch)
        for directory in _above(relative):
            judge.set_gitignore(directory, _text(Path(root, directory, GITIGNORE)))
        if judge.file_is_watched(relative):
            yield relative


def _above(relative: str) -> Iterator[str]:
    """The directories that hold it, from the root down; the root is ''."""
    parts = Path(relative).parts[:-1]
    yield from ("/".join(parts[:number]) for number in range(len(parts) + 1))


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
