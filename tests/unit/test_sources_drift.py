"""edges/sources: whatever happens to a tree, what hinted looks know of it is what a newcomer would read."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest


class Disturber:
    """Does to a tree what people and tools do, and names what was touched, as file events would."""

    NAMES = ("a", "b", "c.py", "d.py", "x.log", ".gitignore", "link")

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.random = random.Random(seed)

    def disturb(self) -> list[Path]:
        path = self.root.joinpath(*self.random.choices(self.NAMES, k=self.random.randint(1, 3)))
        for parent in reversed(path.relative_to(self.root).parents[:-1]):
            above = self.root / parent
            if above.is_symlink() or not above.is_dir():
                self._remove(above)
                path.parent.mkdir(parents=True)
                return [above]
        action = self.random.choice((self._write, self._remove, self._move, self._link, self._ignore))
        return action(path) or [path]

    def _write(self, path: Path) -> None:
        if path.is_symlink() or not path.is_dir():
            self._remove(path)
            path.write_text(self.random.choice("123"))

    def _remove(self, path: Path) -> None:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def _move(self, path: Path) -> list[Path]:
        to = self.root / self.random.choice(self.NAMES[:4])
        if to in (path, *path.parents) or not path.exists() or path in to.parents:
            return []
        self._remove(to)
        path.rename(to)
        return [path, to]

    def _link(self, path: Path) -> None:
        self._remove(path)
        path.symlink_to(self.random.choice((".", "..", "nowhere")))  # a file there would need its own hint

    def _ignore(self, path: Path) -> list[Path]:
        file = path.parent / ".gitignore"
        self._remove(file)
        file.write_text(self.random.choice(("a/\n", "*.py\n", "!c.py\n", "")))
        return [file]


@pytest.mark.parametrize("seed", range(20))
def test_looks_at_hints_never_drift_from_a_first_look(tmp_path, reader, seed):
    """
    After anything that happens to a tree, the hinted look tells the revision that a newcomer would tell.
    """
    root = tmp_path / "root"
    (root / "a" / "b").mkdir(parents=True)
    disturber = Disturber(root, seed)
    web = reader(root)
    web.look()
    for step in range(25):
        hints = [path for _ in range(disturber.random.randint(1, 3)) for path in disturber.disturb()]
        told = web.look(*hints) if disturber.random.random() < 0.7 else web.look()
        newcomer = reader(root)
        assert told.revision == newcomer.look().revision, (seed, step, hints)
        newcomer.sources.close()
