"""The port ``Supervisor``: one set of tests, for the fake and a real one, so that the fake cannot lie."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from supervisor_reload.core.errors import SupervisorFault
from supervisor_reload.core.model import ProcessState as S
from supervisor_reload.core.model import SlotName

from .sides import PROGRAMS, FakeSide, RealSide, Side, real_side

NOBODY = SlotName("nobody:nobody")


def named(program: str) -> SlotName:
    return SlotName(f"{program}:{program}")


@pytest.fixture(scope="module")
def real() -> Iterator[RealSide]:
    """One supervisord for the module: every test has programs of its own, or leaves them as they were."""
    with real_side() as side:
        yield side


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.integration)])
def side(request: pytest.FixtureRequest) -> Iterator[Side]:
    """Each test twice; what it started is stopped."""
    tested: Side = FakeSide() if request.param == "fake" else request.getfixturevalue("real")
    yield tested
    for process in tested.supervisor.processes():
        if process.state.is_up or process.state is S.BACKOFF:
            tested.supervisor.stop(process.name)
    for name in PROGRAMS:
        tested.see(named(name), S.STOPPED, S.EXITED, S.FATAL)


def refused(call: object, *arguments: object) -> str:
    with pytest.raises(SupervisorFault) as caught:
        call(*arguments)  # type: ignore[operator]
    return caught.value.code


def test_lists_every_process_by_its_full_name(side: Side) -> None:
    """A process is always ``group:process``, also where both are the same word."""
    assert {named(program) for program in PROGRAMS} == {p.name for p in side.supervisor.processes()}


def test_start_and_stop(side: Side) -> None:
    """A process has a pid while it runs, and none afterwards."""
    name = named("idle")
    side.supervisor.start(name)
    assert side.see(name, S.RUNNING).pid > 0
    side.supervisor.stop(name)
    assert 0 == side.see(name, S.STOPPED).pid


def test_stop_is_stopping_until_the_process_ends(side: Side) -> None:
    """STOPPING has a pid; at stopwaitsecs supervisord kills."""
    name = named("stubborn")
    pid = side.boot(name).pid
    side.supervisor.stop(name)
    process = side.supervisor.process(name)
    assert (S.STOPPING, pid) == (process.state, process.pid)
    assert "NOT_RUNNING" == refused(side.supervisor.stop, name)
    assert 0 == side.see(name, S.STOPPED).pid


@pytest.mark.fault(10)
def test_a_start_of_what_runs_is_refused(side: Side) -> None:
    """ALREADY_STARTED, and the process stays the same."""
    name = named("idle")
    pid = side.boot(name).pid
    assert "ALREADY_STARTED" == refused(side.supervisor.start, name)
    assert pid == side.supervisor.process(name).pid


@pytest.mark.fault(10)
def test_what_does_not_run_is_neither_stopped_nor_signalled(side: Side) -> None:
    """NOT_RUNNING for both."""
    assert "NOT_RUNNING" == refused(side.supervisor.stop, named("idle"))
    assert "NOT_RUNNING" == refused(side.supervisor.signal, named("idle"), "TERM")


def test_a_name_that_does_not_exist(side: Side) -> None:
    """BAD_NAME, whatever is asked."""
    supervisor = side.supervisor
    answers = [refused(ask, NOBODY) for ask in (supervisor.process, supervisor.start, supervisor.stop)]
    assert ["BAD_NAME"] * 3 == answers
    assert "BAD_NAME" == refused(supervisor.signal, NOBODY, "HUP")


def test_start_while_stopping_says_yes_and_does_nothing(side: Side) -> None:
    """Who starts too early must look again: the process ends STOPPED, not started."""
    name = named("stubborn")
    side.boot(name)
    side.supervisor.stop(name)
    side.supervisor.start(name)
    side.see(name, S.STOPPED)
    side.pass_time()
    assert S.STOPPED is side.supervisor.process(name).state


def test_an_exit_before_startsecs_is_backoff_and_then_fatal(side: Side) -> None:
    """It is tried again startretries times; the reason says why."""
    name = named("crashing")
    side.supervisor.start(name)
    process = side.see(name, S.BACKOFF)
    assert (0, "Exited too quickly (process log may have details)") == (process.pid, process.detail)
    first = side.see(name, S.STARTING).pid
    assert first > 0
    assert "Exited too quickly" in side.see(name, S.FATAL).detail


def test_start_from_fatal(side: Side) -> None:
    """FATAL is left by a start, with all its retries."""
    name = named("crashing")
    side.supervisor.start(name)
    side.see(name, S.FATAL)
    side.supervisor.start(name)
    assert side.supervisor.process(name).pid > 0
    side.see(name, S.BACKOFF)
    side.see(name, S.STARTING)


def test_backoff_can_be_stopped_and_neither_started_nor_signalled(side: Side) -> None:
    """A start faults ALREADY_STARTED, a signal NOT_RUNNING; a stop ends the retries at once."""
    name = named("crashing_often")
    side.supervisor.start(name)
    side.see(name, S.BACKOFF)
    assert "ALREADY_STARTED" == refused(side.supervisor.start, name)
    assert "NOT_RUNNING" == refused(side.supervisor.signal, name, "TERM")
    side.supervisor.stop(name)
    assert S.STOPPED is side.supervisor.process(name).state
    side.pass_time()
    assert S.STOPPED is side.supervisor.process(name).state


def test_a_stop_in_backoff_does_not_forget_the_retries(side: Side) -> None:
    """supervisord counts on: after stop and start the retries that were left are left."""
    name = named("crashing_again")
    side.supervisor.start(name)
    side.see(name, S.BACKOFF)
    side.supervisor.stop(name)
    side.supervisor.start(name)
    assert S.STARTING is side.supervisor.process(name).state
    side.see(name, S.FATAL)
    assert 2 == side.count_boots(name)


def test_a_term_before_startsecs_is_backoff_without_autorestart_too(side: Side) -> None:
    """A process that is signalled too young is started again."""
    name = named("young")
    side.supervisor.start(name)
    assert S.STARTING is side.supervisor.process(name).state
    side.kill(name)
    side.see(name, S.BACKOFF)


def test_a_signal_leaves_it_running_until_it_exits(side: Side) -> None:
    """The state says nothing of the signal; the exit is EXITED, with its status."""
    name = named("lingering")
    pid = side.boot(name).pid
    side.supervisor.signal(name, "TERM")
    process = side.supervisor.process(name)
    assert (S.RUNNING, pid) == (process.state, process.pid)
    process = side.see(name, S.EXITED)
    assert (0, "exited with status 0") == (process.pid, process.detail)


def test_a_stop_after_a_signal_is_still_a_stop(side: Side) -> None:
    """An operator's stop of a process that we signalled ends STOPPED, not EXITED."""
    name = named("lingering")
    side.boot(name)
    side.supervisor.signal(name, "TERM")
    side.supervisor.stop(name)
    assert S.STOPPED is side.see(name, S.STOPPED, S.EXITED).state


