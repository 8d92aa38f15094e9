"""Queue workers under reload: every job is done once, every worker is asked once, nobody waits for ever."""

from __future__ import annotations

import importlib.util
import os
import re
import signal

import pytest

from benchmarks.long_work import KINDS, Workers, find_redis, run

pytestmark = pytest.mark.integration

LIMIT = 30.0
PLAIN = KINDS["plain"]


def job_in_hand(workers: Workers, seconds: float) -> int:
    """Put one job and wait until the only worker has it; the worker's pid."""
    workers.put(1, seconds, seconds)
    (pid,) = workers.pids()
    workers.wait(lambda: workers.log().in_hand(pid), "a job in hand", LIMIT)
    return pid


def save_and_drain(workers: Workers, pid: int) -> None:
    """Save, and wait until the worker was asked to leave."""
    workers.save()
    workers.wait(lambda: workers.log().terms[pid] == 1, "TERM", LIMIT)


def run_empty(workers: Workers) -> None:
    workers.wait(lambda: not workers.log().open, "an empty queue", LIMIT)


def told(workers: Workers, pattern: str) -> bool:
    """Whether the listener has told it."""
    return re.search(pattern, workers.listener_log()) is not None


def saves_in_a_drain(workers: Workers) -> int:
    """Touch and save while a job ends, and wait for the newest code; the pid that had the job."""
    pid = job_in_hand(workers, 1.5)
    save_and_drain(workers, pid)
    workers.touch()
    workers.save()
    workers.wait(lambda: told(workers, "superseded"), "the second rollout", LIMIT)
    workers.save()
    workers.wait(workers.are_current, "the newest code", LIMIT)
    assert workers.log().in_hand(pid) is None
    assert workers.log().failures == []
    assert workers.log().terms == {pid: 1}
    return pid


def test_two_slots_do_every_job_once(capsys: pytest.CaptureFixture[str]) -> None:
    """One after the other is replaced, under work all the time: the benchmark, made short."""
    with Workers(PLAIN, changes={"min_ready": "0"}) as workers:
        assert run(workers, reloads=1, longest=0.8, seed=1, name="plain") == 0
        assert re.search(r"  lost +0\n", capsys.readouterr().out)
        log = workers.log()
        assert log.failures == []
        assert sorted(log.terms.values()) == [1, 1]
        assert log.asked_in_work > 0
        assert sorted(log.versions) == ["1", "2"]


@pytest.mark.fault(39)
def test_saves_in_a_drain() -> None:
    """Touches and saves while a job ends ask nobody twice; what starts then is the newest code, at once."""
    with Workers(PLAIN, slots=1, changes={"autorestart": "false", "min_ready": "0"}) as workers:
        saves_in_a_drain(workers)
        assert [line.version for line in workers.log().lines if line.what == "up"] == ["1", "4"]


def test_operators_stop_in_a_drain_is_obeyed() -> None:
    """Who stops a worker that finishes its job finds it stopped afterwards, whatever is saved."""
    with Workers(PLAIN, slots=1) as workers:
        pid = job_in_hand(workers, 1.0)
        save_and_drain(workers, pid)
        workers.supervisord.rpc.supervisor.stopProcess("worker:worker_00", False)
        workers.wait(lambda: workers.supervisord.state("worker:worker_00") == "STOPPED", "its end", LIMIT)
        workers.wait(lambda: told(workers, "aborted"), "the rollout's end", LIMIT)
        workers.save()
        workers.wait(lambda: told(workers, "every process that runs it was stopped by hand"), "a word", LIMIT)
        assert workers.pids() == []
        log = workers.log()
        assert log.terms == {pid: 2}  # the second is the operator's
        assert (log.done_once, log.open, log.begun_again) == (1, [], [])


def test_worker_killed_in_a_drain_has_a_successor() -> None:
    """The next worker runs the new code and finds the job that was in hand."""
    with Workers(PLAIN, slots=1, changes={"autorestart": "unexpected"}) as workers:
        pid = job_in_hand(workers, 1.0)
        save_and_drain(workers, pid)
        os.kill(pid, signal.SIGKILL)
        workers.wait(workers.are_current, "the newest code", LIMIT)
        run_empty(workers)
        log = workers.log()
        assert log.terms == {pid: 1}
        assert (log.done_once, len(log.begun_again)) == (1, 1)
        assert log.versions == ["2"]


@pytest.mark.fault(31)
def test_job_longer_than_the_limit_is_cut() -> None:
    """At drain_timeout supervisord stops it, at stopwaitsecs it kills it; then the new code has the job."""
    with Workers(PLAIN, slots=1, changes={"drain_timeout": "0.5", "stopwaitsecs": "1"}) as workers:
        pid = job_in_hand(workers, 30.0)
        save_and_drain(workers, pid)
        workers.wait(workers.are_current, "the newest code", LIMIT)
        assert workers.log().terms == {pid: 2}  # ours, and supervisord's when the limit was over
        assert told(workers, rf"worker_00 did not drain within .* stopping it \(pid {pid}\)")
        workers.wait(lambda: workers.log().begun_again, "the job begun anew", LIMIT)


@pytest.mark.skipif(importlib.util.find_spec("celery") is None, reason="celery is not installed")
def test_celery_finishes_its_jobs_or_gives_them_back() -> None:
    """A real worker with a pool: within the limit its job is done, after it the job goes back."""
    changes = {"drain_timeout": "3", "autorestart": "true\nstopsignal=QUIT"}
    with Workers(KINDS["celery"], slots=1, changes=changes, more="stop_signal=TERM\n") as workers:
        saves_in_a_drain(workers)
        pid = job_in_hand(workers, 60.0)
        save_and_drain(workers, pid)
        workers.wait(lambda: len(workers.log().begun_again) == 1, "the job begun anew", LIMIT)
        workers.wait(workers.are_current, "the newest code", LIMIT)
        assert workers.log().terms[pid] == 1
        assert told(workers, rf"worker_00 did not drain within .* stopping it \(pid {pid}\)")


@pytest.mark.skipif(
    importlib.util.find_spec("rq") is None or not find_redis(), reason="needs rq and a redis-server"
)
def test_rq_finishes_its_jobs() -> None:
    """A real RQ worker and a real Redis."""
    with Workers(KINDS["rq"], slots=1) as workers:
        saves_in_a_drain(workers)
        run_empty(workers)
