"""docs/troubleshooting.md: every warning, error and refusal is explained there, in its own words."""

from __future__ import annotations

import re

from .messages import FILE, lines, messages, missing, sentences, stories


def test_every_message_is_explained():
    """`python -m tests.docs.messages` prints those that are not."""
    assert missing() == []


def test_every_explanation_is_of_a_message():
    """A message that is worded anew leaves no old one behind."""
    text = FILE.read_text(encoding="utf-8")
    table = text[text.index("## Every message") :]
    cells = re.findall(r"(?m)^\| (`.*?) \|", table)
    explained = [message for cell in cells for message in re.findall(r"`([^`]+)`", cell)]
    assert sorted(explained) == sorted(messages())


def test_all_kinds_are_found():
    """What reads the code sees something of each kind; each row of the page could be missed otherwise."""
    assert "rollout halted" in set(stories())
    assert "slot stopped by hand" in set(stories()), "the event is in a variable there"
    assert any(line.startswith("the journal was damaged") for line in lines())
    assert any(line.endswith("leave it alone") for line in lines()), "the line has a name there"
    assert "already paused" in set(sentences())
    assert any("max_user_watches" in sentence for sentence in sentences())
