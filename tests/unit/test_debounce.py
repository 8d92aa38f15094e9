"""One burst is one change set: when it ends, and what it hints at."""

from __future__ import annotations

import pytest

from supervisor_reload.core.debounce import GIT_INTERVAL, MANY, Burst
from supervisor_reload.core.facts import ChangeKind, FileChanged
from supervisor_reload.core.intake import Intake
from supervisor_reload.core.model import WatchSettings
from supervisor_reload.core.orders import AskGit, ComputeRevision, Tell
from tests.fakes.world import web

WATCH = WatchSettings(paths=("/app",), quiet_period=0.05, max_wait=2.0, git_wait=30.0)
NOW = 100.0


def event(path: str = "/app/a", kind: ChangeKind = ChangeKind.SETTLED) -> FileChanged:
    return FileChanged(target="web", path=path, kind=kind)


def burst(*kinds: ChangeKind, **state: object) -> Burst:
    """A burst with one event a second of each kind, all about one file."""
    begun = Burst(began=NOW, last=NOW)
    for number, kind in enumerate(kinds):
        begun.add(event(kind=kind), NOW + number, set())
    for name, value in state.items():
        setattr(begun, name, value)
    return begun


W, D, R = ChangeKind.WRITING, ChangeKind.SETTLED, ChangeKind.RESCAN


@pytest.mark.parametrize(
    ("tested", "ends_at"),
    [
        (burst(D), NOW + 0.05),
        (burst(D, D), NOW + 1.25),
        (burst(D, last=NOW + 0.1), NOW + 0.15),
        (burst(D, last=NOW + 0.4), NOW + 0.5),
        (burst(D, is_looking=True), NOW + 2.0),
        (burst(D, D, D), NOW + 2.0),
        (burst(R), NOW + 0.05),
        (burst(W), NOW + 2.0),
        (burst(W, D), NOW + 1.25),
        (burst(D, W), NOW + 2.0),
        (burst(D, git_held=True, git_answered_at=NOW + 0.5), NOW + 0.5 + GIT_INTERVAL),
        (burst(D, git_held=True, git_answered_at=NOW + 40), NOW + 30),
        (burst(W, git_held=True, git_answered_at=NOW + 5), NOW + 5 + GIT_INTERVAL),
        (burst(D, is_closing=True, asking_git=True), NOW + 2.0),
        (burst(D, is_closing=True, asking_git=True, git_held=True), NOW + 30),
    ],
)
def test_when_it_ends(tested: Burst, ends_at: float) -> None:
    """After silence; not while a file is half-written or git works; after max_wait or git_wait anyway."""
    assert ends_at == pytest.approx(tested.ends_at(WATCH))


def test_a_new_event_opens_a_closing_burst_again() -> None:
    """git's answer was about the moment before."""
    closing = burst(D, is_closing=True, asking_git=True)
    closing.add(event(), NOW + 1, set())
    assert not closing.is_closing
    assert NOW + 1.25 == pytest.approx(closing.ends_at(WATCH))


def test_files_that_never_close_hold_nothing_open() -> None:
    """A log that was written to through a whole burst is known from then on."""
    tested = Burst(began=NOW, last=NOW)
    tested.add(event("/app/log", W), NOW, {"/app/log"})
    assert not tested.writing
    tested.add(event("/app/new", W), NOW, {"/app/log"})
    assert {"/app/new"} == tested.writing


@pytest.mark.parametrize(
    ("tested", "may"),
    [
        (burst(D, git_held=False), True),
        (burst(D), False),
        (burst(D, git_held=True), False),
        (burst(W, git_held=False), False),
        (burst(D, git_held=False, was_read_early=True), False),
    ],
)
def test_when_a_spare_slot_may_boot_already(tested: Burst, may: bool) -> None:
    """Once, when the first files are whole and git says that it does not work."""
    assert may is tested.may_read_early


@pytest.mark.fault(13)
def test_too_many_hints_are_one_full_reading() -> None:
    """60,000 names are no help: everything is read, and memory stays small."""
    intake = Intake.of(web(1, max_surge=0))
    for number in range(MANY + 10):
        intake.take(event(f"/app/{number}"), NOW)
    assert intake.gathering.burst is not None
    assert MANY == len(intake.gathering.burst.hints)
    reading = ComputeRevision(target="web", full=True)
    assert reading in intake.elapse(NOW + 2.1)


def test_a_burst_that_went_quiet_asks_git_and_waits_for_its_answer() -> None:
    """For max_wait at the latest: then it ends without."""
    intake = Intake.of(web(1, max_surge=0))
    intake.gathering.read_at = None
    intake.take(event(), NOW)
    assert [AskGit(target="web")] == intake.elapse(NOW + 0.06)
    assert [] == intake.elapse(NOW + 1)
    told, read = intake.elapse(NOW + 2.0)
    assert isinstance(told, Tell)
    assert "could not be seen in time" in str(told.story.values["reason"])
    assert ComputeRevision(target="web", hints=("/app/a",)) == read
    assert intake.gathering.was_forced
