"""Every block of docs/notify.md that says something is run, and what it says is heard."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from supervisor.events import ProcessCommunicationEvent

from supervisor_reload.edges.notices import Notices
from supervisor_reload.edges.sayings import Said, Words, parse
from tests.docs.blocks import ROOT, Block, blocks
from tests.fakes.speakers import hearing, slot, unused
from tests.integration.supervisord import wait_for

pytestmark = pytest.mark.integration

LIMIT = 20.0

TOKENS = [b for b in blocks(ROOT / "docs" / "notify.md") if "<!--XSUPERVISOR" in b.text]
RUN = {"sh": ["sh", "-e"], "javascript": ["node"], "go": ["go", "run"]}


@pytest.mark.parametrize("block", TOKENS, ids=str)
def test_tokens(block: Block, tmp_path: Path) -> None:
    """As supervisord cuts them out of the output, and whole when it reads for the first time."""
    argv = RUN[block.language]
    if shutil.which(argv[0]) is None:
        pytest.skip(f"no {argv[0]} here")
    program = tmp_path / f"program.{block.language}"
    program.write_text(block.text)
    output = subprocess.run([*argv, program], capture_output=True, timeout=60, check=True).stdout
    before, _, rest = output.partition(ProcessCommunicationEvent.BEGIN_TOKEN)
    text, end, after = rest.partition(ProcessCommunicationEvent.END_TOKEN)
    assert (b"", b"") == (before, after)
    assert end
    assert Words(is_ready=True) == parse(text.decode())


def test_every_language_has_its_block() -> None:
    """None was lost on the way."""
    assert set(RUN) == {block.language for block in TOKENS}


@pytest.fixture
def where() -> str:
    return unused()


@pytest.fixture
def notices(where: str) -> Iterator[Notices]:
    with hearing(slot(where)) as heard:
        yield heard


def block_with(text: str, language: str) -> str:
    (found,) = (b for b in blocks(ROOT / "docs" / "notify.md") if text in b.text and b.language == language)
    return found.text


class Speaker:
    """A process that runs a block, and what was heard of it."""

    def __init__(self, argv: list[str], notices: Notices, where: str) -> None:
        self.process = subprocess.Popen(argv, env={**os.environ, "NOTIFY_SOCKET": where}, cwd=ROOT)
        self._notices = notices

    def __enter__(self) -> Speaker:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait(LIMIT)

    def says(self, *, is_ready: bool) -> Said:
        def said() -> Said | None:
            heard = self._notices.said(self.process.pid)
            return heard if heard is not None and heard.is_ready is is_ready else None

        found = wait_for(said, LIMIT)
        assert found is not None
        return found


def test_the_plain_loop(notices: Notices, where: str) -> None:
    """Ready, then nothing in hand once it was asked to leave."""
    code = "import time\ndef do_one_job(): time.sleep(0.01)\n" + block_with("signal.pause", "python")
    with Speaker([sys.executable, "-c", code], notices, where) as worker:
        assert worker.says(is_ready=True).in_hand is None
        worker.process.send_signal(signal.SIGUSR1)
        assert worker.says(is_ready=False).in_hand == 0


SERVE = """
import asyncio, sys
import uvicorn
async def load_everything(): pass
{block}
uvicorn.run(app, port=0, log_level="warning")
"""


def test_the_lifespan(notices: Notices, where: str) -> None:
    """In a real uvicorn."""
    code = SERVE.format(block=block_with("lifespan.startup.complete", "python"))
    with Speaker([sys.executable, "-c", code], notices, where) as server:
        server.says(is_ready=True)


def test_systemds_own_command(notices: Notices, where: str) -> None:
    """It waits until its message was read, so its sender is still there."""
    if shutil.which("systemd-notify") is None:
        pytest.skip("no systemd-notify here")
    command = block_with("systemd-notify", "sh") + "exec sleep 1000\n"
    with Speaker(["sh", "-e", "-c", command], notices, where) as script:
        assert script.says(is_ready=True).status == "all loaded"
