"""Fixtures of the watching tests: real directories, and what was told of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor_reload.core.model import WatchSettings
from supervisor_reload.edges.watching import limits
from tests.integration.listener import Listener


@pytest.fixture
def watch():
    listeners = []

    def make(*paths: Path, allowed=limits.watches_allowed, others=None, mounts=None, **settings) -> Listener:
        targets = {"web": WatchSettings(paths=tuple(map(str, paths)), **settings), **(others or {})}
        listener = Listener(targets, allowed, mounts)
        listeners.append(listener)
        listener.watching.start()
        return listener

    yield make
    for listener in listeners:
        listener.watching.close()


@pytest.fixture
def app(tmp_path) -> Path:
    root = tmp_path / "app"
    (root / "pkg").mkdir(parents=True)
    (root / "main.py").write_text("main")
    return root
