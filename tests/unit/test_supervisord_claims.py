"""Answers that claim what can't be: each is one short sentence, and costs neither memory nor time."""

from __future__ import annotations

import time
import tracemalloc
import xmlrpc.client
from typing import Any

import pytest

from supervisor_reload.core.errors import SupervisorFault, SupervisorUnavailable
from supervisor_reload.edges.supervisord import Supervisord
from tests.unit.test_supervisord_edge import (
    INFO,
    LIMIT,
    WEB,
    Impostor,
    edge,
    http,
    impostor,
    rpc,
    unavailable,
)

__all__ = ["edge", "impostor"]  # fixtures

GOOD = xmlrpc.client.dumps((INFO,), methodresponse=True).encode()


@pytest.mark.parametrize("size", [2**40, 2**63, 10**30])
def test_no_room_is_made_for_a_size_that_is_only_claimed(
    impostor: Impostor, edge: Supervisord, size: int
) -> None:
    """A body of a terabyte is announced; what comes is a kilobyte."""
    impostor.answers = [http(GOOD, length=size), rpc(INFO)]
    tracemalloc.start()
    try:
        assert "more than 67108864 bytes" in unavailable(edge)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
    assert 42 == edge.process(WEB).pid


def test_a_body_in_drops_ends_at_the_limit(impostor: Impostor, edge: Supervisord) -> None:
    """Each drop comes in time, and all together would take ten times the limit."""

    def drip(connection: Any) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        deadline = time.monotonic() + LIMIT * 10
        while time.monotonic() < deadline:
            connection.sendall(b" ")
            time.sleep(LIMIT / 10)

    impostor.answers = [drip, rpc(INFO)]
    began = time.monotonic()
    assert "no answer within" in unavailable(edge)
    assert time.monotonic() - began < LIMIT * 5
    impostor.answers = [rpc(INFO)]
    assert 42 == edge.process(WEB).pid


WRONG: dict[str, Any] = {
    "a pid that is text": {"pid": "42"},
    "a pid that is true": {"pid": True},
    "a pid that means everybody": {"pid": -1},
    "a log that is a number": {"stderr_logfile": 7},
    "a group that is a list": {"group": ["web"]},
    "words that are a number": {"spawnerr": 7},
    "a status that is text": {"statename": "EXITED", "exitstatus": "0"},
}


@pytest.mark.parametrize("kind", WRONG)
def test_an_answer_of_wrong_types_is_none(impostor: Impostor, edge: Supervisord, kind: str) -> None:
    """What the engine believes must be what its types say: kill(-1) reaches every process."""
    impostor.answers = [rpc({**INFO, **WRONG[kind]})]
    assert "no supervisord" in unavailable(edge)


@pytest.mark.parametrize("groups", [["a"], [["a"], ["b"]], [["a"], ["b"], [7]], ["abc", "d", "e"]])
def test_a_comparison_of_wrong_types_is_none(
    impostor: Impostor, edge: Supervisord, groups: list[object]
) -> None:
    """Three lists of names."""
    impostor.answers = [rpc([groups])]
    with pytest.raises(SupervisorUnavailable, match="no supervisord"):
        edge.reread()


@pytest.mark.parametrize(
    "body",
    [
        b"<methodResponse></value></methodResponse>",  # nothing was opened: IndexError
        GOOD.replace(b"<int>42</int>", b"<bigdecimal>x</bigdecimal>"),  # ArithmeticError
    ],
)
def test_what_only_looks_like_xml_rpc(impostor: Impostor, edge: Supervisord, body: bytes) -> None:
    """Whatever the standard library's reader raises."""
    impostor.answers = [http(body)]
    assert "no supervisord" in unavailable(edge)


def test_long_words_are_cut(impostor: Impostor, edge: Supervisord) -> None:
    """A sentence for a log, not a page; a fault's words may be no words at all."""
    impostor.answers = [http(b"", "500 " + "x" * 20_000), http(b"<x" + b"y" * 20_000)]
    assert len(unavailable(edge)) < 600
    assert len(unavailable(edge)) < 600
    for words in ("x" * 20_000, [["x"]]):
        impostor.answers = [http(xmlrpc.client.dumps(xmlrpc.client.Fault(10, words)).encode())]  # type: ignore[arg-type]
        with pytest.raises(SupervisorFault) as caught:
            edge.start(WEB)
        assert "BAD_NAME" == caught.value.code
        assert len(str(caught.value)) < 600


def test_a_wrong_password_says_where_it_is_put_right(
    impostor: Impostor, edge: Supervisord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And how this very listener is restarted."""
    monkeypatch.setenv("SUPERVISOR_GROUP_NAME", "watchers")
    monkeypatch.setenv("SUPERVISOR_PROCESS_NAME", "reload")
    impostor.answers = [http(b"", "401 Unauthorized")]
    told = unavailable(edge)
    assert "those that it read in [unix_http_server]. Put the right ones there, then " in told
    assert told.endswith("supervisorctl restart watchers:reload")


def test_an_answer_can_forge_no_line(impostor: Impostor, edge: Supervisord) -> None:
    """Whoever answers there may write anything into its status line."""
    impostor.answers = [http(b"", "500 \x1b[2J gone")]
    assert "500 \\x1b[2J gone" in unavailable(edge)
