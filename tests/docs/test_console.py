"""The documents' commands do what is said, and the log that README shows is what a save brings."""

from __future__ import annotations

import pytest

from benchmarks.service import Service

from .headings import SCENARIOS
from .scenarios import LIMIT, blocks_under, commands_under, exchanged
from .shape import shape

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(("document", "heading"), SCENARIOS)
def test_commands_do_what_is_said(document, heading):
    """Every command under the heading runs, and prints what the document shows."""
    SCENARIOS[document, heading](commands_under(document, heading))


def test_a_save_is_told_as_readme_shows():
    """README's first log is, line by line, what the listener says of a save under etc/swap.conf."""
    (shown,) = blocks_under("README.md", "supervisor_reload", "log")
    with Service.of_etc("swap.conf") as service:
        supervisord = service.supervisord
        supervisord.wait_for(lambda: " left after " in supervisord.stderr("reload"), LIMIT, "one replica")
        before = supervisord.stderr("reload")
        service.save("2", atomic=True)
        supervisord.wait_for(lambda: "complete: " in supervisord.stderr("reload"), LIMIT, "a rollout")
        told = supervisord.stderr("reload").removeprefix(before)
    assert shape(told) in (shape(shown.text), shape(exchanged(shown.text)))
