"""The XML-RPC edge against servers that fail in every way: one clear error each, then recovery."""

from __future__ import annotations

import os
import socket
import threading
import time
import xmlrpc.client
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from supervisor.xmlrpc import Faults

from supervisor_reload.core.errors import SupervisorFault, SupervisorUnavailable
from supervisor_reload.core.model import ProcessState, SlotName
from supervisor_reload.edges.supervisord import Supervisord
from tests.integration.supervisord import short_directory

WEB = SlotName("web:web_00")
LIMIT = 0.3
INFO = {
    "name": "web_00",
    "group": "web",
    "statename": "RUNNING",
    "pid": 42,
    "spawnerr": "",
    "exitstatus": 0,
    "stdout_logfile": "",
    "stderr_logfile": "",
}

Answer = Callable[[socket.socket], None]


def http(body: bytes, status: str = "200 OK", length: int | None = None) -> Answer:
    """One HTTP answer; ``length`` is what it says of its body."""
    size = len(body) if length is None else length
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/xml\r\nContent-Length: {size}\r\n\r\n"
    return lambda connection: connection.sendall(head.encode() + body)


def rpc(value: object) -> Answer:
    return http(xmlrpc.client.dumps((value,), methodresponse=True).encode())


def fault(code: int, text: str) -> Answer:
    return http(xmlrpc.client.dumps(xmlrpc.client.Fault(code, text)).encode())


def silence(connection: socket.socket) -> None:
    """Accepts, reads, never answers; ends when the client hangs up."""
    while connection.recv(65536):
        pass


def hang_up(connection: socket.socket) -> None:
    """Reads and closes."""


class Impostor:
    """A server on a unix socket which gives prepared answers, one for each request."""

    def __init__(self) -> None:
        self.directory = short_directory()
        self.path = self.directory / "s.sock"
        self.answers: list[Answer] = []
        self.requests: list[bytes] = []
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._server.bind(str(self.path))
        self._server.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection:
                while self._answer(connection):
                    pass

    def _answer(self, connection: socket.socket) -> bool:
        """Whether the connection goes on."""
        request = b""
        try:
            while b"</methodCall>" not in request:
                block = connection.recv(65536)
                if not block:
                    return False
                request += block
            self.requests.append(request)
            answer = self.answers.pop(0)
            answer(connection)
        except OSError:
            return False
        return answer is not hang_up

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(10)
        self.path.unlink(missing_ok=True)
        self.directory.rmdir()


@pytest.fixture
def impostor() -> Iterator[Impostor]:
    server = Impostor()
    yield server
    server.close()


@pytest.fixture
def edge(impostor: Impostor) -> Iterator[Supervisord]:
    tested = Supervisord(f"unix://{impostor.path}", limit=LIMIT)
    yield tested
    tested.close()


def unavailable(edge: Supervisord) -> str:
    with pytest.raises(SupervisorUnavailable) as caught:
        edge.process(WEB)
    return str(caught.value)


BAD: dict[str, tuple[Answer, str]] = {
    "stalled": (silence, "no answer within 0.3 s. Is it stopped"),
    "hung up": (hang_up, "without response"),
    "cut in the head": (lambda c: (c.sendall(b"HTTP/1.1 200"), c.close())[1], ""),
    "cut in the body": (lambda c: (http(b"<?xml", length=900)(c), c.close())[1], "IncompleteRead"),
    "not HTTP": (lambda c: c.sendall(b"220 smtp.example.org ESMTP\r\n\r\n"), "220 smtp"),
    "not XML": (http(b"<html><p>It works!"), "no supervisord"),
    "not UTF-8": (http(b"\xff\xfe\x00"), "no supervisord"),
    "empty": (http(b""), "no supervisord"),
    "not XML-RPC": (http(b"<html></html>"), "no supervisord"),
    "a bad number": (http(b"<params><param><value><int>x</int></value></param></params>"), "no supervisord"),
    "another service": (rpc("hello"), "no supervisord"),
    "another struct": (rpc({"name": "web_00"}), "no supervisord"),
    "401": (http(b"", "401 Unauthorized"), "refused the user name or password (401)"),
    "500": (http(b"", "500 Internal Server Error"), "answered 500"),
}


@pytest.mark.fault(9, 50)
@pytest.mark.parametrize("kind", BAD)
def test_a_bad_answer_is_one_clear_error_and_the_next_good_one_counts(
    impostor: Impostor, edge: Supervisord, kind: str
) -> None:
    """Whatever answers, it says so within the limit; no broken connection is used again."""
    answer, words = BAD[kind]
    impostor.answers = [answer, rpc(INFO)]
    began = time.monotonic()
    text = unavailable(edge)
    assert time.monotonic() - began < LIMIT + 5
    assert words in text
    assert str(impostor.path) in text
    process = edge.process(WEB)
    assert (WEB, ProcessState.RUNNING, 42) == (process.name, process.state, process.pid)


def test_a_fault_is_told_by_its_name(impostor: Impostor, edge: Supervisord) -> None:
    """The code as in supervisor.xmlrpc.Faults; one that nobody knows is no crash."""
    impostor.answers = [fault(10, "BAD_NAME: web:web_00"), fault(4711, "news")]
    codes = []
    for _ in range(2):
        with pytest.raises(SupervisorFault) as caught:
            edge.process(WEB)
        codes.append(caught.value.code)
    assert ["BAD_NAME", "UNKNOWN"] == codes


