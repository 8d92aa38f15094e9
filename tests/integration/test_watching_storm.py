"""edges/watching: directories made, moved, exchanged and removed faster than they can be followed."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from tests.integration.listener import instances, until, watches_held

STEPS = 300
NAMES = "abcdef"


def _directories(root: Path) -> list[str]:
    return [where for where, _, _ in os.walk(root)]


def _step(chance: random.Random, root: Path, outside: Path) -> None:
    """One thing that happens to a tree; some are impossible, as between any two programs."""
    found = _directories(root)
    one, other = chance.choice(found), chance.choice(found)
    name = os.path.join(other, chance.choice(NAMES))
    kind = chance.choice(["make", "make", "make", "move", "move", "swap", "remove", "away", "back", "write"])
    if kind == "make":
        os.makedirs(os.path.join(name, chance.choice(NAMES)), exist_ok=True)
    elif kind == "write":
        Path(one, "x.py").write_text("x")
    elif kind == "back" and (away := os.listdir(outside)):
        os.rename(outside / chance.choice(away), name)
    elif one != str(root):
        _happen_to(one, kind, name, outside / str(chance.random()))


def _happen_to(directory: str, kind: str, name: str, elsewhere: Path) -> None:
    if kind == "move":
        os.rename(directory, name)
    elif kind == "swap":
        os.rename(directory, f"{directory}.old")
        os.rename(name, directory)
        os.rename(f"{directory}.old", name)
    elif kind == "remove":
        shutil.rmtree(directory)
    elif kind == "away":
        os.rename(directory, elsewhere)


@pytest.mark.parametrize("seed", range(4))
def test_after_a_storm_every_directory_is_watched_by_its_name(app, tmp_path, watch, seed):
    """
    The kernel holds one watch for each directory, and a file made in each is told under its real name.
    """
    chance = random.Random(seed)
    outside = tmp_path / "outside"
    outside.mkdir()
    before = instances()
    seen = watch(app)
    for _ in range(STEPS):
        try:
            _step(chance, app, outside)
        except OSError:
            continue
    found = _directories(app)
    until(lambda: watches_held(instances() - before) == len(found) + 1, f"{len(found)} are watched")
    seen.barrier(app)
    seen.forget()
    for directory in found:
        Path(directory, "last.py").write_text("x")
    for directory in found:
        seen.wait(Path(directory, "last.py"))
    told = {fact.path for fact in seen.facts if fact.path.endswith("last.py")}
    assert told == {os.path.join(directory, "last.py") for directory in found}
