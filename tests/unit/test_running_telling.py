"""What ``run`` says on the terminal: few lines, each safe, none in the way of the command's output."""

from __future__ import annotations

import errno
import json
import os

import pytest

from supervisor_reload.running import Request
from supervisor_reload.running.telling import Teller


def told(request: Request, *records: object) -> list[str]:
    """What is written for these lines of the listener."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as shown:
        teller = Teller(request, writing)
        block = b"".join(
            record if isinstance(record, bytes) else json.dumps(record).encode() + b"\n" for record in records
        )
        for at in range(0, len(block), 7):  # lines come in pieces
            teller.take(block[at : at + 7])
        os.close(writing)
        return shown.read().decode().splitlines()


def record(event: str | None, level: str = "info", **values: object) -> dict[str, object]:
    """A line of the listener's log."""
    return {"level": level, "message": "a message", **({"event": event} if event else {}), **values}


REQUEST = Request(argv=("x",))


def test_a_save_is_two_lines():
    """
    What caused it, and how long it took; the steps between are left out.
    """
    shown = told(
        REQUEST,
        record("slot ready", pid=4, seconds=0.01, rollout=None),
        record("rollout began", rollout=1, changed=["/a/one.py", "/a/two\n.py", "/a/3", "/a/4"]),
        record("slot draining", rollout=1, slot="program:program", pid=4),
        record("slot ready", pid=5, seconds=0.01, rollout=1),
        record("rollout complete", rollout=1, seconds=0.0312),
        record(None),
    )
    assert shown == [
        "[reload] started (pid 4)",
        "[reload] one.py, two\\n.py, 3 and 1 more: restarting",
        "[reload] started in 31 ms (pid 5)",
    ]


def test_a_start_of_which_no_file_is_the_reason():
    """
    As after a crash: what is not known is not claimed.
    """
    assert told(
        REQUEST,
        record("rollout began", rollout=1, changed=[], is_known=True),
        record("rollout began", rollout=2, changed=[], is_known=False),
        record("check failed", "error", changed=[], output=""),
    ) == [
        "[reload] the code that runs is not the code on disk: restarting",
        "[reload] it is not known which code runs: restarting",
        "[reload] the code on disk: refused by the check",
    ]


def test_failures_are_told_once():
    """
    A failed boot names its reason in supervisord's words made plain, and what still serves.
    """
    request = Request(argv=("x",), socket="tcp://127.0.0.1:1")
    shown = told(
        request,
        record("slot ready", pid=4, seconds=0.01),
        record("rollout began", rollout=1, changed=["/a.py"]),
        record("slot failed", "warning", rollout=1, reason="Bad exit code 3"),
        record(
            "rollout halted", "error", rollout=1, reason="Bad exit code 3", serving=["program:program_00"]
        ),
        record("slot failed", "warning", rollout=None, reason="Bad exit code -1"),
        record("check failed", "warning", changed=["/a.py"], reason="exit status 1", output="one\ntwo\n"),
        record(None, "error"),
    )
    assert shown == [
        "[reload] started (pid 4)",
        "[reload] a.py: starting the new code beside the old",
        "[reload] the new code failed: exited with status 3; pid 4 still runs the old",
        "[reload] ended by a signal; waiting for a change",
        "[reload] a.py: refused by the check",
        "    | one",
        "    | two",
        "[reload] a message",
    ]


@pytest.mark.parametrize(
    "line", [b"Traceback (most recent call last):\n", b"[1]\n", b'{"a": 1}\n', b"\xff\x1b\n"]
)
def test_what_is_no_story_is_shown(line):
    """
    A traceback of the listener is not swallowed, and no byte of it can do anything to a terminal.
    """
    (shown,) = told(REQUEST, line)
    assert shown.startswith("[reload] ")
    assert "\x1b" not in shown


def test_a_terminal_that_is_full_or_gone():
    """
    A line that nobody takes is lost within its limit; a reader that went away is no error.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(writing, b"x" * 65536)
    Teller(REQUEST, writing).say("lost")
    os.close(reading)
    Teller(REQUEST, writing).say("gone")
    with pytest.raises(OSError) as error:
        os.write(writing, b"x")
    assert error.value.errno == errno.EPIPE
    os.close(writing)
