"""The page as Prometheus reads it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from prometheus_client.parser import text_string_to_metric_families

from supervisor_reload.edges.metrics import DEFINITIONS, Metering
from supervisor_reload.edges.metrics.definitions import (
    DIRECTORIES,
    FILES,
    PHASE_SECONDS,
    PREFIX,
    REVISION,
    ROLLOUTS,
    SECONDS,
)
from supervisor_reload.edges.metrics.exposing import FRESH_SECONDS, Page
from supervisor_reload.edges.metrics.tally import Tally
from tests.fakes.metered import metered


@pytest.fixture(scope="module")
def page() -> str:
    """Everything has a value: a world that was saved, looked at and counted."""
    world = metered()
    world.look()
    world.save("r1")
    world.advance(10)
    world.look()
    for definition in (FILES, DIRECTORIES):
        world.metering.tally.set(definition, 3, "web")
    return Page(world.metering.tally).text().decode()


def test_every_metric_is_there_and_no_other(page):
    """None of the process, of Python, or of anybody who uses the library's own registry."""
    families = {family.name: family for family in text_string_to_metric_families(page)}
    assert {each.name.removesuffix("_total") for each in DEFINITIONS} == {*families}
    for each in DEFINITIONS:
        family = families[each.name.removesuffix("_total")]
        assert (each.kind.value, each.doc) == (family.type, family.documentation)
        assert family.samples, each.name
        assert all({*sample.labels} - {"le"} == {*each.labels} for sample in family.samples)


def test_a_histogram_adds_up():
    tally = Tally()
    for seconds in (0.0, SECONDS[0], 0.07, 4.0, 1e9):
        tally.observe(PHASE_SECONDS, seconds, "web", "boot")
    families = text_string_to_metric_families(Page(tally).text().decode())
    (family,) = (each for each in families if each.type == "histogram" and each.samples)
    samples = {(s.name.removeprefix(PHASE_SECONDS.name), s.labels.get("le")): s.value for s in family.samples}
    assert 2 == samples["_bucket", "0.05"]
    assert 3 == samples["_bucket", "0.1"]
    assert 3 == samples["_bucket", "2.5"]
    assert 4 == samples["_bucket", "5.0"]
    assert 5 == samples["_bucket", "+Inf"] == samples["_count", None]
    assert samples["_sum", None] == pytest.approx(1e9 + 4.12)


def test_labels_are_closed_sets():
    """What is no value of a label is a defect, and not a series more."""
    tally = Tally()
    with pytest.raises(AssertionError):
        tally.add(ROLLOUTS, "web", "exploded")
    with pytest.raises(AssertionError):
        tally.add(ROLLOUTS, "web")
    assert not tally.read().values[ROLLOUTS]


def test_no_name_forges_a_line():
    """A target's name is the operator's own, and still it is quoted."""
    tally = Tally()
    tally.set(REVISION, 1, 'a"\n\\b', "r1")
    (family,) = (f for f in text_string_to_metric_families(Page(tally).text().decode()) if f.samples)
    assert family.samples[0].labels == {"target": 'a"\n\\b', "revision": "r1"}


def test_a_page_is_not_made_for_everybody(monkeypatch):
    """Who asks without end gets the same page for FRESH_SECONDS."""
    now = [100.0]
    monkeypatch.setattr("supervisor_reload.edges.metrics.exposing.time.monotonic", lambda: now[0])
    tally = Tally()
    page = Page(tally)
    first = page.text()
    tally.begin("web")
    assert first is page.text()
    assert first != page.text(is_newest=True)
    tally.keep(())
    now[0] += FRESH_SECONDS + 0.01
    assert first == page.text()


def test_the_files_of_others_are_not_touched(tmp_path):
    """A container's PROMETHEUS_MULTIPROC_DIR is the application's: no number of ours is written there."""
    code = (
        "from supervisor_reload.edges.metrics import Metering\n"
        "from supervisor_reload.edges.metrics.exposing import Page\n"
        "from supervisor_reload.edges.metrics.definitions import ROLLOUTS\n"
        "metering = Metering(lambda: 0.0, lambda: 0.0, ('1', '4', '3'))\n"
        "metering.tally.begin('web')\n"
        "assert b'complete' in Page(metering.tally).text()\n"
    )
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=30)
    assert not [*tmp_path.iterdir()]


def test_the_library_is_imported_for_a_page_alone():
    """A listener without ``metrics=`` does not pay for it."""
    code = (
        "import sys, supervisor_reload.app\n"
        "from supervisor_reload.edges.metrics import Metering\n"
        "Metering(lambda: 0.0, lambda: 0.0, ('1', '4', '3')).publish(())\n"
        "assert 'prometheus_client' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian: prometheus) is not installed")
def test_promtool_finds_nothing_to_complain_of(page):
    """Names, types, units and help texts are as Prometheus' own linter wants them."""
    assert (0, "") == linted(page)
    spoiled = page.replace("_duration_seconds", "_duration_minutes")
    assert linted(spoiled)[0], "this test sees nothing"


def linted(page: str) -> tuple[int, str]:
    line = ["promtool", "check", "metrics"]
    done = subprocess.run(line, input=page, capture_output=True, text=True, timeout=30, check=False)
    return done.returncode, done.stdout + done.stderr


def test_names_have_the_prefix():
    assert all(each.name.startswith(PREFIX) for each in DEFINITIONS)
    assert len({each.name for each in DEFINITIONS}) == len(DEFINITIONS)


def test_reading_is_a_copy():
    """What is published does not change under the publisher's hands."""
    metering = Metering(lambda: 0.0, lambda: 0.0, ("1", "4", "3"))
    metering.tally.begin("web")
    before = metering.tally.read()
    metering.tally.observe(PHASE_SECONDS, 1.0, "web", "boot")
    metering.tally.add(ROLLOUTS, "web", "complete")
    assert 0 == sum(before.spreads[PHASE_SECONDS]["web", "boot"].counts)
    assert 0 == before.values[ROLLOUTS]["web", "complete"]
