"""edges/sources: remembered files that were damaged, or were never ours."""

from __future__ import annotations

import os
import struct
import tempfile
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from supervisor_reload.core.facts import RevisionComputed
from supervisor_reload.edges.sources.remembered import file_name
from supervisor_reload.edges.sources.sections import BrokenError, Group, groups, head, packed, sections
from tests.fakes.lives import Life, life, live, names


@pytest.fixture
def state(tmp_path) -> Path:
    return tmp_path / "state"


def kept(app: Path, state: Path) -> tuple[Path, bytes, list[str]]:
    """A file with three readings, its bytes, and their marks."""
    with life(state, app) as web:
        marks = [web.look().mark]
        web.settle()
        for text in "23":
            (app / "main.py").write_text(text)
            marks.append(web.look(app / "main.py").mark)
    return web.file, web.file.read_bytes(), marks


def test_every_prefix_and_every_flipped_byte(app, state):
    """
    Either the exact changes are told, or all files; never fewer than changed.
    """
    file, whole, marks = kept(app, state)
    (app / "main.py").write_text("4")
    (app / "pkg" / "new.py").write_text("")
    exact, everything = {"main.py", "pkg/new.py"}, {"main.py", "pkg/mod.py", "pkg/new.py"}
    seen = []
    damaged = [whole[:size] for size in range(0, len(whole), 7)]
    damaged += [whole[:at] + bytes([whole[at] ^ 64]) + whole[at + 1 :] for at in range(0, len(whole), 7)]
    damaged += [whole[:size] + bytes(len(whole) - size) for size in range(0, len(whole), 31)]
    with Together(app, state) as together:
        for content in damaged:
            file.write_bytes(content)
            found = names(together.first(marks[1]), app)
            assert found in (exact, everything)
            seen.append(found)
    assert exact in seen
    assert everything in seen


class Together:
    """Many first readings of one tree."""

    def __init__(self, app: Path, state: Path) -> None:
        self.app, self.state = app, state
        self.lives: list[Life] = []

    def __enter__(self) -> Together:
        return self

    def __exit__(self, *exc: object) -> None:
        for one in self.lives:
            one.sources.close()

    def first(self, mark: str) -> RevisionComputed:
        one = Life(self.state, self.app, known=mark)
        self.lives.append(one)
        fact = one.look()
        one.settle()
        return fact


def test_what_can_t_be_remembered_of_these_trees(app, state):
    """
    A whole file that tells of a tree that there is not, or in which a section is no group: all counts, once.
    """
    _, mark = live(state, app)
    file = state / file_name("web")
    wrong = [Group(7, "", {"a": b"0" * 16})]
    for name in ("tree", "group"):
        body = mark.encode() + b"\xff" * 5
        garbage = struct.pack("<III", len(mark), 5, crc32(body)) + body
        content = b"".join(packed(wrong, mark)) if name == "tree" else garbage
        file.write_bytes(head([str(app)]) + content)
        with (app / "main.py").open("a") as code:
            code.write("+")
        first, mark = live(state, app, known=mark)
        assert names(first, app) == {"main.py", "pkg/mod.py"}
        (app / "main.py").write_text("as long as ever")
        first, mark = live(state, app, known=mark)
        assert names(first, app) == {"main.py"}


NAMES = st.binary(min_size=1, max_size=20).filter(lambda name: b"\0" not in name and b"/" not in name)
FILES = st.dictionaries(NAMES.map(os.fsdecode), st.binary(min_size=16, max_size=16), min_size=1, max_size=5)
GROUPS = st.lists(
    st.builds(Group, st.integers(0, 65535), st.just("") | NAMES.map(os.fsdecode), FILES), max_size=8
)


def stored(content: bytes, roots: list[str]) -> list[tuple[str, list[Group]]]:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        return [(one.mark, [*groups(one.body)]) for one in sections(file, roots)]


@given(GROUPS, st.text(max_size=20).filter(lambda text: text.isascii()))
@settings(max_examples=150, deadline=None)
def test_what_is_packed_is_read(some, mark):
    """
    Any names, any digests, any number of directories.
    """
    found = stored(head(["/a"]) + b"".join(packed(some, mark)), ["/a"])
    assert [group for _, several in found for group in several] == some
    assert found[-1][0] == mark
    assert stored(head(["/a"]) + b"".join(packed(some, mark)), ["/b"]) == []


@given(st.binary(max_size=300), st.booleans())
@example(b"\xff" * 12, True)
@settings(max_examples=400, deadline=None)
def test_garbage_is_no_file(garbage, has_head):
    """
    Whatever it is, reading ends, and raises nothing but that it is broken.
    """
    stored((head(["/a"]) if has_head else b"") + garbage, ["/a"])
    try:
        for group in groups(garbage):
            assert all(len(digest) == 16 for digest in group.files.values())
    except BrokenError:
        pass


def test_a_file_of_another_form_or_too_large_is_not_read(tmp_path, monkeypatch):
    """
    Another version's file counts as missing, and so does one that nobody could have written.
    """
    content = head(["/a"]) + b"".join(packed([], "m"))
    assert stored(content, ["/a"]) == [("m", [])]
    assert stored(content.replace(b"files 1", b"files 2"), ["/a"]) == []
    monkeypatch.setattr("supervisor_reload.edges.sources.sections.LARGEST", len(content) - 1)
    assert stored(content, ["/a"]) == []
