"""What the doctor finds in rights, limits, disks, servers; and how it is written."""

from __future__ import annotations

import io
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from supervisor_reload.doctor import examine, memory, programs, rights, watching
from supervisor_reload.doctor.finding import Level
from supervisor_reload.doctor.patient import name_of
from supervisor_reload.doctor.rights import User
from supervisor_reload.edges.journal import Found, Header
from supervisor_reload.edges.machine import boot_id
from tests.unit.examined import HEAD, WEB, bad, one, patient, place, words

__all__ = ["place"]


def test_the_state_directory(place):
    well = patient(place)
    assert well.place is not None
    path = Path(well.place.directory)
    assert "will be made" in one(rights.state(well)).text
    path.mkdir(mode=0o700)
    assert one(rights.state(well)).level is Level.OK
    path.chmod(0o777)
    assert one(rights.state(well)).remedy == (f"chmod go-w {path}",)


def test_as_whom_the_listener_runs(place):
    """The configuration says it; else whoever wrote supervisord's pid file; else it would be who asks."""
    assert patient(place).listener_uid == os.geteuid()
    pidfile = place / "supervisord.pid"
    pidfile.touch()
    if os.geteuid() == 0:
        os.chown(pidfile, 1, 1)
        assert patient(place).listener_uid == 1
    named = HEAD.replace("priority=-10", "priority=-10\nuser=nobody")
    assert name_of(patient(place, head=named).listener_uid) == "nobody"
    assert replace(patient(place, head=named), listener=os.getpid()).listener_uid == os.geteuid()


def test_modes_as_the_kernel_reads_them(tmp_path):
    """The owner's bits count for the owner, even where others may more."""
    file = tmp_path / "x"
    file.touch()
    file.chmod(0o047)
    found = file.stat()
    assert [User(found.st_uid, frozenset()).may(found, 4), User(0, frozenset()).may(found, 4)] == [
        found.st_uid == 0,
        True,
    ]
    stranger = User(found.st_uid + 4711, frozenset())
    assert stranger.may(found, 7)
    member = User(stranger.uid, frozenset({found.st_gid}))
    assert (member.may(found, 4), member.may(found, 2)) == (True, False)


def test_code_that_the_listener_can_not_read(place, monkeypatch):
    """It is named; what does not count is not."""
    well = patient(place)
    (place / "app" / "secret.py").touch(mode=0o600)
    (place / "app" / "x.log").touch(mode=0o600)
    (place / "app" / "sub").mkdir(mode=0o700)
    place.chmod(0o755)
    (place / "app").chmod(0o755)
    (place / "app" / "main.py").chmod(0o644)
    assert one(rights.code(well)).level is Level.OK
    monkeypatch.setattr(rights, "user", lambda uid: User(os.getuid() + 4711, frozenset()))
    found = one(rights.code(well))
    assert found.level is Level.ERROR
    assert "secret.py" in found.text
    assert "app/sub" in found.text
    assert "main.py" not in found.text
    assert "x.log" not in found.text


def test_the_journal(place):
    well = patient(place)
    header = Header(boot=boot_id(), supervisor="s", time=time.time(), pid=1)
    assert "none yet" in one(memory.journal(well)).text
    for found, said in (
        (Found(header=header, records={}), "ok"),
        (Found(header=replace(header, boot="other")), "ok .* of another boot"),
        (Found(header=replace(header, time=time.time() + 7200)), "warning it was begun 1 h in the future"),
        (Found(damage="it is damaged"), "warning it is damaged"),
    ):
        assert words(one(memory.journal(replace(well, journal=found)))).startswith(said.partition(" .*")[0])


@pytest.mark.parametrize(
    ("least", "few", "level"), [(1, 1, Level.OK), (1, 2**62, Level.WARNING), (2**62, 2**62, Level.ERROR)]
)
def test_room_on_the_disk(least, few, level, place, monkeypatch):
    monkeypatch.setattr(memory, "LEAST", least)
    monkeypatch.setattr(memory, "FEW", few)
    assert one(memory.disk(patient(place))).level is level


def test_limits_of_the_kernel(place, monkeypatch):
    well = patient(place)
    monkeypatch.setattr(watching, "watches_allowed", lambda: 1000)
    monkeypatch.setattr(watching, "_number", lambda file: 128)
    monkeypatch.setattr(watching, "_used", lambda uid, listener: (3, 10))
    assert "watches needed, 10 used by other programs" in one(watching.inotify(well)).text
    monkeypatch.setattr(watching, "_used", lambda uid, listener: (127, 1000))
    sick = bad(watching.inotify(well))
    assert ["max_user_watches" in words(sick[0]), "max_user_instances" in words(sick[1])] == [True, True]


def test_watches_are_counted(tmp_path):
    """Those of this process, which makes three."""
    from supervisor_reload.edges.watching.inotify import CREATE, Inotify

    before = watching._used(os.geteuid(), 0)
    inotify = Inotify()
    try:
        for name in ("a", "b", "c"):
            (tmp_path / name).mkdir()
            inotify.add(str(tmp_path / name), CREATE)
        instances, watches = watching._used(os.geteuid(), 0)
        others = watching._used(os.geteuid(), os.getpid())
    finally:
        inotify.close()
    assert instances >= before[0] - 5
    assert watches - others[1] == 3


def test_a_tree_without_events(place, monkeypatch):
    from supervisor_reload.edges.watching import Plan

    well = patient(place)
    assert one(watching.mounts(well)).level is Level.OK
    monkeypatch.setattr(
        watching, "plan", lambda targets: Plan(watches=1, polled=("it is on nfs4. Set that",))
    )
    assert words(one(watching.mounts(well))) == "warning it is on nfs4 Set that"


def test_servers_that_lose_requests(place):
    found = list(programs.servers(patient(place)))
    assert [words(each).partition(" stock")[0] for each in found] == [
        "warning [program:web] uvicorn, an ASGI server: when it leaves,"
    ]
    text = WEB.replace("uvicorn main:app", "supervisor-reload uvicorn main:app")
    assert one(programs.servers(patient(place, text))).level is Level.OK
    text = WEB.replace("uvicorn main:app", "flask --debug run")
    assert "everything is twice" in words(one(programs.servers(patient(place, text))))
    text = WEB.replace("uvicorn main:app --port 8000", "gunicorn a:b")
    assert one(programs.servers(patient(place, text))).remedy == ("killasgroup=true",)
    text = text.replace("a:b", "a:b\nkillasgroup=true")
    assert one(programs.servers(patient(place, text))).level is Level.OK


def test_as_json_and_as_lines(place):
    """The same findings; the exit status says whether there is an error."""
    patient(place)
    conf, shown, lines = str(place / "supervisord.conf"), io.StringIO(), io.StringIO()
    assert examine(conf, shown, as_json=True) == examine(conf, lines) == 1
    page = json.loads(shown.getvalue())
    assert page["format"] == 1
    assert {frozenset(each) for each in page["findings"]} == {frozenset({"topic", "level", "text", "remedy"})}
    for each in page["findings"]:
        assert each["level"] in ("ok", "warning", "error")
        assert f"{each['topic']:<16}{each['level']:<10}{each['text']}" in lines.getvalue()
    assert lines.getvalue().splitlines()[-1].endswith("errors")


def test_passwords_are_not_shown(place):
    head = HEAD.replace("s.sock\n", "s.sock\nusername=me\npassword=hunter22\n")
    patient(place, head=head)
    shown = io.StringIO()
    examine(str(place / "supervisord.conf"), shown)
    assert "hunter22" not in shown.getvalue()
