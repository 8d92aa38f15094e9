"""Processes as the kernel shows them: real children, real sockets."""

from __future__ import annotations

import os
import queue
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from supervisor_reload.core.facts import Fact, ProcessExited
from supervisor_reload.core.model import SlotName
from supervisor_reload.edges.processes import (
    TELLS_CHILDREN,
    Exits,
    _children_found,
    _children_told,
    command,
    epoll_targets,
    may_look,
    sockets,
    tree,
)
from tests.fakes.children import as_nobody, child
from tests.integration.supervisord import wait_for

WEB = SlotName("web:web_00")
LIMIT = 10.0
WAITS = 'print("up", flush=True); input()'
PARENT = (
    "import subprocess, sys; "
    "p = subprocess.Popen([sys.executable, '-c', 'print(\"up\", flush=True); input()']); p.wait()"
)
ODD_NAME = "open('/proc/self/comm', 'w').write(') R 1 (x'); " + WAITS


@pytest.fixture
def facts() -> queue.SimpleQueue[Fact]:
    return queue.SimpleQueue()


@pytest.fixture
def exits(facts: queue.SimpleQueue[Fact]) -> Iterator[Exits]:
    watched = Exits(facts.put)
    yield watched
    watched.close()
    assert not watched._thread.is_alive()


def test_an_exit_is_told_with_its_name_and_pid(exits: Exits, facts: queue.SimpleQueue[Fact]) -> None:
    """Also for a process that is still a zombie: its parent has not asked for its status."""
    with child(WAITS) as process:
        exits.watch(WEB, process.pid)
        process.kill()
        assert ProcessExited(name=WEB, pid=process.pid) == facts.get(timeout=LIMIT)
    assert facts.empty()


def test_each_of_many_is_told_once(exits: Exits, facts: queue.SimpleQueue[Fact]) -> None:
    """Watching goes on while the thread waits."""
    children = [subprocess.Popen(["sleep", "60"]) for _ in range(10)]
    for number, process in enumerate(children):
        exits.watch(SlotName(f"w:{number}"), process.pid)
    for process in children:
        process.kill()
        process.wait()
    told = {facts.get(timeout=LIMIT) for _ in children}
    assert {ProcessExited(name=SlotName(f"w:{n}"), pid=p.pid) for n, p in enumerate(children)} == told
    assert facts.empty()


def test_a_process_that_has_gone_already_is_told_at_once(
    exits: Exits, facts: queue.SimpleQueue[Fact]
) -> None:
    """Between supervisord's answer and our look it may end."""
    process = subprocess.Popen(["true"])
    process.wait()
    exits.watch(WEB, process.pid)
    assert ProcessExited(name=WEB, pid=process.pid) == facts.get(timeout=LIMIT)


