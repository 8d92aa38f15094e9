"""edges/sources: real files in a temporary directory, read by the real worker."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

is_root = os.geteuid() == 0


def test_the_first_reading_has_no_changes(app, reader):
    """
    There is nothing before it that could differ.
    """
    first = reader(app).look()
    assert (first.changed, first.final) == ((), True)


def test_a_changed_file_is_told_and_only_it(app, reader):
    """
    A hint at one file gives the new revision, the same as reading everything anew would.
    """
    web = reader(app)
    before = web.look()
    (app / "main.py").write_text("main 2")
    after = web.look(app / "main.py")
    assert after.revision != before.revision
    assert after.changed == (str(app / "main.py"),)
    assert web.look().revision == after.revision == reader(app).look().revision


def test_touch_and_the_same_bytes_are_no_change(app, reader):
    """
    Time, mode and a rewrite of the same content leave the revision alone.
    """
    web = reader(app)
    before = web.look()
    os.utime(app / "main.py", (1, 1))
    (app / "main.py").chmod(0o755)
    (app / "pkg" / "mod.py").write_text("mod")
    after = web.look(app / "main.py", app / "pkg" / "mod.py")
    assert (after.revision, after.changed) == (before.revision, ())


def test_same_size_and_same_time_is_still_a_change(app, reader):
    """
    A hinted file is read even if its size and time say that nothing happened.
    """
    web = reader(app)
    os.utime(app / "main.py", (1000, 1000))
    before = web.look()
    (app / "main.py").write_text("MAIN")
    os.utime(app / "main.py", (1000, 1000))
    assert web.look(app / "main.py").revision != before.revision


def test_new_renamed_and_deleted_files(app, reader):
    """
    Each of them is a change, and undoing them gives the old revision back.
    """
    web = reader(app)
    before = web.look()
    (app / "new.py").write_text("")
    assert web.look(app / "new.py").changed == (str(app / "new.py"),)
    (app / "new.py").rename(app / "other.py")
    renamed = web.look(app / "new.py", app / "other.py")
    assert renamed.changed == (str(app / "new.py"), str(app / "other.py"))
    (app / "other.py").unlink()
    assert web.look(app / "other.py").revision == before.revision


def test_a_directory_hint_reads_everything_below(app, reader):
    """
    Directories that come, go and change into a file are followed.
    """
    web = reader(app)
    before = web.look()
    shutil.copytree(app / "pkg", app / "copy" / "deep")
    assert web.look(app / "copy").changed == (str(app / "copy" / "deep" / "mod.py"),)
    shutil.rmtree(app / "copy")
    assert web.look(app / "copy").revision == before.revision
    shutil.rmtree(app / "pkg")
    (app / "pkg").write_text("a file now")
    assert web.look(app / "pkg").changed == (str(app / "pkg"), str(app / "pkg" / "mod.py"))


def test_changes_gather_until_a_final_reading(app, reader):
    """
    An early reading tells what changed so far, the final one tells all of it, the next one nothing.
    """
    web = reader(app)
    web.look()
    (app / "main.py").write_text("1")
    early = web.look(app / "main.py", final=False)
    assert (early.changed, early.final) == ((str(app / "main.py"),), False)
    (app / "pkg" / "mod.py").write_text("2")
    both = (str(app / "main.py"), str(app / "pkg" / "mod.py"))
    assert web.look(app / "pkg" / "mod.py").changed == both
    assert web.look().changed == ()


def test_there_and_back_again_is_no_change(app, reader):
    """
    A file that is again what it was at the last final reading is not named.
    """
    web = reader(app)
    web.look()
    (app / "main.py").write_text("1")
    web.look(app / "main.py", final=False)
    (app / "main.py").write_text("main")
    assert web.look(app / "main.py").changed == ()


def test_ignored_files_don_t_count(app, reader):
    """
    Neither a scan nor a hint lets an excluded file in.
    """
    web = reader(app, exclude=("*.log",))
    before = web.look()
    (app / "__pycache__").mkdir()
    (app / "__pycache__" / "main.cpython-311.pyc").write_bytes(b"x")
    (app / "x.log").write_text("x")
    (app / ".main.py.swp").write_text("x")
    hints = (app / "__pycache__", app / "x.log", app / ".main.py.swp")
    assert web.look(*hints).revision == before.revision == web.look().revision


def test_gitignore_is_honoured_as_it_changes(app, reader):
    """
    A changed .gitignore takes the files that it names out, and lets them in again.
    """
    web = reader(app)
    before = web.look()
    (app / "pkg" / ".gitignore").write_text("*.py\n")
    assert web.look(app / "pkg" / ".gitignore").changed == (str(app / "pkg" / "mod.py"),)
    (app / "pkg" / ".gitignore").unlink()
    assert web.look(app / "pkg" / ".gitignore").revision == before.revision


def test_names_of_any_bytes(app, reader):
    """
    Line ends, per cent signs, dashes and bytes that are not UTF-8 are names like others.
    """
    web = reader(app)
    web.look()
    names = [b"a\nb.py", b"100%s.py", b"-rf", b"\xff\xfe.py", b"  ", b"x\ry", "ü".encode("latin-1")]
    for name in names:
        Path(os.fsdecode(os.path.join(os.fsencode(app), name))).write_text("x")
    paths = tuple(sorted(os.fsdecode(os.path.join(os.fsencode(app), name)) for name in names))
    assert web.look(*paths).changed == paths
    assert web.look().changed == ()


def test_what_is_not_a_file_is_never_opened(app, reader):
    """
    A FIFO without a writer, a socket and a link to itself don't hold up the reading.
    """
    web = reader(app)
    before = web.look()
    os.mkfifo(app / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.open(app, os.O_RDONLY)
        try:
            server.bind(f"/proc/self/fd/{here}/s")
        finally:
            os.close(here)
        assert web.look(app / "fifo", app / "s").revision == before.revision == web.look().revision
    (app / "loop").symlink_to("loop")
    assert web.look().changed == (str(app / "loop"),)


def test_a_link_that_led_nowhere_for_a_while(app, tmp_path, reader):
    """
    What comes behind it changes nothing of the link itself, so it is read at each look.
    """
    shared = tmp_path / "shared.py"
    (app / "linked.py").symlink_to(shared)
    one = reader(app, follow_symlinks=True)
    nowhere = one.look().revision
    shared.write_text("one")
    first = one.look()
    assert first.revision != nowhere
    assert first.changed == (str(app / "linked.py"),)
    shared.unlink()
    assert one.look().revision == nowhere
    shared.write_text("two")
    assert one.look().revision not in (nowhere, first.revision)


def test_a_single_file_that_stays_away(app, tmp_path, reader, monkeypatch):
    """
    It is about to be replaced, until that takes too long: then it was removed, and the rest counts again.
    """
    env = tmp_path / "env"
    env.write_text("A=1")
    one = reader(app, env)
    first = one.look()
    env.unlink()
    assert "is gone" in one.ask().reason
    monkeypatch.setattr("supervisor_reload.edges.sources.tree.FILE_GONE", 0.0)
    gone = one.look()
    assert gone.revision != first.revision
    assert gone.changed == (str(env),)
    (app / "main.py").write_text("two")
    assert one.look(app / "main.py").changed == (str(app / "main.py"),)
    env.write_text("A=1")
    assert one.look().changed == (str(env),)
