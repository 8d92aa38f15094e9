"""The verb ``status``: how each target stands, and each of its processes. It only shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from .credentials import Server
from .glance import Glances
from .lines import page
from .looking import looking
from .page import is_terminal, say, say_json


def show_status(
    config_file: str | None,
    names: Sequence[str],
    stream: TextIO,
    errors: TextIO,
    *,
    server: Server | None = None,
    as_json: bool = False,
) -> int:
    """Write how the targets of these names (all without any) stand; returns the exit status.

    On a terminal with bars, and with what each wait is for. Raises ConfigErrors, and Unknown where there is
    nothing to tell.
    """
    glance = Glances(names).at(looking(config_file, server)())
    for line in glance.refused:
        say(errors, line)
    if as_json:
        say_json(stream, glance.told())
    else:
        for line in page(glance, is_live=is_terminal(stream)):
            say(stream, line)
    return glance.code