def test_a_supervisord_that_shuts_down_is_unavailable(impostor: Impostor, edge: Supervisord) -> None:
    """It answers every question with this fault, before the event that says so."""
    impostor.answers = [fault(Faults.SHUTDOWN_STATE, "SHUTDOWN_STATE")]
    assert "supervisord is shutting down" == unavailable(edge)


def test_an_unknown_state_is_unknown(impostor: Impostor, edge: Supervisord) -> None:
    """A later supervisord may have more of them."""
    impostor.answers = [rpc([{**INFO, "statename": "HIBERNATING"}])]
    assert [ProcessState.UNKNOWN] == [process.state for process in edge.processes()]


@pytest.mark.parametrize(
    ("state", "spawnerr", "status", "detail"),
    [
        ("EXITED", "Bad exit code 3", 3, "exited with status 3"),
        ("EXITED", "Bad exit code -1", -1, "ended by a signal"),
        ("EXITED", "", 0, "exited with status 0"),
        ("FATAL", "can't find command '/no/such'", 0, "can't find command '/no/such'"),
        ("RUNNING", "", 0, ""),
    ],
)
def test_details(
    impostor: Impostor, edge: Supervisord, state: str, spawnerr: str, status: int, detail: str
) -> None:
    """supervisord calls every death by a signal "Bad exit code -1"."""
    impostor.answers = [rpc({**INFO, "statename": state, "spawnerr": spawnerr, "exitstatus": status})]
    assert detail == edge.process(WEB).detail


def test_no_call_waits_for_a_program(impostor: Impostor, edge: Supervisord) -> None:
    """wait=True would have supervisord spin for the whole drain."""
    impostor.answers = [rpc(True), rpc(True)]
    edge.start(WEB)
    edge.stop(WEB)
    assert all(b"<boolean>0</boolean>" in request for request in impostor.requests)


def test_user_name_and_password_are_sent(impostor: Impostor) -> None:
    """As basic authorization; none where there is none."""
    edge = Supervisord(f"unix://{impostor.path}", "ann", "s3cret:x", LIMIT)
    impostor.answers = [rpc(INFO)]
    edge.process(WEB)
    edge.close()
    assert b"Authorization: Basic YW5uOnMzY3JldDp4" in impostor.requests[0]


def test_a_missing_socket_and_its_return(tmp_path: Path) -> None:
    """supervisord is not there yet, or somebody removed its socket."""
    edge = Supervisord(f"unix://{tmp_path}/none.sock", limit=LIMIT)
    told = unavailable(edge)
    assert "No such file or directory: its socket file is gone, and supervisord makes it only when" in told
    server = Impostor()
    try:
        (tmp_path / "none.sock").symlink_to(server.path)
        server.answers = [rpc(INFO)]
        assert 42 == edge.process(WEB).pid
        edge.close()
    finally:
        server.close()


def test_a_socket_that_nobody_listens_on(tmp_path: Path) -> None:
    """What a killed supervisord leaves behind."""
    directory = short_directory()
    try:
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(directory / "s.sock"))
        told = unavailable(Supervisord(f"unix://{directory}/s.sock", limit=LIMIT))
        assert "Connection refused: nobody listens on that file. Another supervisord" in told
    finally:
        (directory / "s.sock").unlink()
        directory.rmdir()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may connect to everything")
def test_a_socket_that_we_may_not_use(impostor: Impostor, edge: Supervisord) -> None:
    """chmod 0000."""
    impostor.path.chmod(0)
    assert "Permission denied: our user may not use it. chmod and chown in [unix_http_server]" in unavailable(
        edge
    )


def test_inet_server_that_nobody_listens_on() -> None:
    """The same over TCP."""
    with socket.socket() as taken:  # bound and not listening: nobody else can have the port
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        assert "refused" in unavailable(Supervisord(url, limit=LIMIT))


def test_last_words_are_those_since_our_start(impostor: Impostor, edge: Supervisord, tmp_path: Path) -> None:
    """What an earlier process wrote explains nothing; after a rotation everything is new."""
    log = tmp_path / "err.log"
    log.write_text("an old story\n")
    known = {**INFO, "stderr_logfile": str(log)}
    impostor.answers = [rpc(known), rpc(True), rpc([known])]
    edge.process(WEB)
    edge.start(WEB)
    assert "" == edge.last_words(WEB, 100)
    with log.open("ab") as file:
        file.write(b"boom \xff\n")
    assert "boom \ufffd\n" == edge.last_words(WEB, 100)
    assert "om \ufffd\n" == edge.last_words(WEB, 5)
    log.write_text("anew\n")
    assert "anew\n" == edge.last_words(WEB, 100)
    edge.processes()
    log.unlink()
    assert "" == edge.last_words(WEB, 100)


def test_without_a_stderr_log_stdout_speaks(impostor: Impostor, edge: Supervisord, tmp_path: Path) -> None:
    """redirect_stderr=true."""
    (tmp_path / "out.log").write_text("Traceback\n")
    impostor.answers = [rpc({**INFO, "stdout_logfile": str(tmp_path / "out.log")})]
    edge.process(WEB)
    assert "Traceback\n" == edge.last_words(WEB, 100)
