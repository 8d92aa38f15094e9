"""The command behind docs/servers.md: it measures real servers, adds up, and names what it can't run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.served.catalogue import SERVERS, Server
from benchmarks.served.results import Cell, append, read, sums, table
from benchmarks.servers import LOADS, SOURCES, edited, free_pair, run

ROOT = Path(__file__).resolve().parents[2]
KEEP_ALIVE = "8 clients, keep-alive"
CELL = Cell(server="uvicorn", load="a", version="uvicorn 1", saves=2, missed=0, requests=1000, errors={})


def server(name: str) -> Server:
    return next(server for server in SERVERS if server.name == name)


@pytest.mark.integration
@pytest.mark.parametrize("name", ["gunicorn-gthread", "node-lossless", "http-lossless"])
def test_two_saves_are_measured(name, tmp_path):
    """The command replaces a real server twice under load, prints the table and keeps the numbers."""
    if reason := server(name).missing():
        pytest.skip(reason)
    out = tmp_path / "results.jsonl"
    argv = [sys.executable, "-m", "benchmarks.servers", "--only", name, "--load", KEEP_ALIVE]
    done = subprocess.run(
        [*argv, "--saves", "2", "--out", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (cell,) = read(out)
    assert (cell.server, cell.load, cell.saves, cell.missed) == (name, KEEP_ALIVE, 2, 0)
    assert cell.requests > 100
    assert cell.errors == {}
    assert done.stdout.endswith(table([cell], [KEEP_ALIVE]) + "\n")


def test_what_is_not_installed_is_named(capsys):
    """A server that this machine lacks is left out with a reason; nothing is started for it."""
    absent = replace(server("node"), needs=("no-such-program",))
    absent_package = replace(server("hypercorn"), package="no-such-package")
    assert run([absent, absent_package], list(LOADS), 1, None) == 0
    told = capsys.readouterr().out
    assert "node: left out: no-such-program is not installed" in told
    assert "hypercorn: left out: the Python package no-such-package is not installed" in told


@pytest.mark.parametrize("one", SERVERS, ids=lambda one: one.name)
def test_every_application_has_a_version_to_save(one):
    """The file that is saved says its version once, and a save changes nothing but that."""
    text = (SOURCES / one.folder / one.code).read_text(encoding="utf-8")
    (said,) = re.findall(r'VERSION +?= "1"', text)
    assert edited(text, "0002") == text.replace(said, said.replace("1", "0002"))


def test_runs_of_one_server_add_up(tmp_path):
    """Several runs are one cell; a run of a newer version begins anew."""
    out = tmp_path / "results.jsonl"
    for cell in (
        CELL,
        replace(CELL, errors={"cut": 2}),
        replace(CELL, errors={"cut": 1, "reset": 1}, missed=1),
    ):
        append(out, cell)
    assert json.loads(out.read_text().splitlines()[1])["errors"] == {"cut": 2}
    total = sums(read(out))["uvicorn", "a"]
    assert (total.saves, total.missed, total.requests, total.errors) == (6, 1, 3000, {"cut": 3, "reset": 1})
    assert str(total) == "4 of 3,000 in 6 (3 cut, 1 reset, 1 saves never served)"
    newer = replace(CELL, version="uvicorn 2", requests=7)
    assert sums([*read(out), newer])["uvicorn", "a"] == newer


def test_the_table_shows_what_was_measured_and_nothing_else():
    """A row for each server that was measured, in the catalogue's order; a dash where a load is missing."""
    other = replace(CELL, server="hypercorn", version="hypercorn 1", load="b", errors={"reset": 5})
    assert table([other, CELL], ["a", "b"]).splitlines() == [
        "| server | version | set-up | a | b |",
        "|---|---|---|---|---|",
        "| uvicorn | uvicorn 1 | shared socket | **0** of 1,000 in 2 | - |",
        "| hypercorn | hypercorn 1 | shared socket | - | 5 of 1,000 in 2 (5 reset) |",
    ]


def test_a_pair_of_ports_is_two_neighbours():
    """What nginx's configuration and ``810%(process_num)d`` need: a port that ends in 0."""
    assert free_pair() % 10 == 0


def test_the_command_refuses_nonsense():
    """A wrong name and a wrong number are told, with what exists."""
    for argv, said in (["--only", "apache"], "gin-lossless"), (["--saves", "0"], "at least 1"):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.servers", *argv],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 2
        assert said in done.stderr
