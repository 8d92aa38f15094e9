"""docs/configuration.md and every block of configuration: what the code and Supervisor make of them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from supervisor.options import ServerOptions

from supervisor_reload import config

from .blocks import Block, all_blocks
from .tables import FILE, filled, table

HEAD = """\
[supervisord]
logfile=%(here)s/run/supervisord.log
pidfile=%(here)s/run/supervisord.pid

[unix_http_server]
file=%(here)s/run/supervisor.sock

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

"""


def test_tables_are_those_of_the_code():
    """The tables of keys are what the code says; `python -m tests.docs.tables` writes them anew."""
    text = FILE.read_text(encoding="utf-8")
    assert text == filled(text)


def test_every_key_has_one_row():
    """No key is missing, and none is in two tables."""
    rows = "".join(table(kind) for kind in ("target", "common"))
    assert all(rows.count(f"| `{key.name}` |") == 1 for key in config.KEYS)
    places = FILE.read_text(encoding="utf-8")
    assert all(places.count(f"<!-- keys: {kind} -->") == 1 for kind in ("target", "common"))


def own_listener() -> str:
    """The listener's section as README's first block has it."""
    first = all_blocks("ini")
    readme = next(block for block in first if block.document == "README.md")
    return readme.text[: readme.text.index("[program:")]


def completed(block: Block) -> str:
    """A block with the sections around it that the text takes for granted."""
    text = HEAD + block.text
    return text if "[eventlistener:" in text else text + own_listener()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("app", "jobs", "lib", "run"):
        (tmp_path / name).mkdir()
    (tmp_path / "current").symlink_to("app")
    programs = Path(sys.executable).parent
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


@pytest.mark.parametrize("block", all_blocks("ini"), ids=str)
def test_configuration_is_accepted(block, place):
    """Neither supervisord nor supervisor_reload finds anything wrong, nor anything to warn of."""
    file = place / "supervisord.conf"
    text = completed(block).replace("/srv/venv/bin", str(Path(sys.executable).parent))
    file.write_text(text, encoding="utf-8")
    reading = config.read(str(file))
    assert reading.warnings == ()

    real = ServerOptions()
    try:
        real.realize(["-c", str(file)], doc="")
    finally:
        real.poller.close()
    known = {
        f"{group.name}:{process.name}"
        for group in real.process_group_configs
        for process in group.process_configs
    }
    targets = reading.settings.targets
    assert targets
    assert {slot.name for target in targets for slot in target.slots} <= known
