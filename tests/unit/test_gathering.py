"""Looks that no event asked for: lost events are found, and half-written files are not believed."""

from __future__ import annotations

from supervisor_reload.core.facts import ChangeKind, FileChanged, GitHeld, RevisionComputed, RevisionFailed
from supervisor_reload.core.gathering import Gathering
from supervisor_reload.core.model import Revision, TargetSettings, WatchSettings
from supervisor_reload.core.orders import AskGit, ComputeRevision, Tell
from tests.fakes.world import World, settled, web

R0, R1 = Revision("r0"), Revision("r1")
A = ("/app/a.py",)
RESCAN = ComputeRevision(target="web", full=True, final=False)


def watching(interval: float = 30.0) -> TargetSettings:
    settings = web(1, max_surge=0)
    watch = WatchSettings(paths=("/app",), rescan_interval=interval)
    return type(settings)(name="web", slots=settings.slots, watch=watch)


def gathered(interval: float = 30.0) -> Gathering:
    """One whose first reading came at 0."""
    gathering = Gathering(settings=watching(interval))
    assert [ComputeRevision(target="web", full=True)] == gathering.elapse(0.0)
    gathering.end_reading()
    return gathering


def answer(changed: tuple[str, ...] = ()) -> RevisionComputed:
    revision = R1 if changed else R0
    return RevisionComputed(target="web", revision=revision, changed=changed, full=True, final=False)


def test_everything_is_looked_at_again_and_again() -> None:
    """Every rescan_interval, and never two looks at once."""
    gathering = gathered()
    assert 30.0 == gathering.wakes_at
    assert [] == gathering.elapse(29.9)
    assert [RESCAN] == gathering.elapse(30.0)
    assert [] == gathering.elapse(60.0), "the first has not answered yet"
    assert [] == gathering.pass_reading(answer(), 61.0)
    assert [RESCAN] == gathering.elapse(90.0)


def test_none_is_never() -> None:
    """rescan_interval=none"""
    assert gathered(0.0).wakes_at is None


def test_a_rescan_unsettles_nothing() -> None:
    """A rollout goes on while a big tree is looked at."""
    gathering = gathered()
    gathering.elapse(30.0)
    assert gathering.is_quiet


def test_what_a_rescan_finds_is_a_hint() -> None:
    """The event may be on its way, and the file may be half-written: the burst ends as any other does."""
    gathering = gathered()
    gathering.elapse(30.0)
    told, asked = gathering.pass_reading(answer(A), 30.2)
    assert isinstance(told, Tell)
    assert ("change found by rescan", A) == (told.story.event, told.story.values["changed"])
    assert AskGit(target="web") == asked
    assert not gathering.is_quiet
    gathering.hear_git(GitHeld(target="web", held=False), 30.2)
    assert [AskGit(target="web")] == gathering.elapse(30.3)
    read = gathering.hear_git(GitHeld(target="web", held=False), 30.3)
    assert [ComputeRevision(target="web", hints=A)] == read


def test_a_rescan_inside_a_burst_says_nothing() -> None:
    """The final reading of the burst tells all that it saw."""
    gathering = gathered()
    gathering.elapse(30.0)
    gathering.change(FileChanged(target="web", path=A[0], kind=ChangeKind.WRITING), 30.1)
    assert [] == gathering.pass_reading(answer(A), 30.2)
    assert not gathering.has_read_early


def test_a_rescan_that_can_not_read_is_tried_again() -> None:
    """As a reading whose files could not be read."""
    gathering = gathered()
    gathering.elapse(30.0)
    failed = RevisionFailed(target="web", reason="gone", final=False)
    assert ["files unreadable"] == [o.story.event for o in gathering.fail_reading(failed, 30.1)]  # type: ignore[union-attr]
    assert not gathering.is_quiet
    assert [ComputeRevision(target="web", full=True)] == gathering.elapse(31.1)


LOOK = ComputeRevision(target="web", full=True, final=False)


def polled(gathering: Gathering, now: float) -> None:
    fact = FileChanged(target="web", path=A[0], kind=ChangeKind.SETTLED, is_polled=True)
    gathering.change(fact, now)
    gathering.hear_git(GitHeld(target="web", held=False), now)


def test_polled_files_are_done_when_two_readings_are_equal() -> None:
    """A look falls into the middle of a copy; its events are silent until the next look."""
    gathering = gathered()
    polled(gathering, 10.0)
    assert [] == gathering.elapse(10.1)
    assert [LOOK] == gathering.elapse(10.2)
    assert [] == gathering.elapse(10.5), "not before it is answered"
    gathering.pass_reading(answer(A), 10.5)
    assert [LOOK] == gathering.elapse(10.7)
    gathering.pass_reading(answer((*A, "/app/b.py")), 10.7)
    assert [LOOK] == gathering.elapse(10.9)
    gathering.pass_reading(answer((*A, "/app/b.py")), 10.9)
    assert [AskGit(target="web")] == gathering.elapse(10.9)
    assert 1 == len(gathering.hear_git(GitHeld(target="web", held=False), 10.9))
    assert gathering.burst is None


