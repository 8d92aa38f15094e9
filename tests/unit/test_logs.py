"""The log: every event is worded with the values that it really carries, and nothing can forge a line."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor_reload.app import log_to
from supervisor_reload.core.facts import ChangeKind, RevisionFailed, Story
from supervisor_reload.core.model import LogFormat, Settings, SlotName
from supervisor_reload.edges.observers.logs import SHOWN, TEXT, JsonFormatter, escaped, tell, worded
from tests.fakes.supervisord import Boot
from tests.fakes.world import SIGNAL, Code, World, web

A, B = SlotName("web:web_00"), SlotName("web:web_01")


def booted(world: World, boot: Boot | None = None) -> World:
    world.code = Code(revision="r0", boot=boot or Boot())
    world.supervisor.boot_all()
    world.advance(8)
    return world


def swapped() -> World:
    """A good save, a newer one in the same burst, a revert, a newer one after it, and a drain."""
    world = booted(World(web()))
    world.save("r1")
    world.advance(0.03)
    world.touch()
    world.save("r2")
    world.advance(0.5)
    world.save("r0")
    world.advance(5)
    world.save("r3")
    world.advance(0.5)
    world.save("r4")
    world.advance(5)
    return world


def halted() -> World:
    """Bad code under a spare slot until it is held."""
    world = booted(World(web()))
    world.save("r1", boot=Boot(dies_after=0.1))
    world.advance(60)
    return world


def refused() -> World:
    """A check that refuses, and files that can't be read."""
    world = booted(World(web(1, max_surge=0, check=True)))
    world.save("r1", passes=False)
    world.advance(5)
    world.put(RevisionFailed(target="web", reason="Permission denied: '/app/x\n.py'"))
    world.advance(5)
    return world


def overtaken() -> World:
    """The check refuses a newer revision while the rollout of one that passed is under way."""
    world = booted(World(web(1, max_surge=0, check=True)), Boot(drains_in=4))
    world.save("r1")
    world.advance(1)
    world.save("r2", passes=False)
    world.advance(10)
    return world


def stopped_by_hand() -> World:
    """An operator in the middle, then everywhere, then with only the spare slot left."""
    world = booted(World(web(4, replicas=4, max_surge=0)))
    world.save("r1")
    world.advance(1.5)
    world.supervisor.stop(SlotName("web:web_03"))
    world.advance(10)
    for number in range(3):
        world.supervisor.stop(SlotName(f"web:web_{number:02d}"))
    world.advance(5)
    world.save("r2")
    world.advance(5)
    return world


def no_spare() -> World:
    """Nothing may be unavailable, and an operator stopped every slot that could take a successor."""
    world = World(web(3, replicas=2, max_unavailable=0))
    world.supervisor.boot_all()
    world.advance(0.2)
    world.supervisor.stop(B)
    world.supervisor.stop(SlotName("web:web_02"))
    world.advance(8)
    world.save("r1")
    world.advance(5)
    return world


def drained() -> World:
    """A process that ignores the graceful signal."""
    world = booted(World(web(1, max_surge=0, drain_timeout=1.0, stop_timeout=1.0)), Boot(drains_in=None))
    world.save("r1")
    world.advance(20)
    return world


def signalled() -> World:
    """The application reloads itself."""
    world = booted(World(web(1, max_surge=0, strategy=SIGNAL)))
    world.save("r1")
    world.advance(5)
    return world


def never_ready() -> World:
    """Both slots live and never answer; good code comes."""
    world = booted(World(web()), Boot(ready_after=None))
    world.save("r1")
    world.advance(20)
    return world


def crashed() -> World:
    """A ready process ends by itself, and its files are being written to."""
    world = booted(World(web(1, max_surge=0), autorestart="false"))
    world.touch("app.log", ChangeKind.WRITING)
    world.supervisor.crash(A)
    world.advance(10)
    return world


def spare_stopped() -> World:
    """An operator stops the boot in the spare slot."""
    world = booted(World(web()))
    world.save("r1")
    world.advance(0.5)
    world.supervisor.stop(B)
    world.advance(5)
    return world


def echoing() -> World:
    """A program that writes into its own watched tree at every start."""
    world = booted(World(web(1, max_surge=0)))
    for number in range(8):
        world.save(f"r{number + 1}")
        world.advance(1.5)
    return world


SCENARIOS: list[Callable[[], World]] = [
    swapped,
    halted,
    refused,
    overtaken,
    stopped_by_hand,
    no_spare,
    drained,
    signalled,
    never_ready,
    crashed,
    spare_stopped,
    echoing,
]


def test_every_event_is_worded_with_what_it_carries() -> None:
    """No event without a template, no template without an event, and no value that a template misses."""
    stories = [story for scenario in SCENARIOS for story in scenario().stories]
    for story in stories:
        line = worded(story)
        assert line.startswith("web: ")
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
        ((), "the code that runs is not the code on disk"),
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


@given(st.text())
def test_escaped_text_is_one_safe_line(text: str) -> None:
    """Printable, encodable, and unchanged where it was safe already."""
    safe = escaped(text)
    assert safe.isprintable()
    safe.encode()
    assert safe == text or not text.isprintable()


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
