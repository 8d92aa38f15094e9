"""The probes tcp and http against real servers, on a listening socket that they share with us."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from supervisor_reload.core.model import ReadySettings
from supervisor_reload.edges.asking import Question, Refused, _prove
from supervisor_reload.edges.probes.answering import accepted, http
from supervisor_reload.edges.processes import tree
from tests.fakes.children import child
from tests.fakes.servers import (
    ASLEEP,
    BLOCKING,
    CLOSES_WHEN_ASKED,
    FAMILY,
    NEVER,
    OK,
    REPLY,
    answers,
    at,
)

LIMIT = 10.0
SHORT = 0.4


@pytest.mark.parametrize(
    ("status", "refusal"),
    [
        (b"200 OK", None),
        (b"204 No Content", None),
        (b"500 Internal Server Error", "HTTP status 500"),
        (b"503 Service Unavailable", "HTTP status 503"),
        (b"404 Not Found", "HTTP status 404"),
        (b"302 Found\r\nLocation: /ready", "HTTP status 302"),
    ],
)
def test_http_counts_2xx(listener: socket.socket, status: bytes, refusal: str | None) -> None:
    """A redirect is an answer, and not followed: the server would be asked twice."""
    with answers(listener, REPLY.format(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")) as pid:
        assert refusal == http(at(listener), pid, LIMIT, NEVER)


def test_http_asks_as_a_browser_would(listener: socket.socket, tmp_path: Path) -> None:
    """One GET with path, query and host, and no password."""
    answer = (
        f"open({str(tmp_path / 'asked')!r}, 'wb').write(connection.recv(65536)); connection.sendall({OK!r})"
    )
    with answers(listener, answer) as pid:
        address = at(listener).address.replace("http://", "http://ann:secret@")
        assert http(ReadySettings(scheme="http", address=address), pid, LIMIT, NEVER) is None
    asked = (tmp_path / "asked").read_bytes()
    assert asked.startswith(b"GET /ready?x=1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"secret" not in asked


ENDLESS = {
    "silent": "connection.recv(65536)",
    "drips its status": "[(connection.sendall(b'H'), time.sleep(0.02)) for _ in range(2000)]",
    "drips its headers": (
        "connection.sendall(b'HTTP/1.1 200 OK\\r\\nX: '); "
        "[(connection.sendall(b'x'), time.sleep(0.02)) for _ in range(2000)]"
    ),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_http_ends_at_its_limit(listener: socket.socket, kind: str) -> None:
    """By the clock on the wall, however the bytes come."""
    with answers(listener, ENDLESS[kind]) as pid:
        began = time.monotonic()
        refusal = http(at(listener), pid, SHORT, NEVER)
        took = time.monotonic() - began
    assert f"no answer from {at(listener).address} within {SHORT:g} s" == refusal
    assert SHORT <= took < SHORT + 2


def test_an_endless_head_is_no_answer(listener: socket.socket) -> None:
    """It is not read to its end, which would never come."""
    answer = "connection.sendall(b'HTTP/1.1 200 OK')"
    answer += "; [connection.sendall(b'\\r\\nX: y' * 999) for _ in held * 9999]"
    with answers(listener, answer) as pid:
        assert "no HTTP answer but got more than 100 headers" == http(at(listener), pid, LIMIT, NEVER)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "'SSH-2.0-OpenSSH_9.2\\r\\n'"),
        (b"HTTP/1.1 2", "'HTTP/1.1 2'"),
        (b"HTTP/1.1 20x OK\r\n\r\n", "'HTTP/1.1 20x OK\\r\\n'"),
        (b"", "'Remote end closed connection without response'"),
        (b"HTTP/" + b"9" * 3000 + b" 200 OK\r\n\r\n", "HTTP/" + "9" * 195),
    ],
)
def test_http_needs_an_http_answer(listener: socket.socket, said: bytes, told: str) -> None:
    """Something else answers there: its first words are told."""
    with answers(listener, REPLY.format(said) + "; connection.shutdown(socket.SHUT_RDWR)") as pid:
        assert f"no HTTP answer but {told}" == http(at(listener), pid, LIMIT, NEVER)


def test_nobody_listens() -> None:
    """Refused, at once."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        refusal = http(at(taken), os.getpid(), LIMIT, NEVER)
    assert refusal is not None
    assert "refused" in refusal


