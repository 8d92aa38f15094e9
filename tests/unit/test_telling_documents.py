"""What others are told of an event: complete, without secrets, and readable by any program."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor_reload.core.secrets import Redaction
from supervisor_reload.edges.telling.documents import LONGEST_OUTPUT, MOST_NAMED
from tests.fakes.told import began, complete, documents, halted, story


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_complete_rollout():
    """All that is known of it, from its beginning on."""
    clock = Clock()
    told = documents(clock=clock)
    first = told.of(began())
    clock.now += 2.5
    document = json.loads(told.of(complete()).to_json())
    assert document.pop("id") != first.id
    assert document == {
        "format": 1,
        "event": "complete",
        "target": "web",
        "rollout": 7,
        "revision": "r1",
        "previous_revision": "r0",
        "trigger": "files",
        "changed": ["/app/a.py"],
        "files": 1,
        "reason": "",
        "output": "",
        "is_held": False,
        "seconds": 2.5,
        "host": "here",
        "time": "2025-11-23T12:00:00.250Z",
    }
    assert (first.event, first.seconds, first.previous_revision) == ("began", 0.0, "r0")


def test_a_halted_rollout():
    """Why, and what the process said."""
    told = documents()
    told.of(began())
    report = told.of(halted(held=True, last_words="Traceback\nBoom"))
    assert report.reason == "web:web_00: exit status 1"
    assert report.output == "Traceback\nBoom"
    assert report.is_held


@pytest.mark.parametrize(
    ("event", "values", "reason"),
    [
        ("check failed", {"reason": "exit status 1"}, "the check: exit status 1"),
        ("command failed", {"reason": "no end", "command": "make css"}, "make css: no end"),
        ("rollout refused", {"reason": "before_rollout: exit status 3"}, "before_rollout: exit status 3"),
    ],
)
def test_refused(event, values, reason):
    """By whomever; where no rollout had begun there is none to name."""
    rollout = 7 if event == "rollout refused" else 0
    report = documents().of(
        story(event, rollout, revision="r2", changed=("/app/b.py",), output="no", **values)
    )
    assert (report.event, report.reason, report.output) == ("refused", reason, "no")
    assert (report.rollout, report.seconds, report.trigger) == (rollout or None, None, None)
    assert report.changed == ("/app/b.py",)


def test_aborted_tells_what_was_rolled_out():
    """Its story does not."""
    told = documents()
    told.of(began())
    report = told.of(story("rollout aborted", slots=("web:web_00",)))
    assert (report.revision, report.reason) == ("r1", "web:web_00: stopped by hand")


def test_a_rollout_that_grew():
    """What it ended with counts."""
    told = documents()
    told.of(began())
    told.of(story("rollout grew", revision="r2", changed=("/app/a.py", "/app/b.py")))
    report = told.of(story("rollout aborted", slots=()))
    assert (report.revision, report.files) == ("r2", 2)


def test_a_rollout_that_another_listener_began():
    """How long it took nobody knows."""
    told = documents()
    assert told.of(story("rollout resumed", revision="r1", trigger="retry", changed=("/app/a.py",))) is None
    report = told.of(complete())
    assert (report.trigger, report.files, report.seconds, report.previous_revision) == (
        "retry",
        1,
        None,
        None,
    )


def test_the_revision_before_is_remembered():
    """Where the story does not name it; other targets and other rollouts don't count."""
    told = documents()
    told.of(began(1, previous=None))
    told.of(complete(1))
    other = told.of(began(2, revision="r2", previous=None))
    assert other.previous_revision == "r1"
    stray = told.of(complete(9, revision="r3"))
    assert (stray.trigger, stray.files) == (None, 0)
    told.of(story("rollout withdrawn", 2, revision="r1"))
    assert told.of(began(3, previous=None)).previous_revision == "r1"


def test_a_superseded_rollout_is_not_taken_for_its_successor():
    """The old one's end comes before the new one's beginning, or after."""
    told = documents()
    told.of(began(1))
    told.of(began(2, revision="r2", trigger="retry"))
    told.of(story("rollout superseded", 1, revision="r1", newer="r2"))
    assert told.of(complete(2, revision="r2")).trigger == "retry"


def test_of_most_lines_nobody_else_is_told():
    """The log tells them."""
    assert documents().of(story("slot ready", slot="web:web_00")) is None


def test_long_things_are_cut():
    """Names are counted all the same."""
    names = tuple(f"/app/{number}.py" for number in range(500))
    told = documents()
    report = told.of(began(changed=names))
    assert (len(report.changed), report.files) == (MOST_NAMED, 500)
    report = told.of(halted(reason="x" * 5000, last_words="word " * 5000))
    assert len(report.output) <= LONGEST_OUTPUT
    assert len(report.to_json()) < 10_000


def test_no_secret_leaves():
    """In a reason, an output, or a file's name."""
    hide = Redaction(["hunter2-hunter2"])
    told = documents(hide=hide)
    told.of(began(changed=("/app/hunter2-hunter2.py",)))
    report = told.of(halted(reason="login hunter2-hunter2", last_words="http://me:other-secret@host"))
    for secret in (b"hunter2-hunter2", b"other-secret"):
        assert secret not in report.to_json()
    assert report.changed == ("/app/***.py",)


@given(name=st.text(), output=st.text(), undecodable=st.binary(max_size=20))
def test_whatever_comes_from_outside_is_json(name, output, undecodable):
    """ASCII, of whole characters; so any reader takes it."""
    told = documents()
    names = ("/app/" + name, "/app/" + undecodable.decode("utf-8", "surrogateescape"))
    told.of(began(changed=names))
    written = told.of(halted(last_words=output, reason=output)).to_json()
    document = json.loads(written.decode("ascii"))
    json.dumps(document, ensure_ascii=False).encode("utf-8")
    assert len(document["changed"]) == 2


def test_the_environment_of_a_command():
    """All of it is text."""
    told = documents()
    told.of(began())
    assert told.of(halted()).environment() == {
        "SUPERVISOR_RELOAD_ROLLOUT": "7",
        "SUPERVISOR_RELOAD_TARGET": "web",
        "SUPERVISOR_RELOAD_REVISION": "r1",
        "SUPERVISOR_RELOAD_OUTCOME": "halted",
    }
    assert told.of(story("check failed", 0, revision="r2")).environment()["SUPERVISOR_RELOAD_ROLLOUT"] == ""
