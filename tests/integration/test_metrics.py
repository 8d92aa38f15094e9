"""A real Prometheus asks a real listener under a real supervisord; and what operators do to the numbers."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.scene import ONE, PLAIN, SWAP, TWO, Scene, scene
from tests.integration.supervisord import free_port, short_directory, wait_for

pytestmark = pytest.mark.integration

ETC = Path(__file__).resolve().parents[2] / "etc"
LIMIT = 20.0
CHECKED = "check=python\nfailure_limit=1\n"

CONFIGURATION = """\
global: {{scrape_interval: 500ms, evaluation_interval: 500ms}}
rule_files: [{rules}]
scrape_configs:
  - job_name: supervisor_reload
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


Numbers = dict[tuple[str, ...], float]


def common(metrics: str) -> str:
    return f"[reload]\nmetrics={metrics}\n\n"


def numbers(port: int) -> Numbers:
    """What the listener serves: by name and label values, in the labels' order."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    return parsed(text)


def parsed(text: str) -> Numbers:
    """By name and the values of the labels, in the order of the labels' names."""
    found: Numbers = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = [sample.labels[name] for name in sorted(sample.labels)]
            found[(sample.name.removeprefix("supervisor_reload_"), *labels)] = sample.value
    return found


class Prometheus:
    """One of our own, which scrapes one listener."""

    def __init__(self, directory: Path, scraped: int) -> None:
        self.port = free_port()
        (directory / "prometheus.yml").write_text(
            CONFIGURATION.format(rules=ETC / "prometheus" / "supervisor_reload.rules.yml", port=scraped)
        )
        self._out = (directory / "out").open("wb")
        self._process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={directory}/prometheus.yml",
                f"--storage.tsdb.path={directory}/data",
                f"--web.listen-address=127.0.0.1:{self.port}",
            ],
            cwd=directory,
            stdout=self._out,
            stderr=subprocess.STDOUT,
        )

    def get(self, path: str, **query: str) -> Any:
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            told = json.load(answer)
        assert told["status"] == "success"
        return told["data"]

    def query(self, expression: str) -> list[Any]:
        found: list[Any] = self.get("query", query=expression)["result"]
        return found

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._out.close()


@contextmanager
def prometheus(scraped: int) -> Iterator[Prometheus]:
    directory = short_directory()
    asked = Prometheus(directory, scraped)
    try:
        yield asked
    finally:
        asked.close()
        shutil.rmtree(directory, ignore_errors=True)


NO_PROMETHEUS = "prometheus (Debian: prometheus) is not installed"


@pytest.mark.skipif(shutil.which("prometheus") is None, reason=NO_PROMETHEUS)
def test_prometheus_knows_how_long_the_last_rollout_took() -> None:
    """It also accepts every query of the dashboard, and runs the rules."""
    port = free_port()
    head = common(f"http://127.0.0.1:{port}")
    # Prometheus first: it begins to scrape 5 s after its start
    with prometheus(port) as asked, scene(head=head, target=TWO + CHECKED) as act:
        act.save("two")
        act.wait_for_text("two")
        act.wait_for_log("complete: ")
        act.wait_for_log("left after", 2)
        question = 'supervisor_reload_last_rollout_duration_seconds{target="web"}'
        (answer,) = wait_for(lambda: asked.query(question), LIMIT, "an answer")
        told = re.search(r"serves after ([\d.]+) s", act.log())
        assert told is not None
        assert float(told[1]) == pytest.approx(float(answer["value"][1]), abs=0.01)
        assert {"job": "supervisor_reload", "instance": f"127.0.0.1:{port}"}.items() <= answer[
            "metric"
        ].items()
        board = json.loads((ETC / "grafana" / "supervisor_reload.json").read_text())
        queries = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
        for expression in queries:
            asked.query(filled(expression))
        now = [each for each in queries if "rate_interval" not in each and "range" not in each]
        assert now
        for expression in now:
            assert wait_for(lambda each=expression: asked.query(filled(each)), LIMIT, expression)
        groups = wait_for(lambda: evaluated(asked), LIMIT, "the rules to be evaluated")
        assert {"ok"} == {rule["health"] for group in groups for rule in group["rules"]}
        firing = {
            alert["labels"]["alertname"]
            for alert in asked.get("alerts")["alerts"]
            if alert["state"] == "firing"
        }
        assert not firing, firing


def filled(expression: str) -> str:
    """As Grafana would ask."""
    for name, value in {"__rate_interval": "1m", "__range": "1h", "instance": ".*", "target": ".*"}.items():
        expression = expression.replace(f"${name}", value)
    return expression


def evaluated(asked: Prometheus) -> Any:
    groups = asked.get("rules")["groups"]
    return groups if groups and all(r["health"] != "unknown" for g in groups for r in g["rules"]) else None


