"""What is made of a journal's file, whatever is in it."""

from __future__ import annotations

import json
import os
import time
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from supervisor_reload.edges.journal import Found, Header, read
from supervisor_reload.edges.journal.line import piece, sealed, sealed_values, unsealed
from supervisor_reload.edges.journal.reading import MOST, PATIENCE

HEADER = Header(boot="b", supervisor="s", time=1.5, pid=7)

A, B = "slot web:a", "slot web:b ü\udcff\n"

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
record = st.dictionaries(st.text(max_size=5), values, max_size=3)
turn = st.dictionaries(st.sampled_from([A, B, "owed", "health"]), st.none() | record, min_size=1, max_size=3)
turns = st.lists(turn, max_size=8)

often = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def content(*turns: dict, header: Header = HEADER) -> bytes:
    return header.line() + b"".join(sealed(piece(*pair) for pair in turn.items()) for turn in turns)


def after(turns) -> dict:
    """The model: the newest of each key."""
    newest: dict = {}
    for turn in turns:
        newest.update(turn)
    return {key: record for key, record in newest.items() if record is not None}


def reading(directory: Path, found: bytes) -> Found:
    (directory / "journal").write_bytes(found)
    return read(str(directory))


def sealed_text(text: bytes) -> bytes:
    return b"%08x %s\n" % (zlib.crc32(text), text)


@often
@given(turns)
def test_what_was_written_is_found(tmp_path, turns):
    """The newest of each key, as it was, and who wrote it."""
    found = reading(tmp_path, content(*turns))
    assert Found(records=after(turns), header=HEADER) == found


@often
@given(turns, st.data())
def test_cut_anywhere_it_is_as_it_was_once(tmp_path, turns, data):
    """A line that was being written never was; that is no damage."""
    whole = content(*turns)
    cut = data.draw(st.integers(len(HEADER.line()), len(whole)))
    found = reading(tmp_path, whole[:cut])
    lines = whole[:cut].count(b"\n") - 1
    assert Found(records=after(turns[:lines]), header=HEADER) == found


@pytest.mark.parametrize("length", [0, 1, 9, len(HEADER.line()) - 1])
def test_without_a_first_line_something_was_lost(tmp_path, length):
    """Ours has a first line from the moment on in which it has its name."""
    found = reading(tmp_path, HEADER.line()[:length])
    assert "journal" in found.damage
    assert Found(damage=found.damage) == found


def test_cut_where_it_began(tmp_path):
    """What a file was made with came at once; where a part of it is missing, somebody else cut it."""
    begun = content({A: {}}, {B: {}}, header=replace(HEADER, held=2))
    assert "" == reading(tmp_path, begun).damage == reading(tmp_path, begun + b"00").damage
    for cut in range(len(replace(HEADER, held=2).line()), len(begun)):
        found = reading(tmp_path, begun[:cut])
        assert "shorter than it was" in found.damage
        assert found.doubted == found.records.keys() <= {A}


@often
@given(turns, st.data())
def test_a_changed_byte_is_found_out(tmp_path, turns, data):
    """Nothing is given that never was written; what is not doubted is the newest."""
    whole = bytearray(content(*turns))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    found = reading(tmp_path, bytes(whole))
    assert found.damage
    newest = after(turns)
    for key, record in found.records.items():
        assert record in [turn[key] for turn in turns if key in turn]
        assert key in found.doubted or record == newest[key]
    assert found.doubted <= found.records.keys()
    assert found.header in (HEADER, None)


def test_what_is_doubted(tmp_path):
    """Whose newest record is older than the bad line; not what was written after it."""
    lines = content({A: {"n": 1}, B: {"n": 1}}, {A: {"n": 2}}, {A: {"n": 3}}, {"owed": None}).splitlines(True)
    lines[2] = lines[2].replace(b"2", b"5")
    found = reading(tmp_path, b"".join(lines))
    assert {A: {"n": 3}, B: {"n": 1}} == found.records
    assert {B} == found.doubted
    assert found.damage == f"{tmp_path}/journal is damaged: line 3 is bad: its checksum is wrong"


@often
@given(st.binary() | st.lists(st.binary().map(sealed_text) | values.map(
    lambda value: sealed_text(json.dumps(value).encode())), min_size=1).map(b"".join))  # fmt: skip
def test_anything_can_be_read(tmp_path, found):
    """With and without a good checksum, nothing of it is taken for a record of ours by mistake."""
    assert reading(tmp_path, found).header is None
    read_after_header = reading(tmp_path, HEADER.line() + found)
    assert read_after_header.header == HEADER
    assert all(isinstance(record, dict) for record in read_after_header.records.values())


