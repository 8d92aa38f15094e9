"""Kept sockets: whatever supervisord does to the program, its clients wait instead of being refused."""

from __future__ import annotations

import os
import signal
import socket

import pytest

from tests.integration.pinned import INTERFACE, LIMIT, WEB, answer, errors_of, pinned, wait_for_end

pytestmark = pytest.mark.integration

OTHER = WEB.replace("program:web", "program:other")


def test_no_request_is_refused_while_the_only_process_is_replaced() -> None:
    """Under load: signalled, restarted by hand, updated, and supervisord reloaded; descriptors don't grow."""
    with pinned() as scene:
        scene.ask()
        before = len(scene.descriptors())
        with scene.under_load() as load:
            for _ in range(3):
                scene.replace()
            scene.control("restart", "web:*")
            scene.write(INTERFACE, WEB, "umask=022\n")
            assert "updated" in scene.control("update")
            scene.hang_up()
            scene.hang_up()
        assert errors_of(load) == {}
        scene.supervisord.wait_for(lambda: len(scene.descriptors()) <= before, LIMIT, "no descriptors more")
        assert scene.is_pinned()


def test_update_during_a_restart_loses_nothing() -> None:
    """The program was killed and has not come back when ``update`` removes and adds its group."""
    with pinned() as scene, scene.under_load() as load:
        scene.write(INTERFACE, WEB, "umask=022\n")
        scene.supervisord.rpc.supervisor.signalProcess("web:web", "TERM")
        scene.update()
        scene.supervisord.wait_for(scene.pid, LIMIT, "the updated program")
    assert errors_of(load) == {}


def test_stop_by_hand_refuses_clients_after_a_while() -> None:
    """Who came before waits, and is answered when the program is started in time; later ones are refused."""
    with pinned(release_after=1.5) as scene:
        scene.ask()
        supervisor = scene.supervisord.rpc.supervisor
        supervisor.stopProcess("web:web")
        with scene.connect() as waiting:
            assert scene.sockets()["web"]["waiting"] == 1
            supervisor.startProcess("web:web")
            assert answer(waiting) == scene.pid()
        supervisor.stopProcess("web:web")
        assert scene.sockets()["web"]["idle"] == 0
        assert not scene.is_refused()
        scene.supervisord.wait_for(scene.is_refused, LIMIT, "a refused client")
        assert not scene.is_pinned()
        assert "no process of web ran for 1.5 s" in scene.log()
        supervisor.startProcess("web:web")
        assert scene.ask() == scene.pid()
        assert scene.is_pinned()


def test_a_socket_that_changes_or_goes_is_released_at_once() -> None:
    """``update`` with another port; with a program that binds the port itself; without the group."""
    with pinned() as scene:
        scene.ask()
        old = scene.port
        scene.port = new = _other_port(old)
        scene.write(INTERFACE, WEB)
        scene.update()
        scene.supervisord.wait_for(scene.ask, LIMIT, "an answer on the new port")
        scene.port = old
        assert scene.is_refused()

        scene.port = new
        scene.write(
            INTERFACE, WEB.replace("fcgi-", "").replace("socket=", ";").replace("app.py", f"app.py {new}")
        )
        scene.update()
        scene.supervisord.wait_for(scene.ask, LIMIT, "an answer of the program's own socket")
        assert scene.sockets() == {}

        scene.write(INTERFACE, WEB)
        scene.update()
        scene.supervisord.wait_for(scene.is_pinned, LIMIT, "a kept socket")
        scene.write(INTERFACE)
        scene.update()
        scene.supervisord.wait_for(scene.is_refused, LIMIT, "a refused client")
        assert scene.sockets() == {}


