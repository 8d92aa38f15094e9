"""A configuration file is written whole or not at all, with everything of the old one kept."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest

from supervisor_reload.setting_up.writing import File, NotWritten

ROOT = os.geteuid() == 0


@pytest.fixture
def conf(tmp_path) -> Path:
    file = tmp_path / "supervisord.conf"
    file.write_bytes(b"old\n")
    return file


def test_the_old_file_stays_under_a_name_with_the_time(conf):
    file = File(str(conf))
    backup = Path(file.write(b"old\nnew\n"))
    assert re.fullmatch(r"supervisord\.conf\.bak-\d{8}-\d{6}", backup.name)
    assert (conf.read_bytes(), backup.read_bytes()) == (b"old\nnew\n", b"old\n")
    assert sorted(path.name for path in conf.parent.iterdir()) == [conf.name, backup.name]


def test_mode_and_owner_are_kept(conf):
    conf.chmod(0o640)
    if ROOT:
        os.chown(conf, 1, 2)
    before = conf.stat()
    backup = Path(File(str(conf)).write(b"new"))
    for file in (conf, backup):
        found = file.stat()
        assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (
            0o640,
            before.st_uid,
            before.st_gid,
        )
    assert conf.stat().st_ino != before.st_ino


def test_attributes_are_kept(conf):
    try:
        os.setxattr(conf, "user.note", b"kept")
    except OSError:
        pytest.skip("the file system has no attributes")
    File(str(conf)).write(b"new")
    assert os.getxattr(conf, "user.note") == b"kept"


def test_a_link_stays_a_link(conf, tmp_path):
    """The file that it leads to is written, where it is."""
    (tmp_path / "etc").mkdir()
    link = tmp_path / "etc" / "linked.conf"
    link.symlink_to(conf)
    backup = File(str(link)).write(b"new")
    assert (link.is_symlink(), conf.read_bytes()) == (True, b"new")
    assert Path(backup).parent == conf.parent


def test_what_somebody_else_saved_meanwhile_is_not_lost(conf):
    file = File(str(conf))
    conf.write_bytes(b"saved by hand\n")
    with pytest.raises(NotWritten, match="was changed meanwhile, and is left as it is"):
        file.write(b"new")
    assert [(path.name, path.read_bytes()) for path in conf.parent.iterdir()] == [
        (conf.name, b"saved by hand\n")
    ]


def test_a_link_that_was_turned_meanwhile(conf, tmp_path):
    other = tmp_path / "other.conf"
    other.write_bytes(b"old\n")
    link = tmp_path / "linked.conf"
    link.symlink_to(conf)
    file = File(str(link))
    link.unlink()
    link.symlink_to(other)
    with pytest.raises(NotWritten, match="meanwhile"):
        file.write(b"new")
    assert conf.read_bytes() == other.read_bytes() == b"old\n"


def test_a_backup_that_supervisord_would_read_is_refused(conf):
    """``files=conf.d/*`` would start every program of it a second time."""
    file = File(str(conf), [f"{conf.parent}/*"])
    with pytest.raises(NotWritten, match="let it name"):
        file.write(b"new")
    assert list(conf.parent.iterdir()) == [conf]


@pytest.mark.parametrize(
    ("pattern", "is_read"),
    [
        ("link/*", True),
        ("*nk/supervisord.conf.*", True),
        ("link/*.conf", False),
        ("elsewhere/*", False),
        ("link/deeper/*", False),
    ],
)
def test_a_backup_that_a_link_leads_supervisord_to(conf, tmp_path, pattern, is_read):
    """The pattern goes through a link, and the file is known by its real path."""
    for name in ("etc", "etc/elsewhere", "deeper"):
        (tmp_path / name).mkdir()
    (tmp_path / "etc" / "link").symlink_to(conf.parent)
    file = File(str(conf), [f"{tmp_path}/etc/{pattern}"])
    if not is_read:
        assert Path(file.write(b"new")).read_bytes() == b"old\n"
        return
    with pytest.raises(NotWritten, match="let it name"):
        file.write(b"new")
    assert not list(conf.parent.glob("*.bak-*"))


def test_a_second_backup_in_the_same_second_is_refused(conf, monkeypatch):
    monkeypatch.setattr("time.strftime", lambda form: "20260101-000000")
    File(str(conf)).write(b"new")
    with pytest.raises(NotWritten, match="exists already"):
        File(str(conf)).write(b"newer")
    assert conf.read_bytes() == b"new"


@pytest.fixture
def without_hard_links(monkeypatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)


@pytest.mark.usefixtures("without_hard_links")
def test_without_hard_links_the_backup_is_a_copy(conf):
    conf.chmod(0o640)
    os.utime(conf, (1, 2))
    backup = Path(File(str(conf)).write(b"new"))
    assert (backup.read_bytes(), conf.read_bytes()) == (b"old\n", b"new")
    assert (stat.S_IMODE(backup.stat().st_mode), backup.stat().st_mtime) == (0o640, 2)


@pytest.mark.usefixtures("without_hard_links")
def test_a_copy_overwrites_nobodys_file(conf, tmp_path, monkeypatch):
    """Not even what comes under its name after the last look, and not what a link there leads to."""
    other = tmp_path / "other"
    other.write_bytes(b"theirs")
    monkeypatch.setattr("time.strftime", lambda form: "20260101-000000")
    Path(f"{conf}.bak-20260101-000000").symlink_to(other)
    monkeypatch.setattr(os.path, "lexists", lambda path: False)
    with pytest.raises(NotWritten, match="File exists"):
        File(str(conf)).write(b"new")
    assert (other.read_bytes(), conf.read_bytes()) == (b"theirs", b"old\n")


@pytest.mark.usefixtures("without_hard_links")
def test_a_copy_that_does_not_fit_is_none(conf, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("shutil.copyfileobj", full)
    with pytest.raises(NotWritten, match="disk is full"):
        File(str(conf)).write(b"new")
    assert [path.name for path in conf.parent.iterdir()] == [conf.name]


@pytest.mark.parametrize(
    ("number", "said"),
    [(16, "mounted by itself"), (30, "read-only"), (28, "disk is full"), (13, "run it as the owner")],
)
def test_what_can_not_be_written_says_why(conf, monkeypatch, number, said):
    """And leaves nothing behind but the backup's name, if it came that far."""

    def refused(self: Path, target: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(NotWritten, match=said):
        File(str(conf)).write(b"new")
    assert conf.read_bytes() == b"old\n"
    assert not list(conf.parent.glob(".*"))


@pytest.mark.skipif(ROOT, reason="root may write everywhere")
def test_a_directory_of_somebody_else(conf):
    conf.parent.chmod(0o555)
    try:
        with pytest.raises(NotWritten, match="run it as the owner"):
            File(str(conf)).write(b"new")
    finally:
        conf.parent.chmod(0o755)


def test_a_file_that_can_not_be_read(tmp_path):
    with pytest.raises(NotWritten, match="can't be read"):
        File(str(tmp_path))