def test_the_numbers_of_a_life() -> None:
    """Good code, refused code, another place, a killed listener, a supervisord that hangs."""
    port, other = free_port(), free_port()
    head = common(f"http://127.0.0.1:{port}, textfile://%(here)s/m.prom")
    with scene(PLAIN, ONE + CHECKED, head=head) as act:
        wait_for(lambda: numbers(port), LIMIT, "numbers")
        with hostile(port):
            act.save("two")
            act.wait_for_text("two")
            wait_for(lambda: numbers(port)["rollouts_total", "complete", "web"] == 1, LIMIT, "a rollout")
        found = numbers(port)
        assert 1 == found["target_condition", "READY", "web"]
        assert (1, 1) == (found["ready_processes", "web"], found["wanted_processes", "web"])
        assert (1, 1) == (found["watched_files", "web"], found["watched_directories", "web"])
        for phase in ("check", "boot", "drain"):
            assert 1 == found["phase_duration_seconds_count", phase, "web"], phase
        assert 1 == found["save_to_ready_seconds_count", "web"]
        assert (
            found["rollout_duration_seconds_sum", "web"] < found["save_to_ready_seconds_sum", "web"] < LIMIT
        )
        act.save("three", "def (:\n")
        wait_for(lambda: numbers(port)["target_condition", "REFUSED", "web"] == 1, LIMIT, "a refusal")
        assert 1 == numbers(port)["refusals_total", "check", "web"]
        wait_for(
            lambda: parsed((act.directory / "m.prom").read_text())["target_condition", "REFUSED", "web"],
            LIMIT,
        )
        move(act, port, other)
        act.save("four")
        act.wait_for_text("four")
        wait_for(lambda: numbers(other)["rollouts_total", "complete", "web"] == 2, LIMIT, "counted all along")
        be_killed(act, other)
        hang(act, other)


def move(act: Scene, port: int, other: int) -> None:
    """Another place is saved: what was served there is served here."""
    text = act.supervisord.conf.read_text()
    act.supervisord.conf.write_text(text.replace(f":{port}, textfile://%(here)s/m.prom", f":{other}"))
    wait_for(lambda: numbers(other), LIMIT, "the other place")
    with pytest.raises(OSError, match="refused"):
        numbers(port)
    assert not (act.directory / "m.prom").exists()


def be_killed(act: Scene, port: int) -> None:
    """Counters begin anew; how the last rollout ended is known still."""
    before = numbers(port)
    os.kill(act.supervisord.process_pid("reload:reload"), signal.SIGKILL)
    after = wait_for(lambda: is_new(numbers(port), before), LIMIT, "the next listener's numbers")
    name = "last_rollout_duration_seconds", "web"
    assert after[name] == pytest.approx(before[name], abs=0.001)
    assert 0 == after["rollouts_total", "complete", "web"]


def is_new(found: Numbers, before: Numbers) -> Numbers:
    is_other = found["start_time_seconds",] > before["start_time_seconds",]
    return found if is_other and ("rollouts_total", "complete", "web") in found else {}


def hang(act: Scene, port: int) -> None:
    """supervisord hangs: the numbers are served, and one of them says so."""
    assert 1 == numbers(port)["supervisord_up",]
    os.kill(act.supervisord.pid, signal.SIGSTOP)
    try:
        act.save("five")
        wait_for(lambda: numbers(port)["supervisord_up",] == 0, LIMIT, "the truth")
    finally:
        os.kill(act.supervisord.pid, signal.SIGCONT)
    act.wait_for_text("five")
    wait_for(lambda: numbers(port)["supervisord_up",] == 1, LIMIT, "the truth again")


@contextmanager
def hostile(port: int) -> Iterator[None]:
    """Clients that say nothing, and one that asks without end."""
    silent = [http.client.HTTPConnection("127.0.0.1", port, timeout=5) for _ in range(20)]
    ending = threading.Event()

    def ask_without_end() -> None:
        while not ending.is_set():
            try:
                numbers(port)
            except OSError:  # its place was taken by a newer one
                time.sleep(0)

    asking = threading.Thread(target=ask_without_end)
    try:
        for each in silent:
            each.connect()
        asking.start()
        yield
    finally:
        ending.set()
        asking.join(10)
        for each in silent:
            each.close()


def test_a_listener_without_the_library_works(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It says what is missing, and how to get it."""
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['prometheus_client'] = None\n")
    paths = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    port = free_port()
    with monkeypatch.context() as hidden:
        hidden.setenv("PYTHONPATH", os.pathsep.join(paths))
        with scene(SWAP, TWO, head=common(f"http://127.0.0.1:{port}")) as act:
            act.wait_for_log(r"no metrics are published.*pip install 'supervisor-reload\[metrics\]'")
            act.save("two")
            act.wait_for_text("two")
            assert 1 == act.count("prometheus_client")
            with pytest.raises(OSError, match="refused"):
                numbers(port)
