"""docs/getting-started.md: the container's files agree and run; the deploy script deploys, and takes back."""

from __future__ import annotations

import re

import pytest
import yaml

from .blocks import ROOT
from .started import block, command_of_dockerfile, deployed, in_a_container

CONTAINER = "In a container"
INSTRUCTIONS = {"FROM", "COPY", "RUN", "WORKDIR", "EXPOSE", "CMD"}


@pytest.mark.integration
def test_the_container_runs():
    """What its CMD starts rolls a save out, tells of it on stdout, and ends well on TERM."""
    in_a_container()


@pytest.mark.integration
def test_the_script_deploys():
    """And puts the link back where the new code is refused."""
    deployed()


def test_the_files_of_the_container_agree():
    """Mounted is what is watched; the port is the socket's; it gets longer to stop than its programs do."""
    conf, lines = block(CONTAINER, "ini"), block(CONTAINER, "dockerfile").splitlines()
    service = yaml.safe_load(block(CONTAINER, "yaml"))["services"]["web"]
    assert {line.partition(" ")[0] for line in lines} <= INSTRUCTIONS
    copied = dict(
        re.fullmatch(r"COPY (\S+) (\S+)", line).groups() for line in lines if line.startswith("COPY")
    )
    assert copied["supervisord.conf"] + "supervisord.conf" == command_of_dockerfile()[-1]
    assert service["volumes"] == [f"./app:{copied['app/'].rstrip('/')}"]
    assert "directory=%(here)s/app" in conf
    (port,) = re.findall(r"socket=tcp://0\.0\.0\.0:(\d+)", conf)
    assert service["ports"] == [f"{port}:{port}"]
    assert f"EXPOSE {port}" in lines
    longest = max(map(int, re.findall(r"stopwaitsecs=(\d+)", conf)))
    assert int(service["stop_grace_period"].removesuffix("s")) > longest


def test_what_the_image_installs_is_there():
    """The package brings the command that CMD names."""
    assert '"supervisor>=' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert command_of_dockerfile()[0] == "supervisord"
