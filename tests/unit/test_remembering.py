"""What is owed beyond our own end."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor_reload.core.model import SlotName
from supervisor_reload.edges.remembering import NAME, Memory

A, B = SlotName("web:a"), SlotName("web:b ü\udcff")


def test_it_is_there_for_the_next(tmp_path: Path) -> None:
    """Whatever the names; nothing owed is no file."""
    directory = tmp_path / "state"
    memory = Memory(str(directory))
    memory.remember((A, B))
    assert (A, B) == Memory(str(directory)).recall()
    memory.remember((B,))
    assert (B,) == Memory(str(directory)).recall()
    memory.remember(())
    assert () == memory.recall()
    assert [] == list(directory.iterdir())
    memory.remember(())


@pytest.mark.parametrize("text", ["", "[", '{"a": 1}', "[1, null]", "\x00"])
def test_what_is_not_ours_is_nothing(tmp_path: Path, text: str) -> None:
    """A file that was cut, or is somebody else's."""
    (tmp_path / NAME).write_text(text)
    assert () == Memory(str(tmp_path)).recall()


def test_where_it_can_not_be_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is said, and the update goes on."""
    (tmp_path / "file").write_text("")
    memory = Memory(str(tmp_path / "file" / "state"))
    memory.remember((A,))
    assert "can't be written" in caplog.text
    assert () == memory.recall()
    assert "can't be read" in caplog.text
