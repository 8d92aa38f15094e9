"""Different files, different actions, with a real supervisord, real commands and real signals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from supervisor_reload.core.adoption import EVENTS_COME
from tests.integration.scene import ONE, PLAIN, TWO, Scene, scene

pytestmark = pytest.mark.integration

PAGES = """
import http.server, os, signal, sys
import code_under_test as code

def read(*_):
    global page
    page = open("page.html").read().strip()

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"{code.TEXT}{page} {os.getpid()}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass

read()
signal.signal(signal.SIGUSR1, read)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
"""It reads its page at the start, and again at USR1."""

RULES = """check=python
run_on=
  *.txt -> sh -c 'cat > %(here)s/got; cat *.txt | grep -v broken >&2'
  *.scss -> sh -c 'echo built >> %(here)s/built'
signal_on=*.html
signal=USR1
ignore_on=*.scss
"""


def with_pages(act: Scene) -> None:
    (act.directory / "app.py").write_text(PAGES)
    (act.src / "page.html").write_text("")
    (act.src / "requirements.txt").write_text("flask\n")


@contextmanager
def settled_scene() -> Iterator[Scene]:
    """A save right after the listener's first reading is doubted, and leads to new processes."""
    with scene(PLAIN, ONE + RULES, prepare=with_pages) as act:
        act.stays_quiet(2 * EVENTS_COME)
        yield act


def test_a_template_is_a_signal() -> None:
    """The process keeps its pid and shows the new page; code and page together are a new process."""
    with settled_scene() as act:
        pid = act.wait_for_text("one")
        (act.src / "page.html").write_text("!")
        assert act.wait_for_text("one!") == pid
        act.wait_for_log("complete")
        act.save("two")
        (act.src / "page.html").write_text("?")
        assert act.wait_for_text("two?") != pid
        act.wait_for_log("complete", 2)
        assert act.count("signalled") == 1
        assert "rolling out" not in act.stays_quiet()


def test_a_command_runs_before_anything_is_touched() -> None:
    """It gets the changed files; where it fails, the old process serves on, until a save that is better."""
    with settled_scene() as act:
        pid = act.wait_for_text("one")
        (act.src / "requirements.txt").write_text("broken\n")
        act.wait_for_log(r"requirements.txt: sh -c .* failed \(exit status 1\)")
        act.save("two")
        act.wait_for_log(r"failed \(exit status 1\)", 2)
        assert act.ask() == ("one", pid)
        (act.src / "requirements.txt").write_text("flask\ndjango\n")
        assert act.wait_for_text("two") != pid
        got = (act.directory / "got").read_bytes()
        assert sorted(got.split(b"\0")) == sorted([b"", bytes(act.code), bytes(act.src / "requirements.txt")])


def test_a_command_without_a_rollout() -> None:
    """ignore_on and run_on: something is built, and no process is replaced."""
    with settled_scene() as act:
        pid = act.wait_for_text("one")
        (act.src / "site.scss").write_text("a {}")
        built = act.directory / "built"
        act.supervisord.wait_for(built.exists, 10, "the command")
        assert "rolling out" not in act.stays_quiet()
        assert act.ask() == ("one", pid)
        act.save("two")
        act.wait_for_text("two")
        assert built.read_text() == "built\n", "it was run for its own files only"


@pytest.mark.fault(14)
def test_a_lost_event_is_found_by_a_rescan() -> None:
    """What happens in a directory behind a link of the tree is told by nobody, and found."""

    def behind_a_link(act: Scene) -> None:
        (act.directory / "elsewhere.py").write_text("A = 1\n")
        (act.src / "linked.py").symlink_to("../elsewhere.py")

    with scene(target=TWO + "rescan_interval=1\nfollow_symlinks=true\n", prepare=behind_a_link) as act:
        pid = act.wait_for_text("one")
        Path(act.directory, "elsewhere.py").write_text("A = 2\n")
        act.wait_for_log("linked.py: changed without an event, found by a rescan")
        act.wait_for_log("complete")
        assert act.wait_for_text("one") != pid
        assert "rolling out" not in act.stays_quiet(2.5)
