"""The screens of docs/captures.md: the script that takes them works, and they show what they should."""

from __future__ import annotations

import re

import pytest

from . import captures
from .blocks import all_blocks
from .tmux import IS_INSTALLED, WIDTH


@pytest.mark.integration
@pytest.mark.skipif(not IS_INSTALLED, reason="tmux is not installed")
def test_the_script(tmp_path, monkeypatch):
    """With two processes that boot quickly: each screen shows what its heading says."""
    monkeypatch.setattr(captures, "FILE", tmp_path / "captures.md")
    monkeypatch.setattr(captures, "IMAGE", tmp_path / "images" / "watch.svg")
    monkeypatch.setattr(captures, "captured", lambda whole=captures.captured: whole(slots=2, boot=0.3))
    captures.main()
    shows(captures.FILE.read_text(encoding="utf-8"), slots=2)


def test_the_page():
    """What is in docs/ now shows it, too."""
    shows(captures.ROOT.joinpath("docs", "captures.md").read_text(encoding="utf-8"), slots=captures.SLOTS)


def shows(page, slots):
    """Every screen fits on its terminal, and has what makes it worth showing."""
    screens = dict(
        re.findall(r"^## ([^\n]*)\n\n[^\n]*\n\n```text\n(.*?)\n```", page, re.MULTILINE | re.DOTALL)
    )
    assert [*SHOWN] == [*screens]
    for heading, patterns in SHOWN.items():
        assert max(map(len, screens[heading].splitlines())) <= WIDTH
        for pattern in patterns:
            words = pattern.format(slots=slots, half=slots // 2, quarters="#" * 5 + "." * 5)
            assert re.search(words, screens[heading], re.MULTILINE), (heading, words, screens[heading])
    for secret in ("/tmp/sr-", "Error", "Unknown"):
        assert secret not in re.sub("ModuleNotFoundError", "", page)


SHOWN = {
    "Everything serves": (r"^supervisor> rollout status$", r"^web +READY +revision", r"uptime .*\(newest\)"),
    "A file was saved": (
        r"^web +ROLLING +\[{quarters}\] {half} of {slots} ready, rollout 1 to ",
        r"^    waits for its probe, \d+ s left of ready_timeout",
    ),
    "It is done": (r"^supervisor> rollout status --watch$", r"^web +READY", r"^supervisor>$"),
    "Paused": (r"^web: paused$", r"^web +PAUSED", r"^  waits for resume$", r"\(old\)$"),
    "Resumed": (r"^web: resumed$", r"^web: [0-9a-f]{{12}} serves$", r" 2  [0-9a-f]{{12}}  complete"),
    "A bad save": (r"^web +HELD", r"older code is served by web:web_01", r"No module named 'shopping_cart'"),
    "The next good save": (r" 3  [0-9a-f]{{12}}  halted ", r" 4  [0-9a-f]{{12}}  complete "),
}


def test_each_is_looked_at():
    """A screen that is added needs a line here."""
    assert {block.heading for block in all_blocks("text") if block.document == "docs/captures.md"} == {*SHOWN}
