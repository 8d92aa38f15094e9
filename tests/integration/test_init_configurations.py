"""``init --apply`` on ten configurations as people have them: ``check`` is content, saves are reloaded."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from supervisor_reload.checking import check
from supervisor_reload.config.findings import Findings
from supervisor_reload.config.supervisorconf import read_supervisorconf
from supervisor_reload.setting_up import init
from tests.integration.configured import CASES, CONFIGURATIONS, Case, Placed, missing

pytestmark = pytest.mark.integration

LIMIT = 30.0
BEGUN = re.compile("ready after|runs already")
RUN_HERE = [case for case in CASES if case.saved]


def ids(case: Case) -> str:
    return case.name


def written(placed: Placed, *, is_applied: bool = False) -> tuple[int, str]:
    """What init answers, and what it tells."""
    stream = io.StringIO()
    return init(str(placed.conf), [], stream, is_applied=is_applied), stream.getvalue()


@pytest.fixture(scope="module")
def places() -> Iterator[dict[str, Placed]]:
    """All that can run here, side by side, because each waits more than it works; a save was made in each."""
    found = {case.name: Placed(case) for case in RUN_HERE if not missing(case)}
    with ThreadPoolExecutor() as pool:
        try:
            for placed in found.values():
                code, said = written(placed, is_applied=True)
                assert code == 0, said
            list(pool.map(run_and_save, found.values()))
            yield found
        finally:
            list(pool.map(Placed.close, found.values()))


def run_and_save(placed: Placed) -> None:
    """Start it, and save another version as soon as the first one serves."""
    placed.begin()
    settle(placed)
    placed.save()


def settle(placed: Placed) -> None:
    """Until the listener knows what runs, and the first version answers."""
    supervisord = placed.supervisord
    assert supervisord is not None
    supervisord.wait_for(lambda: BEGUN.search(placed.log()), LIMIT, "the listener's first look")
    placed.first = supervisord.wait_for(lambda: placed.answer().removeprefix("0"), LIMIT, "an answer")
    assert placed.case.program or placed.first == "one"


@pytest.fixture
def placed(request: pytest.FixtureRequest) -> Iterator[Placed]:
    made = Placed(request.param)
    yield made
    made.close()


def test_there_are_ten_and_each_is_known() -> None:
    """A configuration that is added must be added to the cases."""
    assert {case.name for case in CASES} == {path.name for path in CONFIGURATIONS.iterdir()}
    assert len(CASES) == 10


@pytest.mark.parametrize("placed", CASES, ids=ids, indirect=True)
def test_check_accepts_what_init_writes(placed: Placed) -> None:
    """
    Shown, nothing is written. Applied, lines are added, check finds no error, and once more adds nothing.
    """
    case = placed.case
    code, shown = written(placed)
    assert (code, placed.conf.read_bytes()) == (0, placed.before), shown
    code, said = written(placed, is_applied=True)
    assert code == 0, said
    after = placed.conf.read_bytes()
    assert after.startswith(placed.before)
    added = after.removeprefix(placed.before).decode()
    assert tuple(re.findall(r"^\[reload:(.*)\]$", added, re.MULTILINE)) == case.targets
    for name in case.left:
        assert re.search(rf"^{name} .*left out: ", said, re.MULTILINE), said
    difference = shown[shown.index("\n@@") :]
    assert re.findall(r"^[+-](.*)$", difference, re.MULTILINE) == added.splitlines()
    (backup,) = placed.directory.glob("supervisord.conf.bak-*")
    assert backup.read_bytes() == placed.before
    checked = io.StringIO()
    assert check(str(placed.conf), checked) == 0, checked.getvalue()
    code, again = written(placed, is_applied=True)
    assert (code, "nothing to add" in again, placed.conf.read_bytes()) == (0, True, after), again
    conf = read_supervisorconf(str(placed.conf), findings := Findings())
    assert (findings.errors, bool(conf.processes)) == ([], True)


@pytest.mark.parametrize("case", RUN_HERE, ids=ids)
def test_a_save_is_reloaded(case: Case, places: dict[str, Placed]) -> None:
    """
    Under a real supervisord, the new code serves after a save, and nothing else was needed.
    """
    if case.name not in places:
        pytest.skip(f"{missing(case)} is not installed")
    placed = places[case.name]
    supervisord = placed.supervisord
    assert supervisord is not None
    if case.program:
        supervisord.wait_for(lambda: placed.answer() not in (placed.first, "0"), LIMIT, "another process")
    else:
        supervisord.wait_for(lambda: {placed.answer() for _ in range(5)} == {"two"}, LIMIT, "the new code")
    ended = re.compile(rf"{case.targets[0]}: .*complete")
    supervisord.wait_for(lambda: ended.search(placed.log()), LIMIT, "the rollout's end")
