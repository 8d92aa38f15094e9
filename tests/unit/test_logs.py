"""The log: every event is worded with the values that it really carries, and nothing can forge a line."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor_reload.app import log_to
from supervisor_reload.core.model import LogFormat, Settings
from supervisor_reload.core.orders import Story
from supervisor_reload.edges.observers.logs import (
    SHOWN,
    TEXT,
    JsonFormatter,
    escaped,
    tell,
    tell_uncaught,
    worded,
)
from tests.fakes.scenarios import (
    SCENARIOS,
    B,
    booted,
    halted,
)
from tests.fakes.supervisord import Boot
from tests.fakes.world import World, web


def test_every_event_is_worded_with_what_it_carries() -> None:
    """No event without a template, no template without an event, and no value that a template misses."""
    stories = [story for scenario in SCENARIOS for story in scenario().stories]
    for story in stories:
        line = worded(story)
        assert line.startswith(("web: ", "job: ", "configuration: ", "journal: "))
        assert "{" not in line
        assert "None" not in line
        assert line.isprintable() or "\n    | " in line, line
    assert set(TEXT) == {story.event for story in stories}


def test_a_swap_reads_as_a_story() -> None:
    """The lines that an operator sees after saving a file; all but the measured times."""
    world = booted(World(web()))
    world.stories.clear()
    world.save("r1", name="app.py")
    world.advance(5)
    lines = [worded(story) for story in world.stories]
    pid, old = (world.supervisor.programs[B].pid, world.story("slot retiring").values["pid"])
    assert "web: rollout 1: app.py: rolling out r1" == lines[0]
    assert f"web: rollout 1: web:web_01 started (pid {pid})" == lines[1]
    assert lines[2].startswith("web: rollout 1: web:web_01 ready after 1.0")
    assert f"web: rollout 1: web:web_00 retiring (pid {old})" == lines[3]
    assert lines[-1].startswith("web: rollout 1: complete: r1 serves after 1.")


def test_a_halt_says_why_and_what_goes_on() -> None:
    """Reason, who serves, what comes next, and the last words; the second time only their last line."""
    world = booted(World(web()))
    world.supervisor.last_words = lambda name, size: "Traceback\nImportError: x\n"  # type: ignore[method-assign]
    world.start_listener()
    world.advance(5)
    world.save("r1", boot=Boot(dies_after=0.1))
    world.advance(60)
    first, second, third = [worded(s) for s in world.stories if s.event == "rollout halted"]
    assert first == (
        "web: rollout 1: halted: web:web_01: Exited too quickly (process log may have details); "
        "web:web_00 still serves. Trying again in 1 s (1 of 3)\n    | Traceback\n    | ImportError: x"
    )
    assert second.endswith("Trying again in 2 s (2 of 3)\n    | ImportError: x")
    assert third.endswith("Held: it is left alone until the files change\n    | ImportError: x")


@pytest.mark.parametrize(
    ("paths", "text"),
    [
        ((), "the code on disk"),
        (("/app/a.py",), "a.py"),
        (tuple(f"/app/{n}.py" for n in range(SHOWN + 2)), "0.py, 1.py, 2.py, 3.py, 4.py and 2 more"),
        (("/app/x\nERROR forged.py", "/app/\x1b[31m.py"), "x\\nERROR forged.py, \\x1b[31m.py"),
        (("/app/\udcff.py", "/app/ä \u202e.py"), "\\udcff.py, ä \\u202e.py"),
    ],
)
def test_files_are_named_safely(paths: tuple[str, ...], text: str) -> None:
    """No name makes a line of its own, colours a terminal, or turns the text around."""
    story = Story(target="web", event="rollout grew", values={"changed": paths, "revision": "r1"})
    assert f"web: {text}: now r1" == worded(story)


@pytest.mark.parametrize(
    ("known", "text"),
    [
        ({"is_known": True}, "the code that runs is not the code on disk"),
        ({"is_known": False}, "it is not known which code runs"),
        ({}, "the code that runs is not the code on disk"),
    ],
)
def test_no_more_is_claimed_than_is_known(known: dict[str, bool], text: str) -> None:
    """Without a journal nobody knows what a process runs that was there before us."""
    values = {"changed": (), "revision": "r1", "attempt": 1, **known}
    assert f"web: {text}: rolling out r1" == worded(Story(target="web", event="rollout began", values=values))


@given(st.text())
def test_escaped_text_is_one_safe_line(text: str) -> None:
    """Printable, encodable, and unchanged where it was safe already."""
    safe = escaped(text)
    assert safe.isprintable()
    safe.encode()
    assert safe == text or not text.isprintable()


@pytest.mark.fault(50)
@given(st.text(), st.text())
def test_quoted_output_can_not_forge_a_line(output: str, reason: str) -> None:
    """Every line of a check's output is marked as quoted."""
    values = {"revision": "r1", "reason": reason, "output": output, "changed": ("/app/a.py",)}
    lines = worded(Story(target="web", event="check failed", values=values)).split("\n")
    assert lines[0].startswith("web: a.py: refused by the check (")
    assert all(line.startswith("    | ") and line.isprintable() for line in lines[1:])
    assert len(lines) <= 16


