"""Where stdout can't be written to, or Ctrl-C ends a verb: a sentence, never a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from supervisor_reload import cli
from supervisor_reload.cli import INTERRUPTED
from tests.fakes.place import HEAD, LISTENER, PLAIN, RELOAD, Place


@pytest.mark.parametrize(
    ("to", "sentence"),
    [
        (">/dev/full", "Error: stdout can't be written to: No space left on device\n"),
        (">&-", "Error: stdout is closed: nothing can be shown\n"),
    ],
)
def test_a_stdout_that_takes_nothing(place: Place, to: str, sentence: str) -> None:
    conf = place.write(HEAD + LISTENER + PLAIN + RELOAD)
    line = f'exec "$0" -m supervisor_reload check -c "$1" {to}'
    done = subprocess.run(
        ["sh", "-c", line, sys.executable, str(conf)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (1, sentence) == (done.returncode, done.stderr)


def test_an_error_of_a_file_is_none_of_stdout(tmp_path: Path) -> None:
    """
    It is a defect, and not called what it isn't.
    """
    with pytest.raises(FileNotFoundError):
        cli._written(lambda: len((tmp_path / "none").read_bytes()))


def test_ctrl_c(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> int:
        signal.raise_signal(signal.SIGINT)
        return os.EX_OK

    assert INTERRUPTED == cli._told(interrupted)
    assert capsys.readouterr().err == "\n"
