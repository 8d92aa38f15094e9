"""What a fuzz of the configuration found: each is an error or a warning that can be shown, never a crash."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from supervisor_reload import config
from supervisor_reload.config.values import LONGEST_SECONDS
from supervisor_reload.core.errors import ConfigErrors
from supervisor_reload.core.filters import Filter
from supervisor_reload.core.model import WatchSettings

ETC = Path(__file__).resolve().parents[2] / "etc"


def errors_of(path: Path, text: str) -> str:
    path.write_text(text)
    with pytest.raises(ConfigErrors) as caught:
        config.read(str(path))
    return str(caught.value)


def test_a_section_whose_name_would_move_the_cursor(tmp_path: Path) -> None:
    """It is told, in letters."""
    told = errors_of(tmp_path / "s.conf", "[supervisord]\n[eventlistener:a\x1b[31m]\ncommand=x\n")
    assert r"[eventlistener:a\x1b[31m]" in told
    assert "\x1b" not in told


@pytest.mark.parametrize("key", ["startsecs", "stopwaitsecs"])
def test_seconds_beyond_measure(tmp_path: Path, key: str) -> None:
    """supervisord takes any whole number; a float does not hold it."""
    (tmp_path / "app").mkdir()
    (tmp_path / "run").mkdir()
    path = tmp_path / "s.conf"
    text = re.sub(r"^stopwaitsecs=.*$", "", (ETC / "minimal.conf").read_text(), flags=re.MULTILINE)
    text = re.sub(r"^check=python.*$", "", text, flags=re.MULTILINE)  # which looks for the server
    path.write_text(text.replace("[program:web]", f"[program:web]\n{key}={'9' * 400}", 1))
    target = config.read(str(path)).settings.targets[0]
    read = {"startsecs": target.slots[0].startsecs, "stopwaitsecs": target.stop_timeout}
    assert LONGEST_SECONDS == read[key]


@pytest.mark.parametrize("key", ["include", "exclude", "signal_on"])
def test_a_pattern_that_no_regular_expression_can_hold(tmp_path: Path, key: str) -> None:
    """pathspec raises re.error for it, which is no ValueError."""
    text = f"[supervisord]\n[program:web]\ncommand=x\n[reload:web]\nwatch=.\n{key}=a[b-a]\n"
    assert "bad character range b-a" in errors_of(tmp_path / "s.conf", text)


def test_the_same_in_a_gitignore_file() -> None:
    """Of somebody else's tree: that line is no rule, the others are."""
    rules = Filter(WatchSettings(paths=("/src",)))
    rules.set_gitignore("", "*.log\na[b-a]\n")
    assert not rules.file_is_watched("a.log")
    assert rules.file_is_watched("ab.py")


NAMES = {
    "[program:a\x01b]\ncommand=x\n": (r"[program:a\x01b]", "U+0001"),
    "[program:b]\ncommand=x\nprocess_name=b\x1b[2J\n": ("[program:b] process_name", "U+001B"),
    "[program:b]\ncommand=x\nstdout_logfile=%(here)s/\x02\n": (
        "[program:b] stdout_logfile, stderr_logfile",
        "U+0002",
    ),
    "[program:b]\ncommand=x\n[group:g\uffff]\nprograms=b\n": ("[program:b]", "U+FFFF"),
    "[eventlistener:l\x04]\ncommand=x\nevents=TICK_5\n": (r"[eventlistener:l\x04]", "U+0004"),
}


@pytest.mark.parametrize("section", NAMES)
def test_a_name_that_is_no_xml(tmp_path: Path, section: str) -> None:
    """supervisord's answer about all processes would be one that no client can read."""
    where, letter = NAMES[section]
    told = errors_of(tmp_path / "s.conf", "[supervisord]\n" + section)
    assert f"{where}: has the character {letter}, which has no place in XML" in told


def test_names_in_any_script_are_xml(tmp_path: Path) -> None:
    """Also a tab, DEL, and what XML itself uses: supervisord quotes those."""
    text = "[supervisord]\n[program:a\tb\x7f&<\u00e9\U0001f600]\ncommand=x\n"
    assert "no place in XML" not in errors_of(tmp_path / "s.conf", text)
