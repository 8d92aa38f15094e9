"""edges/watching: roots that are replaced, come late, are links or single files."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from supervisor_reload.core.model import ObserverKind
from tests.integration.listener import (
    RESCAN,
    made_until_seen,
    replace_by_making_it_again,
    replace_by_moving,
)


@pytest.mark.fault(16)
@pytest.mark.parametrize("replace", [replace_by_making_it_again, replace_by_moving])
@pytest.mark.parametrize("observer", [ObserverKind.NATIVE, ObserverKind.POLLING])
def test_a_root_that_is_replaced_is_watched_again(app, watch, replace, observer):
    """
    It is to be read as a whole, and a file made in it later is told.
    """
    seen = watch(app, observer=observer, poll_interval=0.1)
    for round_number in range(3):
        seen.forget()
        replace(app)
        shutil.rmtree(app.parent / "last", ignore_errors=True)
        if observer is ObserverKind.NATIVE:  # polling may find the same inode, and tells every file instead
            seen.wait(app, RESCAN)
        made_until_seen(app, seen, f"round{round_number}_")


def test_a_root_that_comes_late(tmp_path, watch):
    """
    A path of which several parts are missing is watched as soon as it is there.
    """
    late = tmp_path / "a" / "b" / "c"
    seen = watch(late)
    late.mkdir(parents=True)
    seen.wait(late, RESCAN)
    made_until_seen(late, seen, "x")


@pytest.mark.fault(17)
@pytest.mark.parametrize("how", ["ln -sfn", "mv -T"])
def test_a_link_that_is_swapped(app, tmp_path, watch, how):
    """
    The new target is read and watched, under the configured name; the old one is forgotten.
    """
    other = tmp_path / "other"
    other.mkdir()
    current = tmp_path / "current"
    current.symlink_to("app")
    seen = watch(current)
    (app / "main.py").write_text("1")
    seen.wait(current / "main.py")
    seen.forget()
    if how == "mv -T":
        (tmp_path / "next").symlink_to("other")
        os.replace(tmp_path / "next", current)
    else:
        subprocess.run(["ln", "-sfn", "other", str(current)], check=True)
    seen.wait(current, RESCAN)
    made_until_seen(current, seen, "new")
    seen.forget()
    (app / "main.py").write_text("2")
    made_until_seen(current, seen, "newer")
    assert not [fact for fact in seen.facts if fact.path.endswith("main.py")]


@pytest.mark.fault(17)
def test_a_link_in_the_middle_of_the_path(tmp_path, watch):
    """
    Every link on the way is watched, not only the last part.
    """
    for release in ("1", "2"):
        (tmp_path / release / "app").mkdir(parents=True)
    (tmp_path / "current").symlink_to("1")
    (tmp_path / "srv").symlink_to(tmp_path / "current" / "app")
    seen = watch(tmp_path / "srv")
    (tmp_path / "next").symlink_to("2")
    os.replace(tmp_path / "next", tmp_path / "current")
    seen.wait(tmp_path / "srv", RESCAN)
    made_until_seen(tmp_path / "srv", seen, "x")


def test_a_single_file(app, watch):
    """
    Only its own events count, also after an editor replaced it and git deleted and made it.
    """
    seen = watch(app / "main.py")
    (app / "other.py").write_text("x")
    (app / "main.py.new").write_text("new")
    os.replace(app / "main.py.new", app / "main.py")
    seen.wait(app / "main.py")
    (app / "main.py").unlink()
    (app / "main.py").write_text("again")
    seen.forget()
    (app / "main.py").write_text("and again")
    seen.wait(app / "main.py")
    assert {fact.path for fact in seen.facts} == {str(app / "main.py")}
