"""The journal as supervisord hands it out: all of it, or how much is missing; else a sentence why not."""

from __future__ import annotations

import fcntl
import os
import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from supervisor.xmlrpc import Faults, RPCError

from supervisor_reload.core.model import Record
from supervisor_reload.edges.journal import Header, read_content
from supervisor_reload.edges.journal.line import piece, sealed
from supervisor_reload.edges.journal.reading import MOST as READ_AT_HOME
from supervisor_reload.inside.journal import LARGEST, MOST, NOBODY, SOMEBODY, hand_out
from supervisor_reload.rpcinterface import ReloadNamespaceRPCInterface

HEADER = Header(boot="boot", supervisor="life", time=0.0, pid=1)
NEWEST: Record = {"phase": "READY"}


def told(directory: Path) -> dict[str, object]:
    """What it hands out, as it comes out of XML-RPC at the other end."""
    written = xmlrpc.client.dumps((hand_out(str(directory)),), methodresponse=True)
    ((found,), _) = xmlrpc.client.loads(written)
    assert isinstance(found, dict)
    return found


def journal(directory: Path, size: int = 0) -> bytes:
    """About so many bytes of one process's records, of which only the newest counts."""
    old = sealed([piece("slot web:web_00", {"reason": "x" * 4000})])
    content = b"".join(
        [HEADER.line(), *([old] * (size // len(old))), sealed([piece("slot web:web_00", NEWEST)])]
    )
    (directory / "journal").write_bytes(content)
    return content


@pytest.mark.parametrize("size", [5 * 1024 * 1024, MOST - 8192])
def test_all_of_it(tmp_path: Path, size: int) -> None:
    """What is newest stands at its end, so no less will do."""
    content = journal(tmp_path, size)
    found = hand_out(str(tmp_path))
    assert content == found["content"].data
    assert len(content) == found["size"]
    assert NEWEST == read_content("journal", content).records["slot web:web_00"]


def test_as_much_as_at_home(tmp_path: Path) -> None:
    """Beyond that, whoever asks can tell that the newest is missing."""
    assert MOST == READ_AT_HOME
    content = journal(tmp_path, MOST + 8192)
    found = hand_out(str(tmp_path))
    assert content[:MOST] == found["content"].data
    assert len(content) == found["size"]


def test_it_comes_through(tmp_path: Path) -> None:
    """XML-RPC carries bytes as they are."""
    content = journal(tmp_path)
    assert content == told(tmp_path)["content"].data  # type: ignore[attr-defined]


def test_a_file_of_many_gigabytes(tmp_path: Path) -> None:
    """Its size can't be said in XML-RPC, only that it is too large."""
    with (tmp_path / "journal").open("wb") as file:
        file.truncate(2 * LARGEST)
    found = hand_out(str(tmp_path))
    assert LARGEST == found["size"] > len(found["content"].data)
    assert str(LARGEST) in xmlrpc.client.dumps((found["size"],))


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[Path]:
    """Somebody works there."""
    journal(tmp_path)
    file = tmp_path / "lock"
    with file.open("w") as locked:
        fcntl.flock(locked, fcntl.LOCK_EX)
        yield file


@pytest.mark.parametrize(
    ("text", "listener"),
    [
        ("4711\n", 4711),
        (f"{LARGEST}", LARGEST),
        (f"{LARGEST + 1}", SOMEBODY),
        ("9" * 30, SOMEBODY),
        ("-5", SOMEBODY),
        ("", SOMEBODY),
    ],
)
def test_who_works_there(lock: Path, text: str, listener: int) -> None:
    """A number that is no pid is told as nobody's, and breaks nothing."""
    lock.write_text(text)
    assert listener == told(lock.parent)["listener"]


def test_nobody_works_there(tmp_path: Path) -> None:
    """Whatever a lock says that nobody holds."""
    journal(tmp_path)
    assert NOBODY == told(tmp_path)["listener"]
    (tmp_path / "lock").write_text("4711")
    assert NOBODY == told(tmp_path)["listener"]


def directory(path: Path) -> None:
    path.mkdir()


def link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def nothing(path: Path) -> None:
    del path


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (nothing, "No such file or directory"),
        (directory, "it is no file"),
        (os.mkfifo, "it is no file"),
        (link, "Too many levels of symbolic links"),
    ],
)
def test_what_is_no_journal(tmp_path: Path, make, why: str) -> None:  # type: ignore[no-untyped-def]
    """The fault names the file, and nothing waits for a FIFO."""
    make(tmp_path / "journal")
    resident = SimpleNamespace(state_dir=str(tmp_path))
    interface = ReloadNamespaceRPCInterface(None, resident)  # type: ignore[arg-type]
    with pytest.raises(RPCError) as raised:
        interface.readJournal()
    assert Faults.NO_FILE == raised.value.code
    assert raised.value.text == f"NO_FILE: {tmp_path / 'journal'}: {why}"
