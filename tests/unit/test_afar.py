"""A journal from afar must be whole: what is older would be shown as if it were how things stand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from xmlrpc.client import Binary
from xmlrpc.server import SimpleXMLRPCServer

import pytest

from supervisor_reload.edges.journal import Header
from supervisor_reload.edges.journal.line import piece, sealed
from supervisor_reload.showing.afar import look_from_afar
from supervisor_reload.showing.credentials import Server
from supervisor_reload.showing.place import Unknown

CONTENT = Header(boot="b", supervisor="s", time=0.0, pid=1).line() + sealed([piece("target web", {})])


@pytest.fixture
def handing_out() -> Iterator[Callable[[dict[str, object]], Server]]:
    """A supervisord that hands this out, once."""
    server = SimpleXMLRPCServer(("127.0.0.1", 0), logRequests=False)
    server.timeout = 10
    thread = threading.Thread(target=server.handle_request)

    def begin(told: dict[str, object]) -> Server:
        server.register_function(lambda: told, "reload.readJournal")
        thread.start()
        return Server(url=f"http://127.0.0.1:{server.server_address[1]}")

    yield begin
    thread.join()
    server.server_close()


@pytest.mark.parametrize("size", [{"size": len(CONTENT)}, {}], ids=["told", "not told"])
def test_all_of_it(handing_out: Callable[[dict[str, object]], Server], size: dict[str, object]) -> None:
    """An earlier version of ours does not tell its size."""
    told = {"path": "/state/journal", "content": Binary(CONTENT), "boot": "b", **size}
    assert {"target web": {}} == look_from_afar(handing_out(told)).records


def test_a_part_of_it(handing_out: Callable[[dict[str, object]], Server]) -> None:
    """It is not shown, and the reason is said."""
    told = {"path": "/state/journal", "content": Binary(CONTENT), "boot": "b", "size": len(CONTENT) + 1}
    with pytest.raises(Unknown, match=r"^the newest of /state/journal is missing: it has [0-9,]+ bytes, "):
        look_from_afar(handing_out(told))
