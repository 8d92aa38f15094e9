"""edges/sources: what is behind links out of the watched paths, where ``follow_symlinks`` says so."""

from __future__ import annotations

import os
import random
import shutil

import pytest

from supervisor_reload.core.filters import Filter
from supervisor_reload.edges.sources import linked
from tests.fakes.lives import live, names


def test_what_is_behind_a_followed_link_counts(app, out, reader):
    """
    Under its real path: when it comes, changes, and goes with its link; as one who comes new would tell it.
    """
    web = reader(app, follow_symlinks=True)
    before = web.look()
    (app / "link").symlink_to(out)
    inside = (str(out / "deep" / "y.py"), str(out / "x.py"))
    came = web.look(app / "link")
    assert came.changed == (str(app / "link"), *inside)
    assert came.revision == reader(app, follow_symlinks=True).look().revision == web.look().revision
    (out / "x.py").write_text("2")
    assert web.look(out / "x.py").changed == (str(out / "x.py"),)
    (out / "deep" / "y.py").write_text("2")
    assert web.look().changed == (str(out / "deep" / "y.py"),)
    (app / "link").unlink()
    gone = web.look(app / "link")
    assert gone.changed == (str(app / "link"), *inside)
    assert gone.revision == before.revision


def test_a_link_in_the_middle_of_a_chain_is_exchanged(app, out, tmp_path, reader):
    """
    Nothing of the link in the tree changed; a look at it finds it.
    """
    shutil.copytree(out, tmp_path / "out2")
    (tmp_path / "current").symlink_to("out")
    (app / "link").symlink_to(tmp_path / "current")
    web = reader(app, follow_symlinks=True)
    web.look()
    (tmp_path / "current").unlink()
    (tmp_path / "current").symlink_to("out2")
    changed = web.look(app / "link").changed
    assert {str(out / "x.py"), str(tmp_path / "out2" / "x.py")} < set(changed)


def test_circles_and_second_links_are_read_once(app, out, tmp_path, reader):
    """
    To itself, upwards, to one another, to the whole machine: each directory counts once, and it ends.
    """
    other = tmp_path / "other"
    other.mkdir()
    (other / "z.py").write_text("z")
    (app / "one").symlink_to(out)
    web = reader(app, follow_symlinks=True)
    web.look()
    links = {app / "self": ".", app / "pkg" / "up": "..", app / "root": "/", app / "two": out / "deep"}
    links |= {out / "other": other, other / "back": out, other / "up": "..", out / "home": app}
    for link, leads_to in links.items():
        link.symlink_to(leads_to)
    assert web.look().changed == tuple(sorted({*map(str, links), str(other / "z.py")}))
    (out / "deep" / "y.py").write_text("2")
    assert web.look().changed == (str(out / "deep" / "y.py"),)
    assert {each.real for each in web.sources.linked("web")} == {str(out), str(other)}


def test_what_a_followed_link_is_judged_by(app, out, reader):
    """
    The link as a directory of its name; what is behind it as if the directory were one more watched path.
    """
    (out / ".gitignore").write_text("/deep\n")
    (out / "x.txt").write_text("x")
    (app / "vendor").symlink_to(out)
    (app / "node_modules").symlink_to(out / "deep")
    web = reader(app, follow_symlinks=True, include=("*.py",))
    web.look()
    (out / "deep" / "y.py").write_text("2")
    (out / "x.txt").write_text("2")
    assert web.look().changed == ()
    (out / "x.py").write_text("2")
    assert web.look().changed == (str(out / "x.py"),)
    (app / "vendor").rename(app / "node_modules2")
    assert web.look().changed == ()
    (app / "node_modules2").unlink()
    assert web.look().changed == (str(out / "x.py"),)


def test_links_to_too_many_directories(app, tmp_path, reader, monkeypatch, caplog):
    """
    The first of them by name are followed, and it is said once.
    """
    monkeypatch.setattr(linked, "MOST", 2)
    for name in "abc":
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.py").write_text("x")
        (app / name).symlink_to(tmp_path / name)
    web = reader(app, follow_symlinks=True)
    web.look()
    for name in "cab":
        (tmp_path / name / "x.py").write_text("2")
    assert web.look().changed == (str(tmp_path / "a" / "x.py"), str(tmp_path / "b" / "x.py"))
    told = f"links in {app} lead to more than 2 directories outside: the others are not followed"
    assert [told] == [record.getMessage() for record in caplog.records]


def test_what_changed_behind_links_while_nobody_looked(app, out, tmp_path):
    """
    Known by name, as of any watched path.
    """
    state = tmp_path / "state"
    (app / "link").symlink_to(out)
    _, mark = live(state, app, follow_symlinks=True)
    (out / "deep" / "y.py").write_text("2")
    (out / "new.py").write_text("new")
    (out / "x.py").unlink()
    first, _ = live(state, app, known=mark, follow_symlinks=True)
    assert names(first, out) == {"deep/y.py", "new.py", "x.py"}


@pytest.mark.parametrize("seed", range(8))
def test_looks_never_drift_from_a_first_look(tmp_path, reader, seed):
    """
    Whatever links come, go and lead elsewhere: the same files have the same revision.
    """
    dice = random.Random(seed)
    places = [tmp_path / name for name in ("root", "a", "b", "b/c", "d")]
    for place in places:
        place.mkdir()
    web = reader(tmp_path / "root", follow_symlinks=True)
    web.look()
    for step in range(25):
        path = dice.choice(places) / dice.choice("pqrs")
        if os.path.lexists(path):
            path.unlink()
        elif dice.random() < 0.6:
            path.symlink_to(dice.choice([*places, tmp_path, "p", "nowhere"]))
        else:
            path.write_text(str(step))
        # what a link leads to through another one is found by a look at it, if only that of the next rescan
        links = [link for place in places for link in place.iterdir() if link.is_symlink()]
        told = web.look(path, *links) if dice.random() < 0.5 else web.look()
        newcomer = reader(tmp_path / "root", follow_symlinks=True)
        assert told.revision == newcomer.look().revision, (seed, step, path)
        newcomer.sources.close()


def test_git_at_work_behind_a_link(app, out, reader):
    """
    It holds a burst open as it does in any watched path.
    """
    (app / "link").symlink_to(out)
    (out / ".git").mkdir()
    web = reader(app, follow_symlinks=True)
    web.look()
    assert not web.git()
    (out / ".git" / "index.lock").write_text("")
    assert web.git()


def test_the_watching_judges_by_the_same_rules(app, out, reader):
    """
    The filter that goes with a link has what the files there say.
    """
    (out / ".gitignore").write_text("deep/\n")
    (app / "link").symlink_to(out)
    web = reader(app, follow_symlinks=True)
    assert web.sources.linked("web") == ()
    web.look()
    (found,) = web.sources.linked("web")
    assert (found.link, found.real) == (str(app / "link"), str(out))
    assert isinstance(found.filter, Filter)
    assert not found.filter.directory_is_watched("deep")