@pytest.mark.parametrize("address", ["http://127.0.0.1:99999/", "http://[1:2/", "http://"])
def test_an_address_that_leads_nowhere(address: str) -> None:
    """The reason, and no exception."""
    refusal = http(ReadySettings(scheme="http", address=address), os.getpid(), LIMIT, NEVER)
    assert refusal is not None
    assert refusal.startswith(f"{address}: ")


def test_an_unaccepted_connection_is_no_answer(listener: socket.socket) -> None:
    """The kernel connects long before the application accepts."""
    with child(ASLEEP, stdin=listener.fileno()) as process:
        for probe in (http, accepted):
            refusal = probe(at(listener), process.pid, SHORT, NEVER)
            assert "connected, but nobody accepted the connection" == refusal


def test_a_probe_that_is_ended_does_not_wait_for_its_limit(listener: socket.socket) -> None:
    """Its thread is waited for when we leave."""
    ended = threading.Event()
    ended.set()
    began = time.monotonic()
    assert accepted(at(listener), os.getpid(), LIMIT, ended) is not None
    assert time.monotonic() - began < LIMIT / 2


def test_a_connection_that_was_closed_at_once_is_told_at_once(listener: socket.socket) -> None:
    """The kernel shows no socket of it any more, as of one that nobody accepted yet: its state differs."""
    with socket.create_connection(listener.getsockname()) as connection:
        accepted, _ = listener.accept()
        accepted.close()
        began = time.monotonic()
        with pytest.raises(Refused, match="the connection was closed at once, by whom can't be told"):
            _prove(connection, Question("tcp://", os.getpid(), began + LIMIT, NEVER, "ready"))
        assert time.monotonic() - began < LIMIT / 2


@pytest.mark.fault(29)
def test_the_old_process_answers_on_the_shared_socket(listener: socket.socket) -> None:
    """It is named, and its answer does not count."""
    with (
        answers(listener, REPLY.format(OK)) as old,
        child(ASLEEP, stdin=listener.fileno()) as new,
    ):
        refusal = http(at(listener), new.pid, LIMIT, NEVER)
        assert refusal is not None
        assert refusal.startswith(f"answered by pid {old} (")
        assert refusal.endswith(f", not by the new process {new.pid}")
        assert http(at(listener), old, LIMIT, NEVER) is None


def test_the_answer_of_a_worker_is_its_masters(listener: socket.socket) -> None:
    """Servers accept in children of the process that supervisord started."""
    code = BLOCKING.format(answer=REPLY.format(OK))
    argv = [sys.executable, "-c", FAMILY, code]
    with subprocess.Popen(argv, stdin=listener.fileno(), stdout=subprocess.PIPE) as master:
        try:
            assert master.stdout is not None
            assert b"up\n" == master.stdout.readline()
            assert http(at(listener), master.pid, LIMIT, NEVER) is None
            assert accepted(at(listener), master.pid, LIMIT, NEVER) is None
        finally:
            for pid in tree(master.pid):
                os.kill(pid, 9)


def test_a_reset_is_no_answer(listener: socket.socket) -> None:
    """A process that closes its listening socket has not accepted what was waiting there."""
    with child(CLOSES_WHEN_ASKED, stdin=listener.fileno()) as process:
        address = at(listener)
        listener.close()
        refusal = accepted(address, process.pid, LIMIT, NEVER)
    assert refusal is not None


def test_https(listener: socket.socket, tmp_path: Path) -> None:
    """A certificate is not asked for its name; a server that speaks no TLS is refused."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=else.where"]
    subprocess.run([*make, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    answer = (
        "import ssl; tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); "
        f"tls.load_cert_chain({str(certificate)!r}, {str(key)!r}); "
        f"held[-1] = connection = tls.wrap_socket(connection, server_side=True); {REPLY.format(OK)}"
    )
    with answers(listener, answer) as pid:
        assert http(at(listener, "https"), pid, LIMIT, NEVER) is None
    with answers(listener, REPLY.format(b"no\r\n\r\n")) as pid:
        refusal = http(at(listener, "https"), pid, LIMIT, NEVER)
    assert refusal is not None
    assert "SSL" in refusal
