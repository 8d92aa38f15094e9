"""core/revision.py: the sum of a set does not know how it was made, and knows everything that is in it."""

from __future__ import annotations

import re

from hypothesis import assume, given
from hypothesis import strategies as st

from supervisor_reload.core.revision import DIGITS, Fingerprint

files = st.tuples(st.integers(0, 3), st.text(st.characters(), max_size=8), st.binary(max_size=8))


def fingerprint(entries) -> Fingerprint:
    made = Fingerprint()
    for entry in entries:
        made.add(*entry)
    return made


def revision(entries) -> str:
    return fingerprint(entries).revision()


@given(st.lists(files, unique=True), st.randoms())
def test_order_does_not_matter(entries, random):
    """
    The same files have the same revision, in whatever order they were read.
    """
    shuffled = list(entries)
    random.shuffle(shuffled)
    assert revision(entries) == revision(shuffled)


@given(st.lists(files, unique=True), files)
def test_taking_out_undoes_putting_in(entries, extra):
    """
    A file that came and went leaves no trace.
    """
    made = fingerprint(entries)
    made.add(*extra)
    assert made.revision() != revision(entries)
    made.remove(*extra)
    assert made.revision() == revision(entries)


@given(st.lists(files, unique=True), files, files)
def test_two_different_files_differ(entries, one, other):
    """
    Another root, another name or another content is another revision.
    """
    assume(one != other)
    assert revision([*entries, one]) != revision([*entries, other])


def test_where_a_name_ends_is_part_of_it():
    """
    Characters that move from the name to the content, or to another file, are seen.
    """
    assert revision([(0, "ab", b"c")]) != revision([(0, "a", b"bc")])
    assert revision([(1, "1:a", b"")]) != revision([(11, ":a", b"")])
    assert revision([(0, "a", b"x"), (0, "b", b"y")]) != revision([(0, "a", b"y"), (0, "b", b"x")])


def test_the_same_file_twice_is_not_no_file():
    """
    The sum does not cancel itself out, as an exclusive or would.
    """
    assert revision([(0, "a", b"x")] * 2) != revision([])


def test_it_is_short_and_printable():
    """
    Twelve hexadecimal digits, whatever is in the names.
    """
    assert re.fullmatch(rf"[0-9a-f]{{{DIGITS}}}", revision([(0, "\udcff\n%", b"\0")]))
