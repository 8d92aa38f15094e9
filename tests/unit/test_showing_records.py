"""Records that nobody should have written, and the history: what can be believed is told, and in order."""

from __future__ import annotations

import json
from dataclasses import asdict

from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from supervisor_reload.core.memory import HISTORY
from supervisor_reload.core.model import Record, SlotName, Value
from supervisor_reload.showing import history
from supervisor_reload.showing.knowledge import Knowledge
from supervisor_reload.showing.lines import lines
from supervisor_reload.showing.page import plain
from supervisor_reload.showing.standing import Standing
from tests.fakes.supervisord import Boot
from tests.fakes.world import World, settled, web

A = SlotName("web:web_00")
SLOW = Boot(ready_after=1.0, drains_in=1.0)

NUMBERS: tuple[Value, ...] = (-1, 1e308, -1e308, 2**80, 10**400)
NONSENSE: tuple[Value, ...] = (None, True, *NUMBERS, "", "x", [], [1], ["\ud800"], {}, {"a": []})


def test_no_record_is_believed_because_it_is_there() -> None:
    """Whatever stands in any place of any record: what it is about is UNKNOWN at worst."""
    world = settled(World(web(2)))
    for revision in ("r1", "r2"):
        world.advance(6)
        world.save(revision, boot=SLOW)
        world.advance(0.5)
    records = world.journal.found()
    assert {"rollout web 1", "target web", f"slot {A}", "health"} <= {*records}
    tried = 0
    for key, record in records.items():
        for field in record:
            for value in NONSENSE:
                tell_all({**records, key: {**record, field: value}})
                tried += 1
        tell_all({other: record for other, record in records.items() if other != key})
    assert tried > 300
    assert "UNKNOWN" == tell_all({**records, "target web": {}})[0].condition
    known = tell_all({key: record for key, record in records.items() if key != f"slot {A}"})
    assert "UNKNOWN" == known[0].processes[0].state != known[0].processes[1].state


OF_TARGETS = ("condition", "why", "slots", "disk", "rollout", "restraint", "retry_at")
OF_SLOTS = ("phase", "state", "pid", "since", "began", "deadline", "soak", "falls", "limits", "reason")
OF_ROLLOUTS = ("id", "revision", "wanted", "trigger", "outcome", "changed", "ended", "files")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
FIELDS = st.sampled_from([*OF_TARGETS, *OF_SLOTS, *OF_ROLLOUTS, "degraded"])
KEYS = st.sampled_from(
    ["target web", "target ", "slot web:web_00", "rollout web 1", "rollout ", "health", "waits web:web_00"]
)


@limits(max_examples=100, deadline=None)
@given(st.dictionaries(KEYS, st.dictionaries(FIELDS, VALUES, max_size=4), max_size=4))
def test_any_records(records: dict[str, Record]) -> None:
    """They can be shown."""
    tell_all(records)


def tell_all(records: dict[str, Record]) -> list[Standing]:
    known = Knowledge(records, at=2000.0, born=lambda pid: "")
    told = [known.standing(name) for name in known.targets]
    assert isinstance(known.degraded, str)
    json.dumps([plain(asdict(one)) for one in told] + [plain(one.outcome.changed) for one in known.history()])
    assert len([*lines(told)]) >= len(told)
    assert len([*lines(told, is_live=True)]) >= len(told)
    assert len([*history.lines(known.history(), known.targets)]) == len(known.history())
    return told


def test_the_history_is_in_order() -> None:
    """By time, and those of one target by number, also where the clock was set back between them."""

    def ended(number: int, at: float) -> Record:
        return {"id": number, "revision": "r", "trigger": "files", "outcome": "complete", "ended": at}

    records = {
        "rollout web 0": ended(100, 50.0),
        "rollout web 99": ended(99, 900.0),
        "rollout web 98": ended(98, 200.0),
        "rollout api 1": ended(1, 300.0),
        "rollout api 2": {"id": 2},
    }
    told = [(one.target, one.outcome.id) for one in Knowledge(records, born=None).history()]
    assert [("web", 98), ("api", 1), ("web", 99), ("web", 100)] == told


def test_the_history_has_the_newest() -> None:
    """As many of each target as are kept."""
    world = settled(World(web(1, max_surge=0)))
    for number in range(HISTORY + 3):
        world.save(f"s{number}")
        world.advance(2, step=2)
    told = Knowledge(world.journal.found(), born=None).history()
    assert list(range(4, HISTORY + 4)) == [one.outcome.id for one in told]
    assert {"complete"} == {one.outcome.outcome for one in told}
    assert {1} == {one.files for one in told}