def test_the_exit_status_is_told(side: Side) -> None:
    """One reason for an exit of its own, another for a signal."""
    side.supervisor.start(named("crashing_later"))
    assert "exited with status 3" == side.see(named("crashing_later"), S.EXITED).detail
    side.boot(named("idle"))
    side.kill(named("idle"))
    assert "ended by a signal" == side.see(named("idle"), S.EXITED).detail


def test_autorestart_true_starts_it_again(side: Side) -> None:
    """Whatever the exit status: soon there is another pid."""
    name = named("reborn")
    pid = side.boot(name).pid
    side.supervisor.signal(name, "TERM")
    assert side.see(name, S.RUNNING, but=pid).pid > 0


def test_autorestart_unexpected_asks_for_the_exit_status(side: Side) -> None:
    """Status 1 is started again, status 0 is not."""
    pid = side.boot(named("reborn_after_1")).pid
    side.supervisor.signal(named("reborn_after_1"), "TERM")
    assert side.see(named("reborn_after_1"), S.RUNNING, but=pid).pid > 0
    side.boot(named("gone_after_0"))
    side.supervisor.signal(named("gone_after_0"), "TERM")
    side.see(named("gone_after_0"), S.EXITED)
    side.pass_time()
    assert S.EXITED is side.supervisor.process(named("gone_after_0")).state


def test_start_from_exited(side: Side) -> None:
    """After our signal and its exit a start brings a new process."""
    name = named("lingering")
    pid = side.boot(name).pid
    side.supervisor.signal(name, "TERM")
    side.see(name, S.EXITED)
    side.supervisor.start(name)
    assert side.see(name, S.RUNNING, but=pid).pid > 0


def test_last_words_are_the_end_of_what_it_wrote(side: Side) -> None:
    """No more than was asked for, and the last of it."""
    name = named("crashing_later")
    side.supervisor.start(name)
    side.see(name, S.EXITED)
    words = side.supervisor.last_words(name, 1000)
    assert words
    assert words[-3:] == side.supervisor.last_words(name, 3)
    assert "" == side.supervisor.last_words(NOBODY, 1000)
