"""What ``benchmarks.lossless`` says is what happened: a short real run, and sums that leave nothing out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks import lossless, summary
from benchmarks.configurations import EXEC, GUNICORN, with_command
from benchmarks.experiment import Outcome
from benchmarks.load import Request
from benchmarks.loading import ROOT, LoadProcess, Plan
from benchmarks.lossless_table import render, sentence
from benchmarks.record import Requests, Windows, since_last
from tests.integration.supervisord import free_port, wait_for

pytestmark = pytest.mark.integration


def run(**changes: Any) -> dict[str, Any]:
    """A run in which nothing was lost, with changes."""
    outcome = Outcome("", saves=2, restarts=2, seconds=1.0, busy=0.1, delays=[0.2, 0.3])
    outcome.requests = [Request(1.0, 0.01, ""), Request(2.0, 0.02, "")]
    outcome.windows = [(1.5, 2.5)]
    told = {
        "strategy": "swap",
        "server": "uvicorn",
        "load": "fresh",
        "rollouts": 2,
        "bare_boot": {"median": 0.1},
    }
    return summary.summary(outcome) | told | changes


def lossless_command(*argv: str) -> tuple[int, str]:
    """The exit code and the output of the command."""
    command = [sys.executable, "-m", "benchmarks.lossless", *argv]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_real_run_is_lossless_and_written_down(tmp_path: Path) -> None:
    """Two reloads of etc/swap.conf at full load: every save is one rollout, and no request is lost."""
    out = tmp_path / "runs.json"
    code, told = lossless_command("--load", "saturated", "--reloads", "2", "--out", str(out))
    assert code == 0, told
    (result,) = [json.loads(line) for line in out.read_text().splitlines()]
    assert (result["rollouts"], result["never_served"], result["failures"]) == (2, 0, {})
    assert result["requests"] > 200
    assert result["steady"]["n"] + result["reloading"]["n"] == result["requests"]
    code, told = lossless_command("--report", str(out))
    assert code == 0, told
    assert f"2 reloads, {result['requests']:,} requests: 0 lost" in told


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"failures": {"reset": 2, "cut": 1}}, "3 (2 reset, 1 cut) lost"),
        ({"slow": {"requests": 5, "failures": {"cut": 1}}}, "1 (1 cut) lost"),
        ({"never_served": 1}, "1 versions never served"),
        ({"unsettled": 1}, "1 odd ones"),
        ({"rollouts": 1}, "1 odd ones"),
    ],
)
def test_whatever_goes_wrong_spoils_the_sum(changes: dict[str, Any], words: str) -> None:
    """One thing in one of two runs is enough; and the other run does not hide it."""
    text, is_lossless = sentence([run(), run(**changes)])
    assert words in text
    assert not is_lossless
    assert sentence([run(), run()]) == (
        "4 reloads, 4 requests: 0 lost, 0 versions never served.",
        True,
    )


def test_the_table_has_a_row_for_each_run() -> None:
    """Kinds of failures are in it."""
    lines = render([run(), run(failures={"status 503": 7})]).splitlines()
    assert len(lines) == 4
    assert "7 (7 status 503)" in lines[3]


def test_failures_are_told_with_their_distance_from_the_save() -> None:
    """So that somebody can find out which step of a rollout loses requests."""
    outcome = Outcome("", saves=1, windows=[(10.0, 12.0)])
    outcome.requests = [Request(9.0, 0.1, "reset"), Request(11.5, 0.25, "cut")]
    told = summary.examples(outcome)
    assert told[0] == {"kind": "reset", "after_save": None, "seconds": 0.1}
    assert told[1] == {"kind": "cut", "after_save": 1.5, "seconds": 0.25}


def test_slow_requests_count_as_in_flight_only_at_a_save() -> None:
    """One that met no save is none; one that met two is one."""
    outcome = Outcome("", saves=2, windows=[(10.0, 11.0), (12.0, 13.0)])
    requests = [
        Request(9.0, 0.5, "refused"),
        Request(9.0, 5.0, "cut"),
        Request(11.5, 5.0, ""),
        Request(11.9, 5.0, ""),
    ]
    told = summary.slow_summary(outcome, requests)
    assert (told["in_flight_at_saves"], told["in_flight_at_saves_least"]) == (3, 1)
    assert told["cut"] == {"cut": 1}
    assert told["failures"] == {"refused": 1, "cut": 1}


def test_windows_meet_what_was_under_way_within_them() -> None:
    """Overlapping ones too, and touching is meeting."""
    windows = Windows([(10.0, 20.0), (12.0, 13.0), (30.0, 31.0)])
    for began, seconds, meets in [
        (9.0, 0.9, False),
        (9.0, 1.0, True),
        (9.0, 50.0, True),
        (15.0, 0.1, True),
        (20.0, 1.0, True),
        (20.1, 1.0, False),
        (29.0, 1.5, True),
        (31.5, 1.0, False),
    ]:
        assert windows.meets(Request(began, seconds, "")) is meets, (began, seconds)
    assert not Windows([]).meets(Request(0.0, 1.0, ""))


def test_a_record_gives_back_what_it_got(tmp_path: Path) -> None:
    """Errors stay with their requests, also through the file."""
    requests = [Request(1.0, 0.5, ""), Request(2.0, 0.25, "cut"), Request(3.0, 0.125, "")]
    file = tmp_path / "requests"
    file.write_text("".join(json.dumps([r.began, r.seconds, r.error]) + "\n" for r in requests))
    record = Requests.read(file)
    assert list(record) == requests
    assert len(record) == 3
    assert requests[1] in record
    assert since_last([1.0, 5.0], 6.5) == 1.5


def test_a_load_that_was_killed_says_nothing(tmp_path: Path) -> None:
    """Its requests are not counted as if they had been all."""
    with LoadProcess(free_port(), tmp_path / "requests", Plan(clients=1)) as load:
        wait_for(lambda: load.total > 0, 20, "requests")
        os.kill(load.pid, signal.SIGKILL)
        with pytest.raises(RuntimeError, match="this run says nothing"):
            load.finish()


def test_a_load_that_dies_is_noticed_by_who_waits(tmp_path: Path) -> None:
    """At once, not after the save's limit."""
    with LoadProcess(free_port(), tmp_path / "requests", Plan(clients=1)) as load:
        wait_for(lambda: load.total > 0, 20, "requests")
        os.kill(load.pid, signal.SIGKILL)
        began = time.monotonic()
        with pytest.raises(RuntimeError, match="ended by itself"):
            load.first_answer("version never", 20, lambda: None)
        assert time.monotonic() - began < 5


