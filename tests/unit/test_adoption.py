"""Whether what a new listener finds running is the code that it finds on disk, where no journal tells."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from supervisor_reload.core.adoption import TOGETHER
from supervisor_reload.core.condition import Condition, condition
from supervisor_reload.core.likeness import eyes_of
from supervisor_reload.core.model import ReactionSettings, RunRule
from supervisor_reload.core.recall import Recollection
from supervisor_reload.core.revision import Weight
from supervisor_reload.edges.processes import born, started
from supervisor_reload.edges.sources.comparing import newest_change
from supervisor_reload.edges.sources.record import RECORD_SIZE
from supervisor_reload.edges.sources.swapped import links_made
from tests.fakes.lives import life
from tests.fakes.world import World, settled, web

PLAIN = web(1, max_surge=0, check=True)
RULES = ReactionSettings(run_on=(RunRule(patterns=("a",), command=("one",)),))


def forgotten(world: World, down: float = 20.0) -> None:
    """The listener dies, and its journal is removed."""
    world.down_for = down
    world.kill_listener()
    world.journal.lines.clear()


def boots(world: World) -> int:
    return sum(program.boots for program in world.supervisor.programs.values())


def test_a_process_that_is_older_than_the_code_is_replaced() -> None:
    """Nobody saw the save, and no journal tells of the code before: the times do."""
    world = settled(World(PLAIN))
    forgotten(world)
    world.save("r1")
    world.advance(60)
    assert 2 == boots(world)
    assert "r1" == next(iter(world.target.slots.values())).revision
    assert ("/app/app.py",) == world.story("rollout began").values["changed"]


def test_not_for_code_that_the_check_refuses() -> None:
    """What was found is checked before anything is touched for it."""
    world = settled(World(PLAIN))
    forgotten(world)
    world.save("r1", passes=False)
    world.advance(60)
    assert 1 == boots(world)
    assert Condition.REFUSED is condition(world.target)[0]
    world.save("r2")
    world.advance(60)
    assert 2 == boots(world)


def test_what_may_be_news_is_checked_by_name() -> None:
    """Of all files those that are younger than the process; their commands are run before."""
    world = settled(World(replace(PLAIN, reactions=RULES)))
    checked: list[tuple[str, ...]] = []
    run = world.engine._outside.checks.run
    forgotten(world)
    world.save("r1", rules=(0,))
    world.advance(20.0)
    checks = world.engine._outside.checks
    checks.run = lambda *asked: (checked.append(asked[2]), run(*asked))  # type: ignore[method-assign]
    world.advance(60)
    assert [("/app/app.py",)] == checked
    assert [0] == [rule for rule, _, _ in world.commands]
    assert 2 == boots(world)


def test_not_where_their_command_fails() -> None:
    """What it makes is missing, and nothing is touched."""
    world = settled(World(replace(PLAIN, reactions=RULES)))
    world.command_succeeds = False
    forgotten(world)
    world.save("r1", rules=(0,))
    world.advance(60)
    assert 1 == boots(world)
    assert Condition.REFUSED is condition(world.target)[0]


def test_what_was_refused_is_refused_when_it_comes_back() -> None:
    """Bad code that was found, other bad code, and the first again: it never passed."""
    world = settled(World(PLAIN))
    forgotten(world)
    for revision in ("r1", "r2", "r1"):
        world.save(revision, passes=False)
        world.advance(40)
        assert 1 == boots(world)
        assert Condition.REFUSED is condition(world.target)[0]


def test_another_life_knows_the_content() -> None:
    """supervisord was started anew, and the code is what was read last: a touch meanwhile is no news."""
    world = World(PLAIN)
    world.supervisor.boot_all()
    world.advance(TOGETHER + 10)
    world.saved_at = world.clock.now
    mark = f"m{len(world._marks)}"  # of the next reading
    record = {"eyes": eyes_of(PLAIN), "mark": mark}
    world.start_listener(Recollection(records={"target web": record}, is_same_life=False))
    world._mark = ""
    world.advance(30)
    assert mark == world.target.intake.adoption.mark == world.target.intake.mark
    assert 1 == boots(world)


def test_a_process_that_is_younger_is_left_alone() -> None:
    """Its start was after the newest change."""
    world = settled(World(PLAIN))
    forgotten(world)
    world.advance(60)
    assert 1 == boots(world)
    assert "r0" == next(iter(world.target.slots.values())).revision


def test_a_process_that_began_with_us_may_write_files() -> None:
    """As many do when they boot: that is no news to it."""
    world = World(PLAIN)
    world.supervisor.boot_all()
    world.saved_at = world.clock.now + 0.1
    world.advance(60)
    assert 1 == boots(world)


def test_the_journal_knows_better_than_the_times() -> None:
    """The content is the same, though somebody touched the file while we were down."""
    world = settled(World(PLAIN))
    world.down_for = 20.0
    world.kill_listener()
    world.save("r0")
    world.advance(60)
    assert 1 == boots(world)


def test_a_death_while_it_is_doubted() -> None:
    """What was doubted when the listener died is doubted by the next one."""
    world = World(PLAIN)
    world.supervisor.boot_all()
    world.advance(TOGETHER + 10)
    forgotten(world)
    world.save("r1")
    world.advance(20.1)
    assert "r1" == world.target.intake.disk
    world.down_for = 1.0
    world.kill_listener()
    world.advance(60)
    assert 2 == boots(world)
    assert "r1" == next(iter(world.target.slots.values())).revision


def test_a_process_that_is_seen_late() -> None:
    """It was started before the code changed, though it was seen only after that: it runs the old."""
    world = settled(World(PLAIN, lose_events=True, lose_exits=True))
    world.supervisor.crash(PLAIN.slots[0].name)
    world.advance(0.3)
    world.save("r1")
    world.advance(30)
    (slot,) = world.target.slots.values()
    assert "r1" == slot.revision
    assert 3 == boots(world)


def test_a_file_s_time(tmp_path) -> None:
    """It is told with the first reading, of the files that count."""
    state, app = tmp_path / "state", tmp_path / "app"
    state.mkdir()
    app.mkdir()
    before = time.monotonic()
    (app / "a.py").write_text("1")
    after = time.monotonic()
    wait_for_tick(app / "a.py")
    (app / "style.scss").write_text("1")
    with life(state, app, reactions=ReactionSettings(ignore_on=("*.scss",))) as one:
        told = one.look().written
        assert told is not None
        assert before - 0.02 <= told <= after + 0.02
        (app / "a.py").write_text("2")
        assert one.look(app / "a.py").written is None


def wait_for_tick(path) -> None:
    """Until a file that is written now is younger than this one by more than the times' precision."""
    while time.time() < path.lstat().st_ctime + 0.1:
        path.with_name("grain.tmp").write_text("")


