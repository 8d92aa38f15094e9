"""Kept sockets of other kinds, the interface's methods, its options, and the loop that it wakes."""

from __future__ import annotations

import os
import signal
import socket
import stat
import statistics
import time
import xmlrpc.client

import pytest

from benchmarks import wake
from benchmarks.kill_master import kill_masters
from tests.integration.pinned import INTERFACE, LIMIT, WEB, Pinned, answer, idle_share, pinned, wait_for_end
from tests.integration.supervisord import descendants

pytestmark = pytest.mark.integration

UNIX = WEB.replace("tcp://127.0.0.1:{port}", "unix://%(here)s/web.sock")


def _connect(scene: Pinned) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.settimeout(LIMIT)
        sock.connect(str(scene.directory / "web.sock"))
    except BaseException:
        sock.close()
        raise
    return sock


def _ask(scene: Pinned) -> int:
    with _connect(scene) as connection:
        return answer(connection)


def _is_refused(scene: Pinned) -> bool:
    try:
        _connect(scene).close()
    except ConnectionRefusedError:
        return True
    return False


def test_unix_socket() -> None:
    """Kept over a restart and SIGHUP; bound again when its file was removed, or its mode changed."""
    with pinned(INTERFACE, UNIX, "socket_mode=0600\n") as scene:
        file = scene.directory / "web.sock"
        scene.supervisord.wait_for(lambda: _ask(scene), LIMIT, "an answer")
        inode = file.stat().st_ino
        old = scene.pid()
        os.kill(old, signal.SIGKILL)
        wait_for_end(old)
        with _connect(scene) as waiting:
            assert answer(waiting) != old
        scene.hang_up()
        scene.supervisord.wait_for(lambda: _ask(scene), LIMIT, "an answer")
        assert (file.stat().st_ino, stat.S_IMODE(file.stat().st_mode)) == (inode, 0o600)

        file.unlink()
        scene.replace()
        scene.supervisord.wait_for(lambda: _ask(scene), LIMIT, "an answer on a new file")
        scene.write(INTERFACE, UNIX, "socket_mode=0660\numask=022\n")
        scene.update()
        scene.supervisord.wait_for(lambda: _ask(scene), LIMIT, "an answer")
        assert stat.S_IMODE(file.stat().st_mode) == 0o660
        assert scene.is_pinned()

        scene.write(INTERFACE)
        scene.update()
        scene.supervisord.wait_for(lambda: _is_refused(scene), LIMIT, "a refused client")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a socket to another user")
def test_unix_socket_of_another_user() -> None:
    """The owner that supervisord gave the file is the one that it has after a restart."""
    program = UNIX.replace("python %(here)s/app.py", "sleep 1000")
    with pinned(INTERFACE, program, "user=nobody\n") as scene:
        scene.supervisord.wait_for(scene.is_pinned, LIMIT, "a kept socket")
        file = scene.directory / "web.sock"
        before = file.stat()
        assert before.st_uid != 0
        scene.replace()
        with _connect(scene):
            assert (file.stat().st_ino, file.stat().st_uid) == (before.st_ino, before.st_uid)


def test_a_new_program_gets_a_blocking_socket() -> None:
    """asyncio leaves the socket non-blocking; after an update the program may be one that blocks."""
    blocking = (
        "import os, socket; s = socket.socket(fileno=os.dup(0)); c = s.accept()[0]; c.recv(999);"
        "c.sendall(b'x %d' % os.getpid()); c.close(); s.accept()"
    )
    with pinned() as scene:
        scene.ask()
        (scene.directory / "blocking.py").write_text(blocking)
        scene.write(INTERFACE, WEB.replace("app.py", "blocking.py"))
        scene.update()
        pid = scene.supervisord.wait_for(scene.pid, LIMIT, "the updated program")
        assert scene.ask() == pid


