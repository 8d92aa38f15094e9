"""edges/sources: how far links lead, and what is opened of what they lead to."""

from __future__ import annotations

import os
import shutil
import threading
import time

import pytest

from supervisor_reload.edges.sources.reach import Reach


@pytest.mark.fault(48)
def test_a_file_outside_counts_by_the_link_alone(app, out, reader):
    """
    What is in it is nobody's business, also where a chain of links leads there; the link's text counts.
    """
    (app / "direct.py").symlink_to(out / "x.py")
    (app / "chain.py").symlink_to("direct.py")
    (app / "through.py").symlink_to("linked/x.py")
    (app / "linked").symlink_to(out)
    web = reader(app)
    web.look()
    (out / "x.py").write_text("another")
    assert web.look().changed == ()
    assert web.look(app / "direct.py", app / "chain.py", app / "through.py").changed == ()
    (app / "direct.py").unlink()
    (app / "direct.py").symlink_to(out / "deep" / "y.py")
    assert web.look(app / "direct.py").changed == (str(app / "direct.py"),)


@pytest.mark.parametrize("is_swapped", [False, True])
def test_a_file_inside_is_read(app, out, tmp_path, reader, is_swapped):
    """
    Inside is what lies below any watched path, wherever that leads now, by whatever way the link goes.
    """
    current = tmp_path / "current"
    current.symlink_to("app")
    (out / "back").symlink_to(app)
    (app / "own.py").symlink_to(app / "main.py")
    (app / "round.py").symlink_to(out / "back" / "main.py")
    other = tmp_path / "other.py"
    other.write_text("other")
    (app / "other.py").symlink_to(other)
    web = reader(current, other)
    web.look()
    home = app
    if is_swapped:
        home = tmp_path / "app2"
        shutil.copytree(app, home, symlinks=True)
        for name in ("own.py", "round.py"):
            (home / name).unlink()
        (home / "own.py").symlink_to("main.py")
        (home / "round.py").symlink_to(home / "pkg" / ".." / "main.py")
        current.unlink()
        current.symlink_to("app2")
        web.look(current)
    (home / "main.py").write_text("2")
    found = web.look(*(current / name for name in ("main.py", "own.py", "round.py"))).changed
    assert found == tuple(str(current / name) for name in ("main.py", "own.py", "round.py"))
    other.write_text("2")
    assert web.look().changed == (str(current / "other.py"), str(other))


def test_a_watched_file_may_be_a_link(out, tmp_path, reader):
    """
    The operator named it.
    """
    env = tmp_path / "env"
    env.symlink_to(out / "x.py")
    web = reader(env)
    web.look()
    (out / "x.py").write_text("2")
    assert web.look(env).changed == (str(env),)
    env.unlink()
    env.symlink_to(out / "deep" / "y.py")
    assert web.look(env).changed == (str(env),)


@pytest.mark.parametrize("follows", [False, True])
def test_a_gitignore_outside(app, out, reader, follows):
    """
    Its lines are rules only where links are followed.
    """
    (out / "rules").write_text("pkg/\n")
    (app / ".gitignore").symlink_to(out / "rules")
    web = reader(app, follow_symlinks=follows)
    web.look()
    (app / "pkg" / "mod.py").write_text("2")
    assert web.look().changed == (() if follows else (str(app / "pkg" / "mod.py"),))


@pytest.mark.fault(48)
@pytest.mark.parametrize("name", ["pkg", "pkg/mod.py"])
def test_what_is_exchanged_between_the_judgement_and_the_opening(app, out, monkeypatch, name):
    """
    A directory on the way, or the file itself, becomes a link to another one of the same name.
    """
    (out / "mod.py").write_text("secret")
    (app / "link").symlink_to("pkg/mod.py")
    reach = Reach((str(app),), is_open=False)
    reach.refresh()
    resolve = os.path.realpath

    def exchange(path, *, strict=False):
        real = resolve(path, strict=strict)
        if strict and not (app / name).is_symlink():
            (app / name).rename(app / "away")
            (app / name).symlink_to(out / "mod.py" if name.endswith(".py") else out)
        return real

    monkeypatch.setattr("os.path.realpath", exchange)
    assert reach.open_linked(str(app / "link")) is None


def test_a_watched_path_that_leads_elsewhere_in_the_middle_of_a_look(app, tmp_path):
    """
    What is inside is judged by where the path leads now.
    """
    (tmp_path / "current").symlink_to("nowhere")
    (app / "link").symlink_to(app / "main.py")
    reach = Reach((str(tmp_path / "current"),), is_open=False)
    reach.refresh()
    assert reach.open_linked(str(app / "link")) is None
    (tmp_path / "current").unlink()
    (tmp_path / "current").symlink_to("app")
    descriptor = reach.open_linked(str(app / "link"))
    assert descriptor is not None
    os.close(descriptor)


def test_links_that_are_exchanged_all_the_time(app, out):
    """
    Whatever is opened is inside.
    """
    (out / "mod.py").write_text("secret")
    (app / "link").symlink_to("way/mod.py")
    over = threading.Event()

    def exchange() -> None:
        while not over.is_set():
            for leads_to in ("pkg", out):
                (app / "next").symlink_to(leads_to)
                (app / "next").rename(app / "way")

    reach = Reach((str(app),), is_open=False)
    reach.refresh()
    thread = threading.Thread(target=exchange)
    thread.start()
    read: set[str] = set()
    try:
        deadline = time.monotonic() + 20
        tries = 0
        while tries < 3000 or (len(read) < 2 and time.monotonic() < deadline):
            tries += 1
            try:
                descriptor = reach.open_linked(str(app / "link"))
            except FileNotFoundError:
                continue
            if descriptor is None:
                read.add("")
            else:
                with os.fdopen(descriptor) as file:
                    read.add(file.read())
    finally:
        over.set()
        thread.join()
    assert read == {"", "mod"}
