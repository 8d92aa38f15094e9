"""Running an operator's command within limits: nothing that it does hangs, floods or outlives us."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from supervisor_reload.edges.processes import tree
from supervisor_reload.edges.spawning import OUTPUT_LIMIT, run
from tests.fakes.children import as_nobody
from tests.integration.supervisord import wait_for

LIMIT = 20.0
SHORT = 0.3


def sh(words: str, limit: float = LIMIT, **options: object):  # type: ignore[no-untyped-def]
    return run(["sh", "-c", words], limit=limit, **options)  # type: ignore[arg-type]


def is_alive(pid: int) -> bool:
    """Whether it runs; a zombie that nobody has reaped yet does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize(
    ("words", "code", "reason", "output"),
    [
        ("exit 0", 0, "exit status 0", ""),
        ("echo out; echo err >&2; exit 7", 7, "exit status 7", "out\nerr\n"),
        ("kill -TERM $$", -15, "ended by signal 15", ""),
        ("printf '\\377\\000x'", 0, "exit status 0", "\ufffd\x00x"),
        ('cat; printf %s "$PLACE"; pwd', 0, "exit status 0", "givenhere/\n"),
    ],
)
def test_outcomes(words: str, code: int, reason: str, output: str) -> None:
    """Status, reason, and both streams as they came."""
    outcome = sh(words, environment={"PLACE": "here"}, directory="/", stdin=b"given")
    assert (code, reason, output) == (outcome.code, outcome.reason, outcome.output)


@pytest.mark.parametrize("argv", [["/no/such/command"], ["/etc/passwd"], ["a\0b"]])
def test_what_can_not_be_started_is_told(argv: list[str]) -> None:
    """Never an exception: nobody would hear it in the check's thread."""
    outcome = run(argv, limit=LIMIT)
    assert 127 == outcome.code
    assert outcome.reason.startswith("could not be started: ")


def test_a_directory_that_is_gone_is_told() -> None:
    """Not taken for a missing command."""
    outcome = sh("true", directory="/no/such/directory")
    assert "could not be started: [Errno 2] No such file or directory: '/no/such/directory'" == outcome.reason


FULL = """
import resource
import subprocess
from supervisor_reload.edges.spawning import run
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
print(run(["true"], limit=5, stdin=b"x" * 100).reason)
"""


def test_a_disk_that_fills_up_is_told() -> None:
    """What the command would read can't be written, at once or when it is flushed."""
    said = subprocess.run(
        [sys.executable, "-c", FULL], capture_output=True, text=True, timeout=60, check=True
    )
    assert said.stdout == "could not be started: [Errno 27] File too large\n"


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command's stdin is a temporary file."""
    monkeypatch.setattr("tempfile.tempdir", "/no/such/directory")
    assert sh("true").reason.startswith("could not be started: ")


@pytest.mark.fault(54)
@pytest.mark.parametrize(
    "words", ["sleep 1000", "trap '' TERM INT; while :; do sleep 1; done", "exec >&- 2>&-; sleep 1000"]
)
def test_the_limit_ends_it(words: str) -> None:
    """Also one that ignores signals, or closed its output and lives on."""
    began = time.monotonic()
    outcome = sh(words, limit=SHORT)
    assert (-9, f"no end within {SHORT:g} s") == (outcome.code, outcome.reason)
    assert SHORT <= time.monotonic() - began < SHORT + 5


@pytest.mark.fault(54)
def test_a_flood_is_cut_to_its_end() -> None:
    """yes fills neither memory nor pipe; the last words are kept, and the limit holds."""
    outcome = run(["yes"], limit=SHORT)
    assert -9 == outcome.code
    assert OUTPUT_LIMIT - 2 <= len(outcome.output) <= OUTPUT_LIMIT  # without a line that was cut
    outcome = sh("head -c 10000000 /dev/zero | tr '\\0' a; echo; echo end")
    assert outcome.output.endswith("a\nend\n")
    assert OUTPUT_LIMIT == len(outcome.output)


def test_a_closed_output_is_no_end() -> None:
    """Its exit status is waited for, without spinning."""
    used = time.process_time()
    assert 3 == sh("exec >&- 2>&-; sleep 0.4; exit 3").code
    assert time.process_time() - used < 0.3


@pytest.mark.fault(54)
def test_what_it_left_in_the_background_dies_with_it(tmp_path: Path) -> None:
    """A check that started a server and forgot it; its hold on the pipe delays nobody."""
    began = time.monotonic()
    outcome = sh(f"sleep 1000 & echo $! > {tmp_path}/pid; echo done")
    assert (0, "done\n") == (outcome.code, outcome.output)
    assert time.monotonic() - began < 5
    pid = int((tmp_path / "pid").read_text())
    wait_for(lambda: not is_alive(pid), LIMIT)


