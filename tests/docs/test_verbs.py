"""docs/verbs.md: every verb, as the command line has it."""

from __future__ import annotations

import re

from supervisor_reload import cli

from .verbs import FILE, PLACE, filled, parsers


def test_it_is_generated():
    """Synopses, exit statuses, options: else ``python -m tests.docs.verbs`` writes them."""
    text = FILE.read_text(encoding="utf-8")
    assert filled(text) == text


def test_every_verb_is_there():
    """Each under a heading of its own, in which its name stands."""
    text = FILE.read_text(encoding="utf-8")
    assert {*cli.VERBS, *cli.BECOMING} == {verb for _, verb, _ in PLACE.findall(text)}
    assert {*cli.VERBS, *cli.BECOMING} <= set(re.findall(r"^## (\w+)$", text, re.MULTILINE))
    assert {*cli.VERBS} <= {*parsers()}
