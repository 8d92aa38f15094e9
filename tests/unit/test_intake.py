"""From file events to the goal: readings and checks that cross one another, fail, or come to nothing."""

from __future__ import annotations

import pytest

from supervisor_reload.core.facts import (
    ChangeKind,
    CheckFailed,
    CheckPassed,
    FileChanged,
    GitHeld,
    RevisionComputed,
    RevisionFailed,
    Ticked,
)
from supervisor_reload.core.gathering import READ_AGAIN
from supervisor_reload.core.intake import Goal, Intake
from supervisor_reload.core.model import Revision, TargetSettings
from supervisor_reload.core.orders import AskGit, CancelCheck, ComputeRevision, Order, RunCheck, Tell
from tests.fakes.world import web

R0, R1, R2 = Revision("r0"), Revision("r1"), Revision("r2")
A = ("/app/a.py",)
PLAIN = web(1, max_surge=0)
CHECKED = web(1, max_surge=0, check=True)
SPARE = web(2, check=True)


def settled(settings: TargetSettings) -> Intake:
    """An intake that has read r0."""
    intake = Intake.of(settings)
    assert [ComputeRevision(target="web", full=True)] == intake.elapse(0.0)
    assert [] == intake.take(RevisionComputed(target="web", revision=R0), -10.0)
    assert not intake.is_settled, "the event of a save just before may still come"
    assert [] == intake.elapse(0.5)
    assert intake.is_settled
    return intake


def read(
    intake: Intake, revision: Revision, changed: tuple[str, ...] = A, *, final: bool = True
) -> list[Order]:
    fact = RevisionComputed(target="web", revision=revision, changed=changed, final=final)
    return intake.take(fact, 1.0)


def saved(intake: Intake, now: float = 1.0) -> list[Order]:
    """A save, and git's answer that it holds nothing."""
    orders = intake.take(FileChanged(target="web", path=A[0], kind=ChangeKind.SETTLED), now)
    return orders + intake.take(GitHeld(target="web", held=False), now)


def ended(intake: Intake, now: float = 2.0) -> list[Order]:
    """The burst goes quiet."""
    assert [AskGit(target="web")] == intake.elapse(now)
    return intake.take(GitHeld(target="web", held=False), now)


def refused(revision: Revision) -> CheckFailed:
    return CheckFailed(target="web", revision=revision, reason="exit status 1")


def test_the_first_reading_is_what_runs() -> None:
    """Whatever is on disk when we come is accepted without a check."""
    intake = settled(CHECKED)
    assert Goal(revision=R0) == intake.goal
    assert intake.on_disk == R0


def test_nothing_is_settled_while_files_change() -> None:
    """From the first event to the end of the check nobody can say what a new process would run."""
    intake = settled(CHECKED)
    assert [AskGit(target="web")] == saved(intake)
    assert not intake.is_settled
    assert intake.on_disk is None
    assert [ComputeRevision(target="web", hints=A)] == ended(intake)
    assert intake.on_disk is None
    assert [RunCheck(target="web", revision=R1, changed=A)] == read(intake, R1)
    assert (R1, False) == (intake.on_disk, intake.is_settled)
    assert [] == intake.take(CheckPassed(target="web", revision=R1), 3.0)
    assert Goal(revision=R1, changed=A) == intake.goal
    assert intake.is_settled


def test_a_check_that_runs_already_is_not_run_again() -> None:
    """The early reading of a burst had it right: its check goes on and counts for the final reading."""
    intake = settled(SPARE)
    assert ComputeRevision(target="web", hints=A, final=False) in saved(intake)
    assert [RunCheck(target="web", revision=R1, changed=A)] == read(intake, R1, final=False)
    ended(intake)
    assert [] == read(intake, R1)
    intake.take(CheckPassed(target="web", revision=R1), 3.0)
    assert Goal(revision=R1, changed=A) == intake.goal


@pytest.mark.fault(39)
def test_a_newer_revision_ends_the_check_of_the_older() -> None:
    """Its code is no longer on disk; an answer that was on its way is ignored."""
    intake = settled(CHECKED)
    read(intake, R1)
    orders = [CancelCheck(target="web"), RunCheck(target="web", revision=R2, changed=A)]
    assert orders == read(intake, R2)
    assert [] == intake.take(CheckPassed(target="web", revision=R1), 3.0)
    assert [] == intake.take(refused(R1), 3.0)
    assert (R0, None) == (intake.goal and intake.goal.revision, intake.rejected)
    assert not intake.is_settled


def test_a_revert_ends_the_check() -> None:
    """The files are back to what was accepted."""
    intake = settled(CHECKED)
    read(intake, R1)
    assert [CancelCheck(target="web")] == read(intake, R0)
    assert intake.is_settled


def test_a_refusal_in_the_middle_of_a_burst_is_not_told() -> None:
    """Half of a checkout may well be wrong: the end of the burst brings a check of its own."""
    intake = settled(SPARE)
    saved(intake)
    read(intake, R1, final=False)
    assert [] == intake.take(refused(R1), 1.5)
    assert intake.rejected is None
    ended(intake)
    assert [RunCheck(target="web", revision=R1, changed=A)] == read(intake, R1)
    (told,) = intake.take(refused(R1), 3.0)
    assert isinstance(told, Tell)
    assert ("check failed", A) == (told.story.event, told.story.values["changed"])


def test_a_touch_of_refused_code_is_not_checked_again() -> None:
    """It was said already; a change of content is checked, also back to the refused one."""
    intake = settled(CHECKED)
    read(intake, R1)
    intake.take(refused(R1), 3.0)
    assert not intake.is_settled
    assert [] == read(intake, R1, changed=())
    assert [RunCheck(target="web", revision=R2, changed=A)] == read(intake, R2)
    assert [CancelCheck(target="web"), RunCheck(target="web", revision=R1, changed=A)] == read(intake, R1)


def test_an_early_reading_that_comes_late_is_ignored() -> None:
    """The burst is over, and the final reading of the same files on its way."""
    intake = settled(SPARE)
    saved(intake)
    ended(intake)
    assert [] == read(intake, R1, final=False)
    assert Goal(revision=R0) == intake.goal


def test_an_early_goal_is_confirmed_without_a_check() -> None:
    """It passed when it was read first."""
    intake = settled(SPARE)
    saved(intake)
    read(intake, R1, final=False)
    intake.take(CheckPassed(target="web", revision=R1), 1.5)
    assert Goal(revision=R1, changed=A, is_final=False) == intake.goal
    assert not intake.is_settled
    ended(intake)
    assert [] == read(intake, R1)
    assert Goal(revision=R1, changed=A) == intake.goal


def test_unreadable_files_are_told_once_and_read_again() -> None:
    """Once for each reason; after a good reading the same reason is news again."""
    intake = settled(PLAIN)
    failed = RevisionFailed(target="web", reason="Permission denied: /app/a.py")
    (told,) = intake.take(failed, 5.0)
    assert isinstance(told, Tell)
    assert "files unreadable" == told.story.event
    assert 5.0 + READ_AGAIN == intake.wakes_at
    assert [] == intake.elapse(5.5)
    assert [ComputeRevision(target="web", full=True)] == intake.elapse(6.0)
    assert [] == intake.take(failed, 6.1)
    read(intake, R0, changed=())
    assert 1 == len(intake.take(failed, 8.0))


def test_what_is_not_about_files_is_nothing() -> None:
    """Nor is git's answer when nobody waits for it."""
    intake = settled(PLAIN)
    assert [] == intake.take(Ticked(), 1.0)
    assert [] == intake.take(GitHeld(target="web", held=True), 1.0)
    assert intake.is_settled
