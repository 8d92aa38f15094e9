"""Configuration that is not ours, and what the pages say of other tools: as their own programs have it."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec

import pytest
from supervisor.options import ServerOptions

from supervisor_reload.arguments import parse

from . import recipes
from .blocks import ROOT, Block, all_blocks
from .test_configuration import HEAD, completed, own_listener

MIGRATING = ROOT / "docs" / "migrating.md"


@pytest.mark.parametrize("block", all_blocks("cfg"), ids=str)
def test_supervisor_accepts_it(block, tmp_path):
    """What a reader has, or gets from init, is a configuration with programs or an event listener."""
    (tmp_path / "run").mkdir()
    file = tmp_path / "supervisord.conf"
    file.write_text(HEAD + block.text.replace("/srv", str(tmp_path)), encoding="utf-8")
    real = ServerOptions()
    try:
        real.realize(["-c", str(file)], doc="")
    finally:
        real.poller.close()
    assert real.process_group_configs


def test_recipes_are_inits_own():
    """`python -m tests.docs.recipes` writes them anew; each recipe is on the page once."""
    text = recipes.FILE.read_text(encoding="utf-8")
    assert text == recipes.filled(text)
    named = re.findall(r"<!-- recipe: (\S+) -->", text)
    assert sorted(named) == sorted([recipes.LISTENER, *(each.name for each in recipes.RECIPES)])


def test_our_section_is_readmes():
    """Both tell the same listener."""
    (shown,) = re.findall(
        r"<!-- recipe: listener -->\n\n```cfg\n(.*?)```", recipes.FILE.read_text("utf-8"), re.DOTALL
    )
    keys = [line.partition(" ;")[0].rstrip() for line in shown.splitlines() if not line.startswith(";")]
    keys = [key for key in keys if not key.startswith("stderr_logfile=")]  # init's: beside supervisord's
    assert keys == own_listener().split("\n")[: len(keys)]


def options_named(tool: str) -> set[str]:
    """The options in the first column of the table under a tool's heading."""
    text = MIGRATING.read_text(encoding="utf-8")
    section = re.split(r"(?m)^## ", text)[1:]
    (found,) = [each for each in section if each.startswith(f"{tool}\n")]
    rows = re.findall(r"(?m)^\| (`.*?) \|", found)
    return {option for row in rows for option in re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", row)}


def options_of(*words: str) -> set[str]:
    """Those that its own help names."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *words, "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*(?<!-)", done.stdout))


@pytest.mark.skipif(find_spec("superfsmon") is None, reason="superfsmon (the extra [bench]) is not installed")
def test_every_option_of_superfsmon_has_its_row():
    """One by one, and none that does not exist."""
    code = "import sys; sys.argv[0] = 'superfsmon'; from superfsmon.superfsmon import main; main()"
    assert options_named("superfsmon") == options_of("-c", code) - {"-h", "--help"}


def test_uvicorns_options_exist():
    """All that are about reloading."""
    theirs = {option for option in options_of("-m", "uvicorn") if option.startswith("--reload")}
    assert options_named("uvicorn --reload") == theirs


def test_gunicorns_options_exist():
    assert options_named("gunicorn --reload, or HUP by hand") <= options_of("-m", "gunicorn")


def test_watchmedos_options_exist():
    """All of auto-restart; what only one version has is none of ours."""
    theirs = options_of("-m", "watchdog.watchmedo", "auto-restart")
    assert options_named("watchmedo") <= theirs
    assert len(options_named("watchmedo")) >= 10


def test_what_stands_beside_ours_is_a_program_of_the_page():
    """Each configuration before has one after, under the same heading."""
    before = {block.heading for block in all_blocks("cfg") if block.document == "docs/migrating.md"}
    after = {block.heading for block in all_blocks("ini") if block.document == "docs/migrating.md"}
    assert before
    assert before <= after
    assert all("[reload:" in completed(block) for block in all_blocks("ini") if block.heading in after)


def of_migrating(language: str) -> list[Block]:
    return [block for block in all_blocks(language) if block.document == "docs/migrating.md"]


@pytest.mark.parametrize("block", of_migrating("sh"), ids=str)
def test_scripts_are_scripts(block, tmp_path):
    """A shell can read each, and our parser the words of each `run` in it."""
    script = tmp_path / "script.sh"
    script.write_text(block.text, encoding="utf-8")
    subprocess.run(["sh", "-n", str(script)], check=True, timeout=10)
    for line in block.text.splitlines():
        if line.startswith("supervisor-reload "):
            assert parse(shlex.split(line)[1:]).verb in ("run", "wait")


@pytest.mark.parametrize("block", of_migrating("systemd"), ids=str)
def test_units_are_units(block):
    """Of a path unit, and with something to watch."""
    unit = configparser.ConfigParser()
    unit.read_string(block.text)
    assert unit["Path"]["pathmodified"]


@pytest.mark.parametrize("block", of_migrating("js"), ids=str)
@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_programs_are_programs(block, tmp_path):
    """Node can parse it."""
    file = tmp_path / "ecosystem.config.cjs"
    file.write_text(block.text, encoding="utf-8")
    subprocess.run(["node", "--check", str(file)], check=True, timeout=30)
