"""What the tests of faults do to a scene, and what they see of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from tests.integration.scene import Scene
from tests.integration.test_status import status

AWAY = r"WARNING supervisord at .*; trying again"


def edit(acted: Scene, old: str, new: str) -> None:
    text = acted.supervisord.conf.read_text()
    assert old in text
    acted.supervisord.conf.write_text(text.replace(old, new))


def kill_listener(acted: Scene) -> None:
    os.kill(acted.supervisord.process_pid("reload"), signal.SIGKILL)


def supervisords_log(acted: Scene) -> str:
    return (acted.directory / "supervisord.log").read_text(errors="backslashreplace")


@contextmanager
def without_socket(acted: Scene) -> Iterator[None]:
    """supervisord's socket has no name for a while, as when somebody tidied up /tmp."""
    kept = acted.directory / "kept"
    kept.hardlink_to(acted.supervisord.socket_file)
    acted.supervisord.socket_file.unlink()
    try:
        yield
    finally:
        kept.rename(acted.supervisord.socket_file)


def degraded(acted: Scene) -> str:
    """What ``status`` says of a listener that works; '' where all is well."""
    told = status(acted)
    first = told.out.splitlines()[0]
    assert first.startswith("degraded: ") is (told.code == 3)
    return first.removeprefix("degraded: ") if told.code else ""


def journal_of(acted: Scene) -> str:
    return (acted.directory / "supervisor_reload-supervisor" / "journal").read_text()
