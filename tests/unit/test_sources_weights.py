"""edges/sources: what a change of a file asks for, by signal_on, ignore_on and run_on."""

from __future__ import annotations

from supervisor_reload.core.model import ReactionSettings, RunRule
from supervisor_reload.core.revision import has_same_code

REACTIONS = ReactionSettings(
    signal_on=("*.html",),
    ignore_on=("docs/", "*.md"),
    run_on=(
        RunRule(patterns=("requirements*.txt",), command=("pip",)),
        RunRule(patterns=("docs/*", "/main.py"), command=("make",)),
    ),
)


def test_a_light_file_changes_only_the_second_part(app, reader):
    """
    A template is another content of the same code; a source is another code.
    """
    web = reader(app, reactions=REACTIONS)
    (app / "page.html").write_text("1")
    before = web.look()
    (app / "page.html").write_text("2")
    light = web.look(app / "page.html")
    assert light.revision != before.revision
    assert has_same_code(light.revision, before.revision)
    (app / "main.py").write_text("2")
    assert not has_same_code(web.look(app / "main.py").revision, light.revision)


def test_an_ignored_file_changes_no_revision_but_is_told(app, reader):
    """
    A file of ignore_on is watched for the rules of run_on: it is named, and that is all.
    """
    web = reader(app, reactions=REACTIONS)
    before = web.look()
    (app / "docs").mkdir()
    (app / "docs" / "index.html").write_text("x")
    (app / "notes.md").write_text("x")
    after = web.look(app / "docs", app / "notes.md")
    assert after.revision == before.revision
    assert after.changed == (str(app / "docs" / "index.html"), str(app / "notes.md"))
    assert after.rules == (1,)


def test_files_that_go_are_taken_out_by_the_weight_they_came_with(app, reader):
    """
    A light, an ignored and a heavy file come and go, and nothing is left of them.
    """
    web = reader(app, reactions=REACTIONS)
    before = web.look()
    files = [app / "a.html", app / "b.md", app / "c.py"]
    for file in files:
        file.write_text("x")
    assert web.look(*files).revision != before.revision
    for file in files:
        file.unlink()
    assert web.look(*files).revision == before.revision


def test_rules_are_those_of_all_that_changed_since_the_last_final_reading(app, reader):
    """
    An early reading's rules come again with the final one; the first reading has none.
    """
    web = reader(app, reactions=REACTIONS)
    (app / "requirements-dev.txt").write_text("1")
    assert web.look().rules == ()
    (app / "requirements-dev.txt").write_text("2")
    assert web.look(app / "requirements-dev.txt", final=False).rules == (0,)
    (app / "main.py").write_text("2")
    assert web.look(app / "main.py").rules == (0, 1)
    (app / "pkg" / "mod.py").write_text("2")
    assert web.look(app / "pkg" / "mod.py").rules == ()


def test_a_single_watched_file_goes_by_its_last_part(app, reader):
    """
    It has no name below the watched path, so its own name is what the patterns meet.
    """
    (app / "page.html").write_text("1")
    web = reader(app / "page.html", app / "main.py", reactions=REACTIONS)
    before = web.look()
    (app / "page.html").write_text("2")
    after = web.look(app / "page.html")
    assert after.revision != before.revision
    assert has_same_code(after.revision, before.revision)
    (app / "main.py").write_text("2")
    assert web.look(app / "main.py").rules == (1,)
