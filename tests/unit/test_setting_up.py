"""What init would add for which programs, what it leaves out, and what it only says."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest

from supervisor_reload.core.errors import ConfigErrors
from supervisor_reload.setting_up import NotWritten, frame, init

HEAD = """\
[unix_http_server]
file=%(here)s/s.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisord]
[eventlistener:reload]
command=supervisor-reload listen
events=PROCESS_STATE,PROCESS_GROUP,REMOTE_COMMUNICATION,PROCESS_COMMUNICATION,SUPERVISOR_STATE_CHANGE,TICK_5
buffer_size=1000
priority=-10
"""


@pytest.fixture
def place(tmp_path):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.py").touch()
    (tmp_path / "venv").mkdir()
    for name in ("python", "celery"):
        (tmp_path / "venv" / name).write_text(f"#!{sys.executable}\n")
        (tmp_path / "venv" / name).chmod(0o755)
    return tmp_path


def told(place: Path, text: str, *names: str, head: str = HEAD, code: int = 0, apply: bool = False) -> str:
    conf = place / "supervisord.conf"
    conf.write_text(head + text)
    stream = io.StringIO()
    assert init(str(conf), list(names), stream, is_applied=apply) == code, stream.getvalue()
    return stream.getvalue()


def section(shown: str, name: str) -> dict[str, str]:
    """The keys of a section that is shown, without comments."""
    lines = re.findall(r"^\+(.*)$", shown, re.MULTILINE)
    after = lines[lines.index(f"[reload:{name}]") + 1 :]
    end = next((n for n, line in enumerate(after) if not line or line[0] in ";["), len(after))
    pairs = (line.partition(" ;")[0].partition("=") for line in after[:end])
    return {key: value.strip() for key, _, value in pairs}


def test_a_worker_gets_its_whole_stopwaitsecs(place):
    """The warm shutdown takes as long as the longest task."""
    shown = told(
        place,
        "[program:w]\ncommand=%(here)s/venv/celery -A p worker\ndirectory=%(here)s/app\nstopwaitsecs=3600\n",
    )
    assert section(shown, "w") == {
        "watch": "%(here)s/app",
        "include": "*.py",
        "check": "python",
        "ready": "running",
        "min_ready": "2",
        "drain_timeout": "3600",
    }
    assert "stopwaitsecs is" not in shown


def test_a_server_is_asked_at_its_port(place):
    """In place, because it owns the port; and how it could be without a gap is said."""
    shown = told(place, "[program:w]\ncommand=uvicorn main:app --port 8000\ndirectory=%(here)s/app\n")
    assert section(shown, "w")["ready"] == "tcp://127.0.0.1:8000"
    assert section(shown, "w")["drain_timeout"] == "10"
    assert "      [fcgi-program:w]\n      socket=tcp://127.0.0.1:8000\n" in shown
    assert "      command=supervisor-reload uvicorn main:app --fd 0\n" in shown
    assert "      stopwaitsecs=30\n" in shown


def test_a_program_in_a_group_is_told_to_leave_it(place):
    """An fcgi-program in a group has no socket."""
    shown = told(
        place,
        "[group:g]\nprograms=w\n[program:w]\ncommand=uvicorn main:app --port 8000\ndirectory=%(here)s/app\n",
    )
    assert "take it out of [group:g]" in re.sub(r"\s+", " ", shown)
    assert "programs" not in section(shown, "w")


def test_a_group_of_the_same_name_is_not_meant(place):
    """[reload:NAME] names a group before a program."""
    shown = told(
        place,
        "[group:w]\nprograms=w,v\n[program:w]\ncommand=python -m x\ndirectory=%(here)s/app\n"
        "[program:v]\ncommand=redis-server\n",
    )
    assert section(shown, "w")["programs"] == "w:w"


def test_what_would_not_work_is_left_out_and_said(place):
    """The listener may not look into the processes of another user, so ready=tcp is refused, and running
    holds."""
    head = HEAD.replace("priority=-10\n", "priority=-10\nuser=nobody\n")
    text = "[program:w]\ncommand=uvicorn main:app --port 8000\ndirectory=%(here)s/app\nuser=daemon\n"
    shown = told(place, text, head=head)
    assert "ready" not in section(shown, "w")
    assert "Left out, because it would not work here:\n  * [reload:w] ready: tcp needs a look" in shown


@pytest.mark.parametrize(
    ("command", "manner"),
    [
        ("gunicorn main:app", "signal"),
        ("sh -c 'python -c 1 && exec gunicorn main:app'", "signal"),
        ("bash -c 'cd code && gunicorn main:app'", "signal"),
        ("tini -- gunicorn main:app", "signal"),
        ("tini -g -- gunicorn main:app", None),
        ("dumb-init gunicorn main:app", None),
        ("timeout 3600 gunicorn main:app", None),
        ("uv run gunicorn main:app", None),
    ],
)
def test_a_signal_is_for_what_it_reaches(command, manner, place):
    """
    Behind a wrapper that stays, HUP would end that, or the workers with their requests.
    """
    (place / "app" / "code").mkdir()
    found = section(told(place, f"[program:w]\ncommand={command}\ndirectory=%(here)s/app\n"), "w")
    assert found.get("strategy") == manner
    assert ("drain_timeout" in found) is (manner is None)


def test_what_is_not_recognised_gets_the_safe_way(place):
    shown = told(place, "[program:w]\ncommand=/opt/x/serve --now\ndirectory=%(here)s/app\n")
    assert section(shown, "w") == {"watch": "%(here)s/app", "ready": "running", "min_ready": "1"}
    assert "Look at it before you" in shown


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("command=redis-server", "keeps data"),
        ("command=nginx", "signal=HUP"),
        ("command=uvicorn a:b --reload", "restarts by itself"),
        ("command=python once.py\nstartsecs=0\nautorestart=false", "does its work and ends"),
        ("command=uvicorn a:b", "nothing says where its code is"),
        ("command=uvicorn a:b\ndirectory=/usr/lib", "much more than its code"),
        ("command=/nowhere/start.jar\ndirectory=/", "much more than its code"),
        ("command=java -jar /nowhere/app.jar", "is not found"),
        ("command=gunicorn --daemon a:b\ndirectory=%(here)s/app", "in the background, .*Take --daemon out"),
        ('command=flask run\ndirectory=%(here)s/app\nenvironment=FLASK_DEBUG="1"', "restarts by itself"),
        ("command=sh -c 'x; y'\ndirectory=%(here)s/app", "begin y with exec"),
        ("command=sh -c 'gunicorn a:b || exit 1'\ndirectory=%(here)s/app", "signal ends sh .*with exec"),
        ("command=bash -c 'gunicorn a:b | cat'\ndirectory=%(here)s/app", "signal ends bash .*with exec"),
        ("command=nice sh -c 'gunicorn a:b'\ndirectory=%(here)s/app", "signal ends sh .*begin gunicorn"),
        ("command=%(here)s/app/start\ndirectory=%(here)s/app", "signal ends its shell .*with exec"),
        ("command=npm start\ndirectory=%(here)s/app", "signal ends npm .*name the program itself"),
        ("command=npx next start\ndirectory=%(here)s/app", "signal ends npx .*name the program itself"),
    ],
)
def test_what_gets_no_section(text, why, place):
    """Each is named, with the reason; the file needs nothing."""
    (place / "app" / "start").write_text("#!/bin/sh\npython -m x\n")
    (place / "app" / "start").chmod(0o755)
    shown = told(place, f"[program:w]\n{text}\n", code=1)
    assert re.search(rf"^w .*left out: .*{why}", shown, re.MULTILINE), shown
    assert "nothing to add" in shown
    assert "there is no [reload:NAME] section" in re.sub(r"\s+", " ", shown)


ADVICE = [
    ("command=yarn start\ndirectory=%(here)s/app", "the stop signal goes to yarn"),
    ("command=conda run -n e python -m x\ndirectory=%(here)s/app", "the stop signal goes to conda"),
    ("command=dumb-init celery -A p worker\ndirectory=%(here)s/app", "say dumb-init --single-child"),
    ("command=timeout 60 celery -A p worker\ndirectory=%(here)s/app", "cuts their jobs: leave timeout out"),
    (
        ("command=python -m x\ndirectory=%(here)s/app\nautorestart=false"),
        "nobody starts it before the next save",
    ),
    ("command=python -m x\ndirectory=%(here)s/app\nstartsecs=0", "startsecs is 0"),
    ("command=python -m x\ndirectory=%(here)s/app\nstopsignal=KILL", "lets nothing finish"),
    ("command=python -m x\ndirectory=%(here)s/app\nstartsecs=0\nautorestart=true", "startsecs is 0"),
    (
        'command=celery -A p worker\ndirectory=%(here)s/app\nenvironment=REMAP_SIGTERM="SIGQUIT"',
        "cold shutdown",
    ),
    ("command=huey_consumer.py x\ndirectory=%(here)s/app", "stopsignal=INT"),
    ("command=celery -A p worker\ndirectory=%(here)s/app\nstopasgroup=true", "the children of the worker's"),
    ("command=waitress-serve a:b\ndirectory=%(here)s/app", "does nothing about TERM"),
]


@pytest.mark.parametrize(("text", "said"), ADVICE)
def test_what_only_the_operator_may_change(text, said, place):
    """It is said in words, with the line; the section itself stays as it is."""
    text = text if "startsecs=0" not in text or "autorestart" in text else f"{text}\nautorestart=unexpected"
    shown = told(place, f"[program:w]\n{text}\n", apply=True)
    assert said in re.sub(r"\s+", " ", shown), shown
    assert (place / "supervisord.conf").read_text().startswith(f"{HEAD}[program:w]\n{text}\n\n;")


def test_only_the_programs_that_are_named(place):
    text = "[program:a]\ncommand=python -m x\ndirectory=%(here)s/app\n[program:b]\ncommand=python -m y\n"
    shown = told(place, text, "a")
    assert section(shown, "a")
    assert "reload:b" not in shown
    with pytest.raises(ConfigErrors, match="no program 'bb'; did you mean 'b'"):
        told(place, text, "bb")


def test_a_second_run_adds_what_is_new(place):
    """And nothing of what is there is touched."""
    first = "[program:a]\ncommand=python -m x\ndirectory=%(here)s/app\n"
    told(place, first, apply=True)
    conf = place / "supervisord.conf"
    before = conf.read_text() + "[program:b]\ncommand=python -m y\ndirectory=%(here)s/app\n"
    conf.write_text(before)
    stream = io.StringIO()
    conf_backups = list(place.glob("*.bak-*"))
    for backup in conf_backups:
        backup.unlink()  # two in one second would be refused
    assert init(str(conf), [], stream, is_applied=True) == 0
    after = conf.read_text()
    assert after.startswith(before)
    assert re.findall(r"^\[.*\]$", after.removeprefix(before), re.MULTILINE) == ["[reload:b]"]
    assert re.search(r"^a .*\[reload:a\] has it already", stream.getvalue(), re.MULTILINE)


def test_all_that_supervisord_lacks_for_us_is_added(place):
    """A configuration as containers have it: no socket, no interface; update would not be enough."""
    shown = told(
        place,
        ("[program:a]\ncommand=python -m x\ndirectory=%(here)s/app"),
        head="[supervisord]\n",
        apply=True,
    )
    added = (place / "supervisord.conf").read_text()
    for name in (
        "unix_http_server",
        "rpcinterface:supervisor",
        "supervisorctl",
        "eventlistener:reload",
        "reload:a",
    ):
        assert f"\n[{name}]\n" in added
    assert "restart supervisord" in shown
    assert "\\ No newline at end of file" in shown
    assert "%(here)s/app\n\n; " in added


def test_line_ends_are_those_of_the_file(place):
    """A file of Windows stays one."""
    conf = place / "supervisord.conf"
    text = (HEAD + "[program:a]\ncommand=python -m x\ndirectory=%(here)s/app\n").replace("\n", "\r\n")
    conf.write_bytes(text.encode())
    assert init(str(conf), [], io.StringIO(), is_applied=True) == 0
    after = conf.read_bytes()
    assert after.startswith(text.encode())
    assert after.count(b"\n") == after.count(b"\r\n") > text.count("\n")


def test_a_listener_of_another_name_where_the_first_is_taken(place):
    text = (
        "[program:reload]\ncommand=redis-server\n[program:a]\ncommand=python -m x\ndirectory=%(here)s/app\n"
    )
    head = HEAD.partition("[eventlistener")[0]
    shown = told(place, text, head=head)
    assert "+[eventlistener:code-reload]" in shown


def test_secrets_are_not_shown(place):
    text = '[program:a]\ncommand=python -m x\ndirectory=%(here)s/app\nenvironment=DB_PASSWORD="hunter2"\n'
    shown = told(place, text)
    assert "hunter2" not in shown
    assert "DB_PASSWORD=***" in shown


def test_the_listener_is_found_by_every_supervisord(tmp_path, monkeypatch):
    """By its whole path where a usual PATH would not find it; by its name where it would."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "a b" / "python"))
    assert frame.listener_command() == f'"{tmp_path}/a b/python" -m supervisor_reload listen' or (
        frame.listener_command() == "supervisor-reload listen"
    )
    (tmp_path / "a b").mkdir()
    own = tmp_path / "a b" / "supervisor-reload"
    own.touch(mode=0o755)
    assert frame.listener_command() == f'"{own}" listen'
    monkeypatch.setattr(frame, "SYSTEM_PATH", str(tmp_path / "a b"))
    assert frame.listener_command() == "supervisor-reload listen"


def test_no_file_is_no_file(tmp_path):
    with pytest.raises((ConfigErrors, NotWritten)):
        init(str(tmp_path / "none.conf"), [], io.StringIO())
