"""docs/hooks.md: the document, its events and headers are those of the code, and the receiver receives."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timezone

import pytest

from supervisor_reload.core.model import NotifySettings
from supervisor_reload.core.notifying import Event
from supervisor_reload.edges.telling.documents import Report
from supervisor_reload.edges.telling.posting import HEADER, post
from tests.fakes.told import documents, report
from tests.fakes.webhook import webhook

from .blocks import ROOT, all_blocks

TEXT = (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")

ROW = re.compile(r"^\| `([\w\[\]-]+)` \| (.*?) \|", re.MULTILINE)

TYPES = {
    "integer": int,
    "string": str,
    "boolean": bool,
    "number": float,
    "null": type(None),
}


def table(head: str) -> dict[str, str]:
    """The first two columns of the table that begins so."""
    lines = TEXT[TEXT.index(head) :].split("\n\n", 1)[0]
    return dict(ROW.findall(lines))


def told() -> Iterator[dict[str, object]]:
    """A document of each event."""
    for event in Event:
        yield json.loads(report(event).to_json())


def test_every_key_has_its_row_and_its_type():
    """In the document's order; what is in the table comes in no other type."""
    rows = table("| key | type |")
    for document in told():
        assert [key.removesuffix("[]") for key in rows] == list(document)
        for key, kinds in rows.items():
            value = document[key.removesuffix("[]")]
            known = tuple(TYPES[kind] for kind in kinds.split(" or "))
            for each in value if key.endswith("[]") else [value]:
                assert type(each) in known, key


def test_every_event_is_explained():
    """Each once, and no other; so in the table of keys."""
    assert list(table("| event |")) == [event.value for event in Event]


def test_headers():
    """Those that are sent, and no others of ours."""
    with webhook() as server:
        post(NotifySettings(url=server.url, secret="key"), report())
    sent = {name for name in server.posted[0].headers if name.startswith(HEADER.lower())}
    assert {name.lower() for name in table("| header |")} == sent


def test_variables():
    """The text names what a command finds."""
    assert all(f"`{name}`" in TEXT for name in report().environment())
    assert "`SUPERVISOR_RELOAD_DOCUMENT`" in TEXT


@pytest.fixture
def received():
    (block,) = [each for each in all_blocks("python") if each.document == "docs/hooks.md"]
    names: dict[str, object] = {}
    exec(compile(block.text, str(block), "exec"), names)
    return names["received"]


def now() -> Report:
    made = documents(wall=lambda: datetime.now(timezone.utc).timestamp()).before("web", 7, "r1", ())
    assert isinstance(made, Report)
    return made


def test_the_receiver_takes_what_is_ours(received):
    """Once."""
    with webhook() as server:
        one = now()
        for _ in range(2):
            post(NotifySettings(url=server.url, secret="key"), one)
    (first, second) = [(each.body, each.headers["x-supervisor-reload-signature"]) for each in server.posted]
    assert received(*first, b"key")["target"] == "web"
    assert received(*second, b"key") is None


def test_the_receiver_takes_nothing_else(received):
    """A wrong key, another body, or an old one."""
    with webhook() as server:
        for one in (now(), now(), report()):
            post(NotifySettings(url=server.url, secret="key"), one)
    fresh, other, old = ((each.body, each.headers["x-supervisor-reload-signature"]) for each in server.posted)
    assert received(*fresh, b"another key") is None
    assert received(fresh[0], other[1], b"key") is None
    assert received(*old, b"key") is None
    assert received(*fresh, b"key") is not None