@pytest.mark.parametrize(
    "text",
    [
        b"[]", b"1", b"null", b'"x"', b'{"a":1}', b'{"a":[{}]}', b'{"a":{"b":NaN}}', b'{"a":{"b":-Infinity}}',
        b'{"a":{"b":1e999}}', b'{"a":{"b":' + b"9" * 100_000 + b"}}", b'{"a":' * 100_000, b"[" * 1_000_000,
        b'{"a":{}} {}', b'{"a":{"b":"\xff"}}', b"", b"{", b'{1:{}}',
    ],
)  # fmt: skip
def test_a_good_checksum_is_not_enough(tmp_path, text):
    """JSON, an object, of records, with numbers that are some."""
    began = time.monotonic()
    found = reading(tmp_path, HEADER.line() + sealed_text(text) + sealed([piece(A, {})]))
    assert {A: {}} == found.records
    assert "line 2 is bad" in found.damage
    assert time.monotonic() - began < 15


@pytest.mark.fault(25)
def test_another_version(tmp_path):
    """Of a later one nothing is believed, and it is said."""
    newer = sealed_values({"version": 2, "what": ["ever"]})
    found = reading(tmp_path, newer + content({A: {}}))
    assert Found(damage=found.damage, newer=2) == found
    assert "version 2" in found.damage


@pytest.mark.parametrize(
    "header",
    [
        {"version": 0}, {"version": "1"}, {"version": 10**9}, {"version": 1}, {},
        {"version": 1, "boot": "b", "supervisor": None, "time": 1.0, "pid": 2, "held": 0},
    ],
)  # fmt: skip
def test_no_header_of_ours(tmp_path, header):
    """The records are given; whose life they are of is not known."""
    found = reading(tmp_path, sealed_values(header) + sealed([piece(A, {})]))
    assert found.header is None
    assert {A: {}} == found.records
    assert "line 1 is bad: it is no header" in found.damage


@pytest.mark.parametrize("kind", ["directory", "fifo", "link", "socketless"])
def test_what_is_no_file(tmp_path, kind):
    """It is neither followed nor waited for."""
    path = tmp_path / "journal"
    (tmp_path / "elsewhere").write_bytes(content({A: {}}))
    make = {
        "directory": path.mkdir,
        "fifo": lambda: os.mkfifo(path),
        "link": lambda: path.symlink_to("elsewhere"),
        "socketless": lambda: path.symlink_to("missing"),
    }
    make[kind]()
    found = read(str(tmp_path))
    assert found.damage.startswith(f"{path} ")
    assert Found(damage=found.damage) == found


def test_no_file_is_nothing(tmp_path):
    """Also where the directory is missing."""
    assert Found() == read(str(tmp_path / "missing")) == read(str(tmp_path))


@pytest.mark.parametrize("filling", [b"\0", b"\n", b"x\n"])
def test_a_huge_file_is_read_in_bounded_time(tmp_path, filling):
    """1 GB of nothing behind a good line; the good line is doubted."""
    with (tmp_path / "journal").open("wb") as file:
        file.write(content({A: {}}) + filling * (PATIENCE + 10))
        file.truncate(1024**3)
    began = time.monotonic()
    found = read(str(tmp_path))
    assert time.monotonic() - began < 15
    assert {A: {}} == found.records
    assert {A} == found.doubted
    assert "not read" in found.damage


def test_as_large_as_ours_may_be(tmp_path):
    """All of it is read."""
    lines = content(*({f"slot web:{n}": {"x": "y" * 600}} for n in range(MOST // 700)))
    assert MOST * 0.8 < len(lines) < MOST
    found = reading(tmp_path, lines)
    assert not found.damage
    assert len(found.records) == MOST // 700


def test_what_the_page_shows(tmp_path):
    """docs/journal.md has a whole journal, with good checksums."""
    page = (Path(__file__).parents[2] / "docs" / "journal.md").read_text(encoding="utf-8")
    found = reading(tmp_path, page.partition("```text\n")[2].partition("```")[0].encode())
    assert "" == found.damage
    assert {"slot web:web_00": {"phase": "DRAINING"}, "target web": {"wanted": "c41b"}} == found.records
    assert 4711 == found.header.pid


def test_a_line_is_what_the_page_says():
    """A checksum, a space, JSON."""
    assert sealed([piece("owed", {"é": [1, None]})]) == b'ee9c0e90 {"owed":{"\\u00e9":[1,null]}}\n'
    assert unsealed(sealed([])[:-1]) == {}
