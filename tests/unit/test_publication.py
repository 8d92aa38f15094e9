"""Where numbers may be published: what is accepted, and with which sentence everything else is refused."""

from __future__ import annotations

import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor_reload.checking import check
from supervisor_reload.core.publication import LONGEST_SOCKET, Publication, publication
from tests.fakes.place import HEAD, LISTENER, PLAIN, RELOAD

DOUBTFUL = "0.0.0.0", "192.168.1.7", "[::]", "example.org", "127.0.0.1.example.org", "169.254.169.254"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("http://127.0.0.1:9323", Publication(scheme="http", host="127.0.0.1", port=9323)),
        ("http://localhost:9323/", Publication(scheme="http", host="127.0.0.1", port=9323)),
        ("http://127.9.9.9:1/metrics", Publication(scheme="http", host="127.9.9.9", port=1)),
        ("http://[::1]:65535", Publication(scheme="http", host="::1", port=65535)),
        ("unix:///run/m.sock", Publication(scheme="unix", path="/run/m.sock", mode=0o660)),
        ("unix:///run/m.sock?mode=0600", Publication(scheme="unix", path="/run/m.sock", mode=0o600)),
        ("textfile:///a b/ä.prom", Publication(scheme="textfile", path="/a b/ä.prom", mode=0o644)),
        ("textfile:///a/b.prom?mode=640", Publication(scheme="textfile", path="/a/b.prom", mode=0o640)),
    ],
)
def test_addresses(text, place):
    assert place == publication(text)
    assert str(place) == str(publication(str(place)))


@pytest.mark.parametrize("host", DOUBTFUL)
def test_nothing_is_served_to_other_machines(host):
    """The sentence says what to do instead."""
    with pytest.raises(ValueError, match=r"is no loopback address.* use http://127\.0\.0\.1:9323"):
        publication(f"http://{host}:9323")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("127.0.0.1:9323", "begins with none of"),
        ("https://127.0.0.1:9323", "begins with none of"),
        ("http://127.0.0.1", "names no port"),
        ("http://127.0.0.1:0", "names no port"),
        ("http://127.0.0.1:99999", "names no port"),
        ("http://127.0.0.1:port", "names no port"),
        ("http://[::1:9323", "is no address"),
        ("http://127.0.0.1:9323/numbers", "a host and a port only"),
        ("http://ann:secret@127.0.0.1:9323", "a host and a port only"),
        ("unix://run/m.sock", "must name an absolute path"),
        ("unix:///", "must name an absolute path"),
        ("unix:///run/m.sock#x", "no # and no %"),
        ("unix:///run/m.sock?mode=rw", r"\?mode= and three octal digits"),
        ("unix:///run/m.sock?mode=4777", r"\?mode= and three octal digits"),
        ("unix:///run/m.sock?group=web", r"\?mode= and three octal digits"),
        (f"unix:///{'x' * LONGEST_SOCKET}", "too long"),
        ("textfile:///run/m.txt", r"must end in \.prom"),
        ("textfile:///run/\x1bm.prom", "can't be printed"),
    ],
)
def test_other_addresses_are_refused(text, words):
    with pytest.raises(ValueError, match=words):
        publication(text)


@given(st.sampled_from(["", "http://", "unix://", "textfile://"]), st.text())
def test_any_text_is_an_address_or_refused(scheme, rest):
    """Never anything else than a sentence."""
    try:
        place = publication(scheme + rest)
    except ValueError as why:
        assert str(why)
    else:
        assert place.path.startswith("/") or place.host.startswith(("127.", "::1", "::ffff:127.", "0:"))


COMMON = "[reload]\nmetrics={}\n"


def test_off_by_default(place):
    assert place.read(HEAD, LISTENER, PLAIN, RELOAD).settings.metrics == ()
    assert place.read(HEAD, LISTENER, PLAIN, RELOAD, COMMON.format("none")).settings.metrics == ()


def test_several_places(place):
    text = COMMON.format("http://127.0.0.1:9323, textfile://%(here)s/run/m.prom")
    reading = place.read(HEAD, LISTENER, PLAIN, RELOAD, text)
    assert reading.warnings == ()
    assert reading.settings.metrics == (
        "http://127.0.0.1:9323",
        f"textfile://{place.directory}/run/m.prom",
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("http://0.0.0.0:9323", "is no loopback address"),
        ("http://localhost:9323, http://127.0.0.1:9323/metrics", "stands there twice"),
    ],
)
def test_what_can_not_be_published_is_an_error(place, value, words):
    """With file, section and key, as every other."""
    (error,) = place.errors(HEAD, LISTENER, PLAIN, RELOAD, COMMON.format(value))
    assert error.startswith("HERE/supervisord.conf: [reload] metrics: ")
    assert words in error


def test_it_holds_for_all_targets(place):
    (error,) = place.errors(HEAD, LISTENER, PLAIN, RELOAD + "metrics=http://127.0.0.1:9323\n")
    assert "belongs in [reload]" in error


def test_a_directory_that_is_not_there_is_told(place):
    text = COMMON.format("unix://%(here)s/nowhere/m.sock")
    (warning,) = place.read(HEAD, LISTENER, PLAIN, RELOAD, text).warnings
    assert f"no directory {place.directory}/nowhere" in warning.message


def test_a_missing_library_is_told(place, monkeypatch):
    """By a warning: everything else works without it."""
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    text = COMMON.format("http://127.0.0.1:9323")
    (warning,) = place.read(HEAD, LISTENER, PLAIN, RELOAD, text).warnings
    assert warning.message == (
        "no metrics are published, as the Python package prometheus_client is not installed: "
        "pip install 'supervisor-reload[metrics]'"
    )
    assert place.read(HEAD, LISTENER, PLAIN, RELOAD).warnings == ()


def test_check_says_where(place):
    """As it says where the state is."""
    place.write("".join((HEAD, LISTENER, PLAIN, RELOAD, COMMON.format("http://127.0.0.1:9323"))))
    page = io.StringIO()
    assert 0 == check(str(place.conf), page)
    assert "metrics: http://127.0.0.1:9323\n" in page.getvalue()