@pytest.fixture
def root() -> Iterator[None]:
    """The log as it was."""
    ours, everybody = logging.getLogger("supervisor_reload"), logging.getLogger()
    handlers, levels = everybody.handlers[:], (everybody.level, ours.level)
    yield
    logging.captureWarnings(capture=False)
    everybody.handlers[:] = handlers
    everybody.setLevel(levels[0])
    ours.setLevel(levels[1])


def logged(log_format: LogFormat, *stories: Story, level: str = "info") -> str:
    stream = io.StringIO()
    log_to(stream, Settings(targets=(), log_format=log_format, log_level=level))
    for story in stories:
        tell(story)
    return stream.getvalue()


@pytest.mark.usefixtures("root")
def test_text_lines_have_time_and_level() -> None:
    """One record a story, at the story's own level."""
    text = logged(LogFormat.TEXT, halted().story("slot failed"), halted().story("rollout halted"))
    assert " WARNING web: rollout 3: web:web_01 failed: Exited too quickly" in text.splitlines()[0]
    assert " ERROR web: rollout 3: halted: web:web_01: " in text.splitlines()[1]


@pytest.mark.usefixtures("root")
def test_log_level_hides_the_rest() -> None:
    """log_level=error."""
    text = logged(LogFormat.TEXT, *halted().stories, level="error")
    assert 3 == text.count(" ERROR ")
    assert "WARNING" not in text


@pytest.mark.usefixtures("root")
def test_json_lines_parse_and_carry_the_values() -> None:
    """Machines get what people get, and the numbers behind it; also for names that are no text."""
    stories = [story for scenario in SCENARIOS for story in scenario().stories]
    odd = Story(
        target="web", event="rollout grew", values={"changed": ("/app/\n\udcff.py",), "revision": "r"}
    )
    lines = [json.loads(line) for line in logged(LogFormat.JSON, *stories, odd).splitlines()]
    assert [story.event for story in stories] == [line["event"] for line in lines[:-1]]
    assert ["/app/\n\udcff.py"] == lines[-1]["changed"]
    ready = next(line for line in lines if line["event"] == "slot ready")
    assert {"time", "level", "message", "target", "rollout", "slot", "pid", "seconds"} <= set(ready)
    assert ready["time"].endswith("Z")
    assert isinstance(ready["seconds"], float)


def test_json_of_anything_else() -> None:
    """A record that is no story, with a traceback: still one line."""
    try:
        raise ValueError("a\nb")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, "f.py", 1, "what %s", ("now\n",), info)
    text = JsonFormatter().format(record)
    assert "\n" not in text
    line = json.loads(text)
    assert ("error", "what now\n") == (line["level"], line["message"])
    assert "ValueError: a\nb" in line["traceback"]


FORGED = "2026-01-01 00:00:00,000 ERROR web: forged\x1b[2J"


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("log_format", LogFormat)
def test_a_defect_in_a_thread_is_logged(monkeypatch: pytest.MonkeyPatch, log_format: LogFormat) -> None:
    """Without the secrets that its words hold, and no line of them looks like one of ours."""

    def fail() -> None:
        raise RuntimeError(f"http://ann:correct-horse@host/\n{FORGED}")

    stream = io.StringIO()
    log_to(stream, Settings(targets=(), log_format=log_format))
    monkeypatch.setattr(threading, "excepthook", tell_uncaught)
    for target in (fail, sys.exit):
        thread = threading.Thread(target=target, name="probe\n1")
        thread.start()
        thread.join(10)
    text = stream.getvalue()
    assert 1 == text.count("a defect of ours ended the thread probe")
    assert "RuntimeError: http://***@host/" in text
    assert "correct-horse" not in text
    assert "\x1b" not in text
    assert not [line for line in text.splitlines() if line.startswith(FORGED[:10])]
    first, *others = text.splitlines()
    assert all(line.startswith("    | ") for line in others)
    assert "CRITICAL a defect" in first or (not others and json.loads(first)["level"] == "critical")