FLEES = """
import os, sys
if os.fork() == 0:
    os.setsid()
    open(sys.argv[1], "w").write(str(os.getpid()))
    while True:
        os.write(1, b"y" * 65536)
while not os.path.exists(sys.argv[1]):
    pass
"""


def test_what_fled_its_group_and_writes_for_ever_does_not_hold_us(tmp_path: Path) -> None:
    """It keeps the pipe full after the command's end; when nobody reads any more, it dies of that."""
    outcome = run([sys.executable, "-c", FLEES, str(tmp_path / "pid")], limit=LIMIT)
    assert (0, "exit status 0") == (outcome.code, outcome.reason)
    wait_for((tmp_path / "pid").read_text, LIMIT)
    pid = int((tmp_path / "pid").read_text())
    wait_for(lambda: not is_alive(pid), LIMIT)


def test_it_can_be_cancelled() -> None:
    """From another thread, soon, whatever it does."""
    cancelled = threading.Event()
    outcomes = []
    thread = threading.Thread(target=lambda: outcomes.append(sh("sleep 1000", cancelled=cancelled)))
    thread.start()
    cancelled.set()
    thread.join(LIMIT)
    assert [(-9, "cancelled")] == [(outcome.code, outcome.reason) for outcome in outcomes]


def test_it_inherits_no_descriptor_of_ours() -> None:
    """The protocol's stdout is one of them."""
    read, write = os.pipe()
    os.set_inheritable(write, True)
    try:
        assert "0 1 2" == " ".join(
            fd for fd in sh("ls /proc/self/fd").output.split() if fd in ("0", "1", "2", str(write))
        )
    finally:
        os.close(read)
        os.close(write)


def test_high_descriptors_are_fine() -> None:
    """Above 1023 select would raise."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 3000:
        pytest.skip("no room for so many descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (3000, hard))
    taken = [os.open("/dev/null", os.O_RDONLY) for _ in range(1500)]
    try:
        assert "hello\n" == sh("echo hello").output
    finally:
        for fd in taken:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_no_child_is_left_unreaped() -> None:
    """Days of checks leave no zombie."""
    for _ in range(5):
        sh("sleep 100 & exit 1")
    stats = [Path(f"/proc/{pid}/stat").read_text() for pid in tree(os.getpid())[1:]]
    assert [] == [stat for stat in stats if stat.rpartition(")")[2].split()[0] == "Z"]


DROPS = """
import os, sys, threading, time
from supervisor_reload.edges.spawning import run
outcomes = []
command = ["sh", "-c", "echo $$ > " + sys.argv[1] + "; exec sleep 1000"]
thread = threading.Thread(target=lambda: outcomes.append(run(command, limit=2.0)))
thread.start()
while not os.path.exists(sys.argv[1]) and thread.is_alive():
    pass
os.setuid(NOBODY)  # all threads: what was started before is another user's now
began = time.monotonic()
thread.join(30)
print(*outcomes, flush=True)
assert time.monotonic() - began < 10
"""


def test_what_can_not_be_killed_does_not_hold_us(tmp_path: Path) -> None:
    """As ``sudo -u app …`` for a listener that is not root: it runs on, and that is told."""
    file = tmp_path / "pid"
    try:
        said = as_nobody(f"import logging; logging.disable()\n{DROPS}", str(file))
        pid = int(file.read_text())
        assert is_alive(pid)
        assert f"no end within 2 s, and pid {pid} could not be killed: it is another user's" in said
        assert said.startswith("Outcome(code=1, ")
    finally:
        os.kill(int(file.read_text()), 9)


REAPS = (
    DROPS
    + """
os.setresuid(0, 0, 0)
os.kill(int(open(sys.argv[1]).read()), 9)
threads = [thread for thread in threading.enumerate() if thread.name.startswith("reaping ")]
for thread in threads:
    thread.join(30)
print(len(threads), threading.active_count())
"""
)


def test_its_zombie_is_reaped_when_it_ends(tmp_path: Path) -> None:
    """Whenever that is; nobody waits for it."""
    code = f"import logging; logging.disable()\n{REAPS}".replace(
        "os.setuid(NOBODY)", "os.setresuid(NOBODY, NOBODY, 0)"
    )
    assert as_nobody(code, str(tmp_path / "pid")).endswith("\n1 1\n")
