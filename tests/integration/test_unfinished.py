"""A command of run_on outlives its listener (SIGKILL): with a real supervisord, two never run at once."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from tests.integration.scene import ONE, PLAIN, Scene, scene

pytestmark = pytest.mark.integration

RULE = "run_on=*.txt -> sh %(here)s/build\n"

BUILD = """cd {0}
echo begin $$ >> runs
n=0
while [ ! -e go ] && [ $n -lt 600 ]; do n=$((n+1)); sleep 0.05; done
echo end $$ >> runs
"""
"""It waits for a file, for no more than half a minute."""


def with_build(act: Scene) -> None:
    (act.src / "requirements.txt").write_text("flask\n")
    (act.directory / "build").write_text(BUILD.format(act.directory))


def lines(file: Path) -> list[list[str]]:
    return [line.split() for line in file.read_text().splitlines()]


@pytest.mark.fault(1)
def test_the_next_listener_waits_for_the_command_of_the_first() -> None:
    """What was owed is run after it, again, and then the code is rolled out."""
    with scene(PLAIN, ONE + RULE, prepare=with_build) as act:
        runs, go = act.directory / "runs", act.directory / "go"
        try:
            (act.src / "requirements.txt").write_text("django\n")
            act.save("two")
            ((_, left),) = act.supervisord.wait_for(lambda: lines(runs), what="the command")
            (file,) = act.supervisord.wait_for(
                lambda: list(act.directory.glob(f"supervisor_reload-*/run_on.{left}")), what="its file"
            )
            listener = act.supervisord.process_pid("reload:reload")
            os.kill(listener, signal.SIGKILL)
            build = re.escape(f"sh {act.directory}/build")
            act.wait_for_log(rf"{build} of an earlier run still runs \(pid {left}\): waiting for it")
            assert act.supervisord.process_pid("reload:reload") not in (0, listener)
            assert ["begin", left] == lines(runs)[-1], "only the first runs"
            assert "one" == act.ask()[0]
        finally:
            go.touch()
        act.wait_for_log("complete")
        assert "two" == act.ask()[0]
        words, pids = zip(*lines(runs), strict=True)
        assert ("begin", "end", "begin", "end") == words
        assert left == pids[0] == pids[1] != pids[2] == pids[3]
        assert not file.exists()