def test_the_same_port_spelt_otherwise() -> None:
    """The kept socket of the old spelling gives way to the new one, on ``update`` and on SIGHUP."""
    with pinned() as scene:
        scene.ask()
        scene.write(INTERFACE, WEB.replace("127.0.0.1", "localhost"))
        scene.update()
        scene.supervisord.wait_for(scene.ask, LIMIT, "an answer")
        assert scene.sockets()["web"]["url"].startswith("tcp://localhost")
        scene.write(INTERFACE, WEB)
        scene.hang_up()
        scene.supervisord.wait_for(scene.ask, LIMIT, "an answer")
        assert scene.sockets()["web"]["url"].startswith("tcp://127.0.0.1")


def test_a_section_that_is_removed_leaves_nothing_behind() -> None:
    """After SIGHUP without it the socket closes with its process, as without us, and supervisord rests."""
    with pinned() as scene:
        scene.ask()
        assert [fd for fd in scene.descriptors() if fd >= 1024]
        scene.write(WEB)
        scene.hang_up()
        scene.supervisord.wait_for(lambda: max(scene.descriptors()) < 1024, LIMIT, "no descriptors of ours")
        assert scene.ask() == scene.pid()
        scene.supervisord.rpc.supervisor.stopProcess("web:web")
        assert scene.is_refused()
        scene.write(INTERFACE, WEB)
        os.kill(scene.supervisord.pid, signal.SIGHUP)
        scene.supervisord.wait_for(scene.is_pinned, LIMIT, "the section is back")


def test_shutdown_releases_at_once() -> None:
    """A slow program keeps supervisord alive; the socket of one that has ended is closed."""
    slow = "[program:slow]\ncommand=sh -c 'trap \"\" TERM; while :; do sleep 0.1; done'\n"
    with pinned(INTERFACE, WEB, slow, "stopwaitsecs=3\npriority=1\nstartsecs=0\n") as scene:
        scene.ask()
        pid = scene.pid()
        scene.supervisord.rpc.supervisor.shutdown()
        wait_for_end(pid)
        scene.supervisord.wait_for(scene.is_refused, 2.5, "a refused client while the slow program ends")
        os.kill(scene.supervisord.pid, 0)


def test_a_program_that_failed_for_good_refuses() -> None:
    """FATAL: supervisord has given up, so clients are not kept waiting for longer than release_after."""
    crash = "[fcgi-program:web]\nsocket=tcp://127.0.0.1:{port}\ncommand=sh -c 'exit 3'\nstartretries=0\n"
    with pinned(INTERFACE, crash, release_after=0.5) as scene:
        scene.supervisord.wait_for(lambda: scene.supervisord.state("web:web") == "FATAL", LIMIT, "FATAL")
        scene.supervisord.wait_for(scene.is_refused, LIMIT, "a refused client")


def test_two_groups_with_one_address() -> None:
    """Without us supervisord ends at its start; so the second fails alone, and the log says why."""
    with pinned(INTERFACE, WEB, OTHER, "priority=1000\nstartretries=0\n") as scene:
        scene.supervisord.wait_for(lambda: scene.supervisord.state("other:other") == "FATAL", LIMIT, "FATAL")
        assert scene.ask() == scene.pid()
        assert scene.sockets()["web"]["pinned"]
        assert not scene.sockets()["other"]["pinned"]
        assert f"somebody else has the socket tcp://127.0.0.1:{scene.port} of other" in scene.log()


def test_a_stranger_on_the_port() -> None:
    """Without us supervisord ends; so the program fails as any other, and starts when the port is free."""
    with pinned(INTERFACE, WEB, "startretries=100\n", release_after=0) as scene:
        scene.ask()
        scene.supervisord.rpc.supervisor.stopProcess("web:web")
        scene.supervisord.wait_for(scene.is_refused, LIMIT, "a released socket")
        with socket.create_server(("127.0.0.1", scene.port)):
            with pytest.raises(Exception, match="SPAWN_ERROR"):
                scene.supervisord.rpc.supervisor.startProcess("web:web")
            assert scene.supervisord.state("web:web") == "BACKOFF"
        scene.supervisord.wait_for(scene.ask, LIMIT, "an answer when the stranger has gone")


def _other_port(port: int) -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        other = int(probe.getsockname()[1])
    assert other != port
    return other
