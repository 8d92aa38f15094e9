"""``exec`` under a real supervisord: the socket it hands over, and the servers that find it."""

from __future__ import annotations

import http.client
import shutil
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import keepalive
from supervisor_reload.notify import address
from tests.integration.supervisord import Supervisord, descendants, free_port, short_directory

pytestmark = pytest.mark.integration

CONF = """
[fcgi-program:web]
socket=tcp://127.0.0.1:{port}
command=supervisor-reload exec -- {command}
directory={here}
process_name=%(program_name)s_%(process_num)02d
startsecs=0
autorestart=false
environment=PYTHONDONTWRITEBYTECODE="1"
stderr_logfile=%(here)s/web.log
stdout_logfile=%(here)s/web.log
{more}
"""
HERE = Path(__file__).parent
SERVERS = {
    "uvicorn": "uvicorn leaving_app:app --fd 0",
    "our uvicorn": "supervisor-reload uvicorn leaving_app:app --fd 0",
    "gunicorn, by systemd's convention": "gunicorn exec_app:application",
    "gunicorn, by number": "gunicorn exec_app:application --bind fd://0",
}


@pytest.fixture
def directory() -> Iterator[Path]:
    made = short_directory()
    shutil.copy(HERE.parent.parent / "etc" / "app" / "gunicorn.conf.py", made)
    shutil.copy(HERE / "leaving_app.py", made)
    (made / "exec_app.py").write_text(
        "import os\n"
        "def application(environ, start_response):\n"
        "    body = os.environ.get('NOTIFY_SOCKET', '').encode()\n"
        "    start_response('200 OK', [('Content-Length', str(len(body)))])\n"
        "    return [body]\n"
    )
    yield made
    shutil.rmtree(made, ignore_errors=True)


def get(connection: http.client.HTTPConnection) -> bytes:
    connection.request("GET", "/")
    response = connection.getresponse()
    assert response.status == 200
    return response.read()


def first_answer(port: int) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        return get(connection)
    finally:
        connection.close()


@pytest.mark.parametrize("server", SERVERS)
def test_servers_find_the_socket(directory: Path, server: str) -> None:
    """Each serves on supervisord's socket, and its pid is the one that supervisord started."""
    port = free_port()
    conf = CONF.format(port=port, command=SERVERS[server], here=directory, more="")
    with Supervisord(directory, conf) as supervisord:
        body = supervisord.wait_for(lambda: first_answer(port) or b"none", 20, server)
        if server.startswith("gunicorn"):
            assert body.decode() == address(f"unix://{supervisord.socket_file}", "web", "web_00")
        pid = supervisord.process_pid("web:web_00")
        assert b"\0exec\0" not in Path(f"/proc/{pid}/cmdline").read_bytes()
        assert pid in descendants(supervisord.pid)


def test_kept_connections_are_answered_at_once(directory: Path) -> None:
    """Stock uvicorn on the inherited socket: far from the 40 ms of a delayed acknowledgement."""
    port = free_port()
    conf = CONF.format(port=port, command=SERVERS["uvicorn"], here=directory, more="")
    with Supervisord(directory, conf) as supervisord:
        supervisord.wait_for(lambda: first_answer(port), 20, "an answer")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        times = []
        for _ in range(30):
            began = time.monotonic()
            get(connection)
            times.append(time.monotonic() - began)
        connection.close()
    assert statistics.median(times) < 0.03


@pytest.mark.parametrize("kind", ["program", "group"])
def test_programs_without_a_socket_are_told(directory: Path, kind: str) -> None:
    """As [program], and as [fcgi-program] in a [group:x], fd 0 is no socket: the log says so."""
    conf = CONF.format(port=free_port(), command="sleep 60", here=directory, more="")
    if kind == "program":
        lines = [line for line in conf.splitlines() if not line.startswith("socket=")]
        conf = "\n".join(lines).replace("[fcgi-program:web]", "[program:web]")
    else:
        conf += "\n[group:site]\nprograms=web\n"
    with Supervisord(directory, conf) as supervisord:
        log = directory / "web.log"
        supervisord.wait_for(lambda: "not named in a [group:x]" in log.read_text(), 20, "the sentence")
        name = "site:web_00" if kind == "group" else "web:web_00"
        supervisord.wait_for(lambda: supervisord.state(name) in ("EXITED", "FATAL", "BACKOFF"), 20)
        assert supervisord.info(name)["exitstatus"] == 2


def test_the_benchmark_measures_all_three(capsys: pytest.CaptureFixture[str]) -> None:
    """A short run of benchmarks/keepalive.py: each server is asked as often, and its line is printed."""
    assert keepalive.main(["--requests", "30"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines[1:]] == ["30"] * 3
    for line, name in zip(lines[1:], (keepalive.OWN, keepalive.STOCK, keepalive.EXEC), strict=True):
        assert line.startswith(name)
