"""docs/metrics.md, the alert rules and the dashboard: what they name exists, and promtool agrees."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from itertools import combinations
from pathlib import Path

import pytest

from supervisor_reload.core.condition import Condition
from supervisor_reload.edges.metrics import DEFINITIONS

from .blocks import ROOT, all_blocks
from .metrics import FILE, RULE, RULES, TABLES, exposed, filled

TESTS = RULES.with_name("supervisor_reload.test.yml")
DASHBOARD = ROOT / "etc" / "grafana" / "supervisor_reload.json"
NAME = re.compile(r"\bsupervisor_reload_\w+")

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool (Debian: prometheus) is not installed"
)


def promtool(directory: Path, *words: str) -> str:
    """What it says; it must be content."""
    line = ["promtool", *words]
    done = subprocess.run(line, cwd=directory, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_tables_are_those_of_the_code():
    """`python -m tests.docs.metrics` writes them anew."""
    text = FILE.read_text(encoding="utf-8")
    assert filled(text) == text
    assert all(text.count(f"<!-- {name} -->") == 1 for name in TABLES)


@pytest.mark.parametrize("file", [FILE, RULES, TESTS, DASHBOARD], ids=lambda file: file.name)
def test_every_metric_that_is_named_exists(file):
    """A metric that is renamed leaves no query behind."""
    text = file.read_text(encoding="utf-8")
    named = {*NAME.findall(text)} - {"supervisor_reload_rules"}
    assert named
    known = exposed() | {each.name for each in DEFINITIONS}
    assert not {name for name in named if name not in known}


def test_every_metric_is_used():
    """What is on no dashboard and in no alert is there for nobody."""
    text = DASHBOARD.read_text(encoding="utf-8") + RULES.read_text(encoding="utf-8")
    assert not [each.name for each in DEFINITIONS if each.name not in text]


def test_every_condition_that_is_named_exists():
    for file in (RULES, DASHBOARD):
        found = {*re.findall(r'condition=\\?"(\w+)\\?"', file.read_text(encoding="utf-8"))}
        assert found <= {condition.value for condition in Condition}
    mapped = {
        word
        for panel in panels()
        if panel["type"] != "row"
        for override in panel["fieldConfig"]["overrides"]
        for one in override["properties"]
        if one["id"] == "mappings"
        for word in one["value"][0]["options"]
    }
    assert mapped == {condition.value for condition in Condition}


def test_every_alert_is_read_and_tested():
    """By the table of the document, and by a test that promtool runs."""
    rules = RULES.read_text(encoding="utf-8")
    names = re.findall(r"- alert: (\w+)", rules)
    assert names == [found[0] for found in RULE.findall(rules)]
    fires = r"alertname: (\w+)\n\s+exp_alerts:\n\s+- exp_labels"
    tested = {*re.findall(fires, TESTS.read_text(encoding="utf-8"))}
    assert {*names} == tested


@needs_promtool
def test_prometheus_accepts_the_rules():
    names = re.findall(r"- alert: (\w+)", RULES.read_text(encoding="utf-8"))
    assert f"SUCCESS: {len(names)} rules found" in promtool(RULES.parent, "check", "rules", RULES.name)


@needs_promtool
def test_the_rules_do_what_they_are_for():
    assert "SUCCESS" in promtool(RULES.parent, "test", "rules", TESTS.name)


@needs_promtool
def test_prometheus_accepts_the_documents_configuration(tmp_path):
    (block,) = [each for each in all_blocks("yaml") if each.document == "docs/metrics.md"]
    shutil.copy(RULES, tmp_path)
    (tmp_path / "prometheus.yml").write_text(block.text, encoding="utf-8")
    assert "SUCCESS" in promtool(tmp_path, "check", "config", "prometheus.yml")


def panels() -> list[dict]:  # type: ignore[type-arg]
    return json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]


def test_the_dashboard_can_be_imported():
    """It has a name, asks whatever Prometheus is chosen, and no panel lies on another."""
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    assert {"uid", "title", "schemaVersion", "templating", "panels"} <= {*board}
    assert "id" not in board, "Grafana gives it one"
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len({*ids})
    variables = {variable["name"] for variable in board["templating"]["list"]}
    for panel in panels():
        place = panel["gridPos"]
        assert 0 <= place["x"] < place["x"] + place["w"] <= 24
        if panel["type"] == "row":
            continue
        assert panel["datasource"]["uid"] == "${datasource}"
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
        for target in panel["targets"]:
            used = {*re.findall(r"\$(\w+)", target["expr"])}
            assert used <= variables | {"__rate_interval", "__range"}
    assert not [one for one in combinations(panels(), 2) if overlap(*(panel["gridPos"] for panel in one))]


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return all(
        one[at] < other[at] + other[size] and other[at] < one[at] + one[size]
        for at, size in (("x", "w"), ("y", "h"))
    )