def test_what_git_wrote_since_the_look_is_looked_at() -> None:
    """Its lock is held through a checkout of which polling saw the half."""
    gathering = gathered()
    polled(gathering, 10.0)
    for now in (10.2, 10.4):
        assert [LOOK] == gathering.elapse(now)
        gathering.pass_reading(answer(A), now)
    assert [AskGit(target="web")] == gathering.elapse(10.4)
    gathering.hear_git(GitHeld(target="web", held=True), 10.4)
    assert [AskGit(target="web")] == gathering.elapse(10.5)
    assert [] == gathering.hear_git(GitHeld(target="web", held=False), 10.5)
    assert [LOOK] == gathering.elapse(10.7)
    gathering.pass_reading(answer((*A, "/app/b.py")), 10.7)
    assert [LOOK] == gathering.elapse(10.9)


def test_polled_files_that_never_rest_are_read_at_last() -> None:
    """max_wait."""
    gathering = gathered()
    polled(gathering, 10.0)
    assert [LOOK] == gathering.elapse(10.2)
    forced = gathering.elapse(12.0)
    assert ComputeRevision(target="web", hints=A) == forced[-1]


def test_silence_begins_when_git_has_ended() -> None:
    """Hooks, a build, the next step of a pull: what comes right behind it is the same change."""
    gathering = gathered()
    held, free = GitHeld(target="web", held=True), GitHeld(target="web", held=False)
    gathering.change(FileChanged(target="web", path=A[0], kind=ChangeKind.SETTLED), 10.0)
    gathering.hear_git(held, 10.0)
    assert [AskGit(target="web")] == gathering.elapse(10.1)
    assert ["waiting for git"] == [o.story.event for o in gathering.hear_git(held, 10.1)]  # type: ignore[union-attr]
    gathering.elapse(13.0)
    assert [] == gathering.hear_git(free, 13.0)
    gathering.change(FileChanged(target="web", path="/app/b.py", kind=ChangeKind.WRITING), 13.02)
    assert [] == gathering.elapse(13.5), "it is open for writing"
    gathering.change(FileChanged(target="web", path="/app/b.py", kind=ChangeKind.SETTLED), 13.6)
    assert [AskGit(target="web")] == gathering.elapse(13.8)
    assert [ComputeRevision(target="web", hints=("/app/a.py", "/app/b.py"))] == gathering.hear_git(free, 13.8)


def test_git_that_comes_and_goes_has_a_limit() -> None:
    """git_wait, from the first event on."""
    gathering = gathered(0.0)
    gathering.change(FileChanged(target="web", path=A[0], kind=ChangeKind.SETTLED), 10.0)
    orders: list[object] = []
    for step in range(200):
        now = 10.0 + step * 0.3
        for held in (True, False):
            gathering.hear_git(GitHeld(target="web", held=held), now)
            orders += [o for o in gathering.elapse(now + 0.1) if isinstance(o, ComputeRevision)]
        if orders or gathering.burst is None:
            break
    assert gathering.burst is None
    assert now < 10.0 + 31


def test_a_look_that_fails_is_taken_again() -> None:
    """A polled root is exchanged in the middle of a look: nothing "keeps coming"."""
    gathering = gathered()
    polled(gathering, 10.0)
    assert [LOOK] == gathering.elapse(10.2)
    gathering.fail_reading(RevisionFailed(target="web", reason="gone", final=False), 10.3)
    assert LOOK in gathering.elapse(10.6)


def test_files_that_can_not_be_read_are_tried_less_and_less() -> None:
    """A full look at all other trees each second would be a load for nothing."""
    gathering = gathered(0.0)
    pauses = []
    now = 10.0
    for _ in range(7):
        gathering.fail_reading(RevisionFailed(target="web", reason="gone"), now)
        assert gathering.read_at is not None
        pauses.append(gathering.read_at - now)
    assert [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0] == pauses


def test_an_early_answer_is_not_a_rescan() -> None:
    """Each answer is taken for what was asked."""
    gathering = gathered()
    gathering.elapse(30.0)
    early = RevisionComputed(target="web", revision=R1, changed=A, final=False)
    assert [] == gathering.pass_reading(early, 30.1)
    assert 2 == len(gathering.pass_reading(answer(A), 30.2))


def test_what_nobody_waits_for_is_forgotten() -> None:
    """An answer that went elsewhere must not be waited for."""
    gathering = gathered()
    gathering.elapse(30.0)
    gathering.forget(30.1)
    assert [ComputeRevision(target="web", full=True)] == gathering.elapse(30.1)
    gathering.end_reading()
    assert [RESCAN] == gathering.elapse(60.1)


def test_a_lost_event_costs_one_interval() -> None:
    """The whole engine: a save that nobody told is rolled out, once."""
    world = settled(World(watching()))
    world.lose_file_events = True
    world.save("r1")
    world.advance(31)
    assert 1 == world.events().count("change found by rescan")
    assert 1 == world.events().count("rollout complete")
    world.advance(100)
    assert 1 == world.events().count("rollout complete")
