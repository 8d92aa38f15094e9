"""Somebody types ``supervisorctl`` in the middle of a rollout: the most telling cells of the matrix.

All cells: ``python -m benchmarks.operator_matrix``.
"""

from __future__ import annotations

import pytest

from tests.integration.operator_actions import ACTIONS
from tests.integration.operator_cells import PHASES, Cell, cells, play
from tests.integration.shapes import MEASURED, PLAIN, ROLLING, SIGNAL, SWAP

TELLING = [
    Cell(PLAIN.name, "DRAINING", "stop"),  # he and we have signalled the same process
    Cell(PLAIN.name, "VACANT", "start"),  # he is faster than we
    Cell(ROLLING.name, "READY", "stop"),  # another slot than the one that is being replaced
    Cell(ROLLING.name, "DRAINING", "more"),
    Cell(SWAP.name, "PROBING", "stop all"),
    Cell(SWAP.name, "STOPPING", "restart"),  # supervisord is stopping it for us
    Cell(MEASURED.name, "DRAINING", "stop"),
    Cell(SIGNAL.name, "PROBING", "reload"),
]


@pytest.mark.fault(40, 41)
@pytest.mark.integration
@pytest.mark.parametrize("cell", TELLING, ids=str)
def test_operator_is_obeyed(cell: Cell) -> None:
    """What he stopped stays stopped, what he started runs, and the next save reaches everything."""
    play(cell)


def test_cells_are_all_there() -> None:
    """Every action in every phase of every shape, but for those with a reason."""
    everything = list(cells())
    assert len(everything) == sum(map(len, PHASES.values())) * len(ACTIONS)
    assert set(TELLING) <= {cell for cell in everything if not cell.skipped}
