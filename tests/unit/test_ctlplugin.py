"""What the plugin says in supervisorctl, without one."""

from __future__ import annotations

import sys

from supervisor_reload import ctlplugin

COLUMN = 32
"""Where each explanation begins"""


class Said:
    """What the plugin needs of supervisorctl."""

    nohelp = "*** No help on %s"

    def __init__(self) -> None:
        self.options = None
        self.exitstatus = 0
        self.lines: list[str] = []

    def output(self, text: str) -> None:
        self.lines += text.splitlines()

    def print_topics(self, header, commands, width, most) -> None:
        self.lines += [header, *commands]


def test_help_is_about_our_verb_only():
    """
    supervisorctl asks each plugin in turn; to what is another's we say nothing.
    """
    said = Said()
    plugin = ctlplugin.make_rollout_ctlplugin(said)
    for topic in ("status", "reread", "help", "nonsense"):
        plugin.do_help(topic)
    assert said.lines == []
    plugin.do_help("")
    assert said.lines[-2:] == ["supervisor_reload commands (type help <topic>):", "rollout"]
    said.lines.clear()
    plugin.do_help("rollout")
    assert said.lines == ctlplugin.HELP.splitlines()


def test_help_names_every_verb_in_80_columns():
    lines = [line.expandtabs() for line in ctlplugin.HELP.splitlines()]
    assert {line[COLUMN - 1] for line in lines} == {" "}
    assert all(line[COLUMN] != " " for line in lines)
    assert max(map(len, lines)) < 80
    named = " ".join(line[:COLUMN].replace("|", " ") for line in lines).split()
    assert set(ctlplugin.VERBS) <= set(named)


def test_a_dependency_that_is_missing(monkeypatch):
    """
    The sentence says for which Python it must be installed.
    """
    monkeypatch.setitem(sys.modules, "supervisor_reload.cli", None)
    said = Said()
    ctlplugin.make_rollout_ctlplugin(said).do_rollout("status")
    (line,) = said.lines
    assert line.startswith("Error: rollout status failed: ")
    assert line.endswith(f": install supervisor-reload with its dependencies for {sys.executable}")
    assert said.exitstatus == ctlplugin.GENERIC
