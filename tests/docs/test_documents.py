"""The documents as documents: links, names, lengths, and that every block is looked at by some test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from supervisor.supervisorctl import DefaultControllerPlugin

from supervisor_reload import cli, ctlplugin
from supervisor_reload.core.phase import TRANSITIONS, Phase

from .blocks import DOCUMENTS, LINK, ROOT, all_blocks, anchors, prose
from .headings import SCENARIOS

READ_BY_A_TEST = {"ini", "log", "run", "console", "mermaid", "text", "python", "sh", "js", "javascript", "go"}
READ_BY_A_TEST |= {"yaml", "cfg", "dockerfile", "systemd"}
"""``text`` is a drawing or an output; the programs are read by tests of their own page (test_notify_blocks,
test_servers, test_metrics, test_started, test_others); every other kind has a module of its own here."""

PATH = re.compile(r"`((?:[\w.]+/)+|(?:[\w.]+/)*\w+\.(?:py|toml))`")

THEIRS = {"web.py", "wsgi.py", "worker.py", "NAME.py"}
"""Files of the reader, or made up."""


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_links_lead_somewhere(document):
    """Every link inside the repository leads to a file, and to a heading where it names one."""
    for link in LINK.findall(prose(document)):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = document.parent / name if name else document
        assert target.exists(), f"{document.name}: {link}"
        if anchor:
            assert anchor in anchors(target), f"{document.name}: {link}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_named_files_exist(document):
    """A path of ours that a document names is there, from the root, in the package or in its own section."""
    for name in PATH.findall(prose(document)):
        if name.rpartition("/")[2] in THEIRS:
            continue
        places = [ROOT / name, ROOT / "supervisor_reload" / name, ROOT / "supervisor_reload" / "core" / name]
        assert any(place.exists() for place in places), f"{document.name}: {name}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_named_commands_exist(document):
    """Every verb of supervisor-reload and of supervisorctl that a document names is one."""
    text = document.read_text(encoding="utf-8")
    for verb in re.findall(r"(?<!\[)supervisor-reload ([a-z]+)", text):
        assert verb in {**cli.VERBS, **cli.BECOMING}, f"{document.name}: supervisor-reload {verb}"
    for verb in re.findall(r"supervisorctl (?:-\S+ \S+ )?([a-z]+)", text):
        known = verb == ctlplugin.VERB or hasattr(DefaultControllerPlugin, f"do_{verb}")
        assert known, f"{document.name}: supervisorctl {verb}"


def test_options_of_run_are_those_that_exist(capsys):
    """README names every option of ``run``, and no other."""
    with pytest.raises(SystemExit):
        cli.main(["run", "--help"])
    exist = set(re.findall(r"^  (--[a-z-]+)", capsys.readouterr().out, flags=re.MULTILINE))
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text[text.index("## Without any configuration") : text.index("## With your supervisord.conf")]
    named = set(re.findall(r"(--[a-z-]+)", section))
    theirs = {"--help", "--reload", "--no-access-log", "--fd"}  # uvicorn's
    assert named - theirs == exist - theirs


@pytest.mark.parametrize(("name", "most"), [("README.md", 300), ("CONTRIBUTING.md", 150)])
def test_documents_are_short(name, most):
    """Who reads it gets to the end."""
    assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= most


def test_every_block_is_looked_at():
    """A block of a new kind, or a command under a heading that no scenario knows, needs a test."""
    for block in all_blocks():
        assert block.language in READ_BY_A_TEST, f"{block}: {block.language or 'no language'}"
        if block.language == "console":
            assert (block.document, block.heading) in SCENARIOS, f"{block}: {block.heading}"


def test_slot_diagram_is_the_transition_table():
    """The drawing of a slot's life has exactly the arrows of TRANSITIONS, each once."""
    (block,) = all_blocks("mermaid")
    arrows = [
        (Phase(old), Phase(new))
        for old, new in re.findall(r"^\s*(\w+) --> (\w+): \S", block.text, re.MULTILINE)
    ]
    assert len(arrows) == len(set(arrows)) == block.text.count("-->")
    assert set(arrows) == {(old, new) for old, news in TRANSITIONS.items() for new in news}


def test_the_house_has_every_room():
    """Every module and package of supervisor_reload is drawn in docs/architecture.md."""
    house = next(block for block in all_blocks("text") if block.document == "docs/architecture.md")
    words = set(re.findall(r"\w+", house.text))
    package = ROOT / "supervisor_reload"
    rooms = [*package.iterdir(), *(package / "edges").iterdir(), *(package / "core").iterdir()]
    names = {room.stem for room in rooms if room.suffix == ".py" or (room / "__init__.py").exists()}
    assert not {name for name in names if not name.startswith("__")} - words