class Tables:
    """A tree with one file."""

    def __init__(self, changed: float) -> None:
        signature = [0, 0, int(changed * 1e9), 1, 1]
        record = bytes(RECORD_SIZE - 40) + b"".join(number.to_bytes(8, "little") for number in signature)
        self.tables = {"": {"a.py": record}}

    def absolute(self, relative: str) -> str:
        return f"/{relative}"


def test_a_time_that_lies_ahead_tells_nothing() -> None:
    """The clock was set back, or a server's goes wrong."""
    assert newest_change([Tables(time.time() + 3600)], lambda *_: Weight.CODE) is None
    past = newest_change([Tables(time.time() - 3600)], lambda *_: Weight.CODE)
    assert past == pytest.approx(time.monotonic() - 3600, abs=1.0)


def test_a_process_s_start() -> None:
    """In monotonic seconds, by the kernel's word."""
    before = time.monotonic()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        after = time.monotonic()
        told = started(born(process.pid))
        assert process.stdin
        process.stdin.close()
    assert told is not None
    assert before - 0.02 <= told <= after + 0.02
    assert started("") is None
    assert started(born(os.getpid())) < before


def test_a_process_that_supervisord_started_first_is_new() -> None:
    """autorestart is often faster than we are; the kernel's time of its start may be 10 ms too early."""
    intake = settled(World(PLAIN)).target.intake
    intake.disk_since = 100.0
    assert intake.may_predate(99.9)
    assert not intake.may_predate(99.99)
    assert not intake.may_predate(100.0)
    assert not intake.may_predate(None)


def test_a_link_that_was_swapped_makes_all_files_new(tmp_path) -> None:
    """``current -> releases/2``: unpacked long ago, and new to whoever began before the swap."""
    for number in (1, 2):
        (tmp_path / f"releases/{number}/src").mkdir(parents=True)
        (tmp_path / f"releases/{number}/src/app.py").write_text(str(number))
    current = tmp_path / "current"
    current.symlink_to("releases/1")
    wait_for_tick(current)
    began = time.monotonic()
    (tmp_path / "next").symlink_to("releases/2")
    (tmp_path / "next").replace(current)
    state = tmp_path / "state"
    state.mkdir()
    with life(state, current / "src") as one:
        told = one.look().written
        assert told is not None
        assert told > began - 0.02
        one.sources.compute("web", (), full=True, final=True, since=began)
        assert (str(current / "src/app.py"),) == one.answer().changed
        one.sources.compute("web", (), full=True, final=True, since=time.monotonic() + 1)
        assert () == one.answer().changed


def test_links_that_go_round_end(tmp_path) -> None:
    """As the kernel, nobody follows them for ever."""
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert links_made(str(tmp_path / "a")) > 0
    assert links_made("") == links_made("/") == 0


def test_a_boot_that_began_with_the_save_runs_it() -> None:
    """A spare slot boots some milliseconds after the save, and the kernel's times are coarser than that."""
    world = settled(World(web(2)))
    world.save("r1")
    world.advance(TOGETHER + 10)
    forgotten(world)
    world.advance(30)
    assert 1 == world.events().count("rollout began")


def test_a_listener_that_dies_before_it_read_anything() -> None:
    """Its journal tells of processes, and not of what they run: the next one checks what it finds."""
    world = settled(World(PLAIN))
    forgotten(world, 1.0)
    world.advance(1.0005)
    world.down_for = 15.0
    world.kill_listener()
    assert world.journal.found()["target web"]["accepted"] is None
    world.save("r1", passes=False)
    world.advance(60)
    assert 1 == boots(world)
    assert Condition.REFUSED is condition(world.target)[0]