def test_gunicorn_takes_the_place_of_the_program_only() -> None:
    """The listener's command stays, and so does what prepares the socket."""
    text = (
        "[eventlistener:reload]\ncommand=supervisor-reload listen\n"
        "[fcgi-program:web] ; x\nsocket=tcp://127.0.0.1:8000\n"
        f"command={EXEC}uvicorn web:app --fd 0 ; y\n[reload:web]\n"
    )
    changed = with_command(text, GUNICORN)
    assert "command=supervisor-reload listen\n" in changed
    assert f"\ncommand={EXEC}{GUNICORN}\n[reload:web]\n" in changed
    with pytest.raises(ValueError, match="no command"):
        with_command("[program:other]\ncommand=x\n", GUNICORN)


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        (["--reloads", "0"], "--reloads must be at least 1"),
        (["--strategy", "none"], "invalid choice"),
        (["--report", "/nowhere/runs.json"], "can't read /nowhere/runs.json"),
        (["--report", os.devnull], "holds no runs"),
    ],
)
def test_bad_arguments_get_a_sentence(argv: list[str], word: str, capsys: pytest.CaptureFixture[str]) -> None:
    """And no traceback."""
    try:
        code: object = lossless.main(argv)
    except SystemExit as leave:
        code = leave.code
    assert code in (1, 2)
    assert word in capsys.readouterr().err
