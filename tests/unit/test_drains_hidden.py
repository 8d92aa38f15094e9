"""drain=connections where little can be seen: processes that have gone, are another user's, or elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from supervisor_reload.edges.drains.connections import Connections, Counts, HiddenError
from tests.fakes.children import as_nobody, child
from tests.fakes.servers import ASLEEP


def test_a_process_that_has_gone_holds_nothing() -> None:
    """It is its exit that the core waits for then."""
    with child(ASLEEP) as process:
        pass
    assert Counts() == Connections().count(process.pid)


ASKS = """
import os, sys
from supervisor_reload.core.model import SlotSettings
from supervisor_reload.edges import sockdiag
from supervisor_reload.edges.drains.connections import Connections
os.setuid(NOBODY)
looks = Connections()
print(looks.drained(SlotSettings(name="web:web"), int(sys.argv[1]), 5.0, None))
print(looks.in_flight(int(sys.argv[1])))
"""


def test_a_process_of_another_user() -> None:
    """Nothing can be told, and what to do is."""
    with child(ASLEEP) as process:
        said = as_nobody(ASKS, str(process.pid)).splitlines()
    hidden = (
        f"may not look into pid {process.pid}, another user's: run the listener as root or as that user, "
    )
    assert [f"{hidden}or set drain= to a command", "None"] == said


def test_a_process_in_another_network_namespace() -> None:
    """Its connections are on none of our lists, and must not be taken for none."""
    unshare = shutil.which("unshare")
    if unshare is None or os.geteuid() != 0:
        pytest.skip("needs root and unshare")
    argv = [unshare, "-n", sys.executable, "-c", ASLEEP]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            if process.stdout.readline() != b"up\n":
                pytest.skip("unshare is not permitted here")
            with pytest.raises(HiddenError, match=r"another network namespace.*set drain= to a command"):
                Connections().count(process.pid)
        finally:
            process.kill()