def test_methods() -> None:
    """What they tell and do, their faults, and what ``system.methodHelp`` says of them."""
    with pinned() as scene:
        scene.ask()
        url = f"tcp://127.0.0.1:{scene.port}"
        rpc = scene.supervisord.rpc
        (entry,) = rpc.reload.getSockets()
        assert entry["fd"] in scene.descriptors()
        assert {key: entry[key] for key in ("group", "url", "pinned", "nodelay", "waiting", "idle")} == {
            "group": "web",
            "url": url,
            "pinned": True,
            "nodelay": True,
            "waiting": 0,
            "idle": -1,
        }
        assert entry["backlog"] >= 1
        assert [name for name in rpc.system.listMethods() if name.startswith("reload.")] == [
            "reload.getSockets",
            "reload.readJournal",
            "reload.releaseSocket",
        ]
        assert rpc.system.methodSignature("reload.getSockets") == ["array"]
        assert rpc.system.methodSignature("reload.releaseSocket") == ["boolean", "string"]
        assert rpc.reload.releaseSocket(url) is True
        assert not scene.is_pinned()
        for wrong, fault in ((url, "BAD_NAME"), ("tcp://nowhere:1", "BAD_NAME"), (7, "INCORRECT_PARAMETERS")):
            with pytest.raises(xmlrpc.client.Fault, match=fault):
                rpc.reload.releaseSocket(wrong)
        scene.replace()
        scene.supervisord.wait_for(scene.is_pinned, LIMIT, "a socket that is kept again")


def test_wrong_options_cost_a_line() -> None:
    """supervisord starts, says what it does not understand, and works with the default."""
    wrong = INTERFACE.replace("{release_after}", "soon") + "relase_after=1\nsupervisord=1\n"
    inet = "[inet_http_server]\nport=127.0.0.1:{port}\n"  # a second server makes a second interface
    with pinned(wrong, WEB.replace("tcp://127.0.0.1:{port}", "unix://%(here)s/web.sock"), inet) as scene:
        scene.supervisord.wait_for(scene.is_pinned, LIMIT, "a kept socket")
        lines = sorted(line.split(" section: ")[1] for line in scene.log().splitlines() if "reload: " in line)
        assert lines == [
            "'soon' is not a number of seconds from 0 to 31622400; 5 is used",
            "unknown option, did you mean 'release_after'?; known are: release_after, state_dir",
            "unknown option; known are: release_after, state_dir",
        ]


def test_supervisord_wakes() -> None:
    """The successor of a killed process is there at once, and then supervisord rests; also after SIGHUP."""
    program = "[program:web]\ncommand=sleep 1000\nstartsecs=0\nredirect_stderr=true\nautorestart=true\n"
    with pinned(INTERFACE, program) as scene:
        scene.supervisord.wait_for(scene.pid, LIMIT, "a process")
        assert statistics.median(_respawns(scene.supervisord.pid, 3)) < 0.8  # without us 1 to 2 s
        scene.hang_up()
        assert min(_respawns(scene.supervisord.pid, 2)) < 0.8
        assert idle_share(scene.supervisord.pid, 1.5) < 0.1


def test_a_program_that_ends_at_once_is_not_started_without_end() -> None:
    """startsecs=0 has no BACKOFF: what slows it down is supervisord's sleep, and that must stay."""
    program = "[program:web]\ncommand=sh -c 'echo x >>%(here)s/starts'\nstartsecs=0\nautorestart=true\n"
    with pinned(INTERFACE, program) as scene:
        starts = scene.directory / "starts"
        scene.supervisord.wait_for(lambda: starts.exists() and starts.stat().st_size > 5 * 2, LIMIT, "starts")
        before = starts.stat().st_size
        assert idle_share(scene.supervisord.pid, 2.0) < 0.2
        assert starts.stat().st_size - before <= 4 * 2


def _respawns(supervisord: int, times: int) -> list[float]:
    """Seconds from a kill to the successor; asked of the kernel, because a call would wake supervisord."""
    found = []
    for _ in range(times):
        (old,) = descendants(supervisord)
        began = time.monotonic()
        os.kill(old, signal.SIGKILL)
        while not descendants(supervisord) - {old}:
            assert time.monotonic() - began < LIMIT
            time.sleep(0.002)
        while old in descendants(supervisord):
            assert time.monotonic() - began < LIMIT
        found.append(time.monotonic() - began)
    return found


def test_the_benchmark_of_waking() -> None:
    """It finds a successor and an event for each kill, and what it measures is what is promised."""
    times = wake.measure("files of its own", woken=True, times=1)
    assert (len(times.successor), len(times.listener)) == (1, 1)
    assert 0 < times.successor[0] < 0.8
    assert 0 < times.listener[0] < 0.8
    assert times.idle < 0.1
    assert wake.table({("logs", True): times}).splitlines()[1].startswith("logs")


@pytest.mark.fault(33)
def test_killed_masters() -> None:
    """kill -9 of a gunicorn master whose workers live on: supervisord lives, and the program serves again."""
    outcome = kill_masters(2)
    assert (outcome.served, outcome.alive) == (2, True)
