"""A journal that is cut anywhere, or has a wrong byte anywhere: the next listener reaches a legal state."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from supervisor_reload.core.model import UNKNOWN
from supervisor_reload.core.recall import Recollection
from supervisor_reload.edges.journal import Journal, read
from supervisor_reload.edges.journal.place import JOURNAL
from supervisor_reload.resuming import recollect
from tests.fakes.rolled import SHAPES, SLOW, revisions, rolled
from tests.fakes.world import World

BOOT, SUPERVISOR = "boot", "1 2"

STEP = int(os.environ.get("JOURNAL_STEP", "199"))
"""bytes between two places of damage; 1 tries every one (an hour)"""


def recorded(directory: Path, shape: str) -> bytes:
    """The journal of one rollout, in the real file."""
    journal = Journal(str(directory), lambda fact: None, boot=BOOT, supervisor=SUPERVISOR)
    journal.open()
    for key, text in rolled(SHAPES[shape]).journal.lines:
        journal.write({key: json.loads(text)})
    journal.close()
    return (directory / JOURNAL).read_bytes()


def recovered(directory: Path, shape: str, content: bytes) -> World:
    """The listener after one whose journal is this, in the world where the rollout had ended."""
    (directory / JOURNAL).write_bytes(content)
    world = rolled(SHAPES[shape])
    past = recollect(read(str(directory)), BOOT, SUPERVISOR)
    assert isinstance(past, Recollection)
    world.start_listener(past)
    world.advance(60)
    return world


def is_legal(world: World, shape: str) -> bool:
    """Nothing hangs, enough processes serve, and none is called what it is not."""
    names = revisions(world)
    return (
        world.target.rollout is None
        and names <= {"r1", UNKNOWN}
        and len(world.ready()) >= SHAPES[shape].replicas
        and world.code.boot == SLOW
    )


@pytest.mark.fault(25)
@pytest.mark.parametrize("shape", ["rolling", "swap", "signal"])
def test_cut_anywhere(shape: str, tmp_path: Path) -> None:
    content = recorded(tmp_path, shape)
    for size in range(0, len(content), STEP):
        assert is_legal(recovered(tmp_path, shape, content[:size]), shape), size


@pytest.mark.fault(25)
@pytest.mark.parametrize("shape", ["rolling", "swap", "signal"])
def test_a_wrong_byte_anywhere(shape: str, tmp_path: Path) -> None:
    content = recorded(tmp_path, shape)
    for place in range(0, len(content), STEP):
        wrong = bytes([content[place] ^ 0x15])
        damaged = content[:place] + wrong + content[place + 1 :]
        assert is_legal(recovered(tmp_path, shape, damaged), shape), place
