"""Settings that are edited while links out of the watched paths are followed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes.configured import world_of
from tests.fakes.world import web


@pytest.mark.parametrize("follows", [False, True])
def test_a_change_outside_while_other_files_are_read(follows: bool) -> None:
    """It is none of ours; but it may be where links lead to: then nobody can say what runs."""
    world = world_of(reading_seconds=0.5)
    watch = replace(web().watch, paths=("/elsewhere",), follow_symlinks=follows)
    world.edit(replace(web(), watch=watch))
    world.advance(0.2)
    world.touch("app.py")
    world.advance(10)
    assert (["settings taken over"] != world.events()) is follows