@pytest.mark.fault(56)
def test_without_pidfd_nothing_is_told(
    exits: Exits, facts: queue.SimpleQueue[Fact], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then supervisord's events, and looks, are all there is."""
    monkeypatch.delattr(os, "pidfd_open")
    exits.watch(WEB, os.getpid())
    assert facts.empty()


def test_a_refused_pidfd_is_no_error(
    exits: Exits, facts: queue.SimpleQueue[Fact], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No descriptors left, or a sandbox that forbids it."""

    def refuse(pid: int) -> int:
        raise PermissionError(1, "not permitted")

    monkeypatch.setattr(os, "pidfd_open", refuse)
    exits.watch(WEB, os.getpid())
    assert facts.empty()


def test_close_leaves_no_descriptor_behind(facts: queue.SimpleQueue[Fact]) -> None:
    """Also of processes that live on."""
    before = len(os.listdir("/proc/self/fd"))
    exits = Exits(facts.put)
    with child(WAITS) as process:
        opened = len(os.listdir("/proc/self/fd"))
        exits.watch(WEB, process.pid)
        assert opened + 1 == len(os.listdir("/proc/self/fd"))
    facts.get(timeout=LIMIT)
    exits.watch(WEB, os.getpid())
    exits.close()
    assert before == len(os.listdir("/proc/self/fd"))
    assert facts.empty()


def test_tree_lists_descendants_parents_first() -> None:
    """A server's master, and its workers."""
    with child(PARENT) as process:
        descendants = wait_for(lambda: tree(process.pid)[1:], LIMIT)
        assert (process.pid, *descendants) == tree(process.pid)
        assert tree(os.getpid()).index(process.pid) < tree(os.getpid()).index(descendants[0])
        os.kill(descendants[0], 9)


needs_children = pytest.mark.skipif(not TELLS_CHILDREN, reason="a kernel without CONFIG_PROC_CHILDREN")


@needs_children
def test_both_ways_to_the_children_agree() -> None:
    """What the kernel lists, below whichever thread it was made, is what all processes' parents say."""
    made: list[subprocess.Popen[bytes]] = []
    done = threading.Event()

    def make() -> None:  # and stay: a thread's children go to another one when it ends
        made.append(subprocess.Popen(["sleep", "60"]))
        done.wait(LIMIT)

    threads = [threading.Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(made) == 2, LIMIT)
    try:
        found = set(_children_found()(os.getpid()))
        assert {process.pid for process in made} <= found == set(_children_told(os.getpid()))
        assert found == set(tree(os.getpid())[1:])
    finally:
        done.set()
        for process in made:
            process.kill()
            process.wait()
        for thread in threads:
            thread.join()


LISTED: list[str] = []
"""What was listed in this process since it was asked, which can't be undone (sys.addaudithook)."""


@needs_children
def test_tree_asks_nothing_of_other_processes() -> None:
    """It is asked for every 50 ms, on machines with thousands of them."""
    if not LISTED:
        sys.addaudithook(lambda event, args: LISTED.append(str(args[0])) if event == "os.listdir" else None)
    os.listdir("/proc/self")
    assert "/proc/self" == LISTED[-1]
    LISTED.clear()
    with child(WAITS) as process:
        tree(process.pid)
        assert [f"/proc/{process.pid}/task"] == LISTED


def test_into_whom_we_may_look() -> None:
    """Into ourselves; a process that has gone hides nothing."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert may_look(os.getpid())
    assert may_look(gone.pid)


LOOKS = """
import os, sys
from supervisor_reload.edges.processes import may_look, sockets, tree
os.setuid(NOBODY)
pid = int(sys.argv[1])
print(may_look(pid), sockets(pid), tree(pid))
"""


def test_into_whom_we_may_not_look() -> None:
    """Another user's: that it holds nothing is not to be believed; who descends from it is known."""
    with child(WAITS) as process:
        assert f"False frozenset() ({process.pid},)\n" == as_nobody(LOOKS, str(process.pid))


def test_tree_of_a_process_with_a_malicious_name() -> None:
    """/proc/PID/stat holds the name in parentheses, and it may hold anything."""
    with child(ODD_NAME) as process:
        assert process.pid in tree(os.getpid())


def test_a_process_that_has_gone_has_nothing() -> None:
    """Each question is about a moment; afterwards there is nothing, and no error."""
    process = subprocess.Popen(["true"])
    process.wait()
    gone = process.pid
    assert ((gone,), frozenset(), None, "") == (tree(gone), sockets(gone), epoll_targets(gone), command(gone))


def test_command_is_what_was_run() -> None:
    """For a message: cut to a length, never an error."""
    with child(WAITS, "ä\n", "x" * 500) as process:
        said = command(process.pid)
    assert said.endswith("x")
    assert "-c print" in said
    assert len(said) <= 200


def inode(sock: socket.socket) -> int:
    return os.fstat(sock.fileno()).st_ino


def test_sockets_by_inode() -> None:
    """What a process holds."""
    with socket.socket() as listener:
        assert inode(listener) in sockets(os.getpid())
        number = inode(listener)
    assert number not in sockets(os.getpid())


def test_what_a_process_waits_on() -> None:
    """The inode is there while it is registered with epoll, and only then."""
    with child('import select; e = select.epoll(); print("up", flush=True); input()') as process:
        assert frozenset() == epoll_targets(process.pid)
    with socket.socket() as listener, select.epoll() as epoll:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        epoll.register(listener, select.EPOLLIN)
        targets = epoll_targets(os.getpid())
        assert targets is not None
        assert inode(listener) in targets
        epoll.unregister(listener)
        targets = epoll_targets(os.getpid())
        assert targets is not None
        assert inode(listener) not in targets
    with child(WAITS) as process:
        assert epoll_targets(process.pid) is None


def test_looking_at_all_while_processes_come_and_go() -> None:
    """/proc changes under our eyes: no question raises."""
    done = threading.Event()

    def churn() -> None:
        while not done.is_set():
            subprocess.Popen(["true"]).wait()

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(30):
            for pid in tree(os.getpid()):
                sockets(pid)
                epoll_targets(pid)
                command(pid)
    finally:
        done.set()
        thread.join()
