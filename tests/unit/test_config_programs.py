"""What can't be true of a target and its programs together."""

from __future__ import annotations

import sys

import pytest

from tests.fakes.place import GROUPED, HEAD, LISTENER, PLAIN, RELOAD, SOCKET, WEB


@pytest.mark.parametrize(
    ("command", "is_wrong"),
    [
        ("uvicorn app:app --port 8000", True),
        ("uvicorn app:app --port=8000", True),
        ("gunicorn -b 127.0.0.1:8000 app:app", True),
        ("gunicorn --bind=:8000 app:app", True),
        ("node server.js -p 3000", True),
        ("python manage.py runserver 0.0.0.0:8000", True),
        ("sh -c 'exec uvicorn app:app --port 8000'", True),
        ("uvicorn app:app --port 80%(process_num)02d", False),
        ("gunicorn --reuse-port -b :8000 app:app", False),
        ("gunicorn -b unix:/run/x.sock app:app", False),
        ("celery worker --broker redis://localhost:6379/0", False),
        ("worker --redis localhost:6379", False),
        ("worker -p 10", False),
        ("worker 'unclosed", False),
    ],
)
def test_many_processes_on_one_port(place, command, is_wrong):
    """
    numprocs over 1 can't work where every process binds the same port itself.
    """
    program = f"[program:web]\ncommand={command}\nnumprocs=3\nprocess_name=%(process_num)d\n"
    if is_wrong:
        (error,) = place.errors(HEAD, LISTENER, program, RELOAD)
        assert error.startswith(
            "HERE/supervisord.conf: [program:web] numprocs: is 3, and every process would bind port "
        )
    else:
        assert len(place.target(program, RELOAD).slots) == 3


def test_spare_slot_without_socket(place):
    """
    Two copies of a plain program can only boot side by side where they share nothing: a warning.
    """
    program = "[program:web]\ncommand=/bin/cat\nnumprocs=2\nprocess_name=%(process_num)d\n"
    (warning,) = place.warnings(HEAD, LISTENER, program, RELOAD, "max_surge=1\n")
    assert warning.startswith(WEB + "max_surge: [program:web] has no socket of supervisord's")


def test_idle_slots(place):
    """
    Slots that no number can ever use are worth a warning.
    """
    (warning,) = place.warnings(HEAD, LISTENER, SOCKET, RELOAD, "replicas=2\nmax_surge=1\n")
    assert (
        warning
        == WEB + "replicas: 1 of 4 processes will never be used; with max_surge they boot the new code"
    )


def test_retiring_sends_the_programs_own_signal(place):
    """
    supervisord retires a surplus slot with the program's stopsignal: another stop_signal would not be kept.
    """
    (error,) = place.errors(HEAD, LISTENER, SOCKET, RELOAD, "max_surge=1\nstop_signal=QUIT\n")
    assert error.startswith(WEB + "stop_signal: QUIT is not the stopsignal (TERM) of [fcgi-program:web]")
    assert place.target(SOCKET, RELOAD, "stop_signal=QUIT\n").stop_signal == "QUIT"


def test_programs_that_stop_in_different_ways(place):
    """
    One target has one graceful signal; where its programs differ, somebody must say which.
    """
    grouped = GROUPED.replace("[program:b]", "[program:b]\nstopsignal=QUIT\nstopwaitsecs=5")
    section = "[reload:all]\nwatch=%(here)s/app\n"
    (error,) = place.errors(HEAD, LISTENER, grouped, section)
    assert error.startswith(
        "HERE/supervisord.conf: [reload:all] stop_signal: the programs have different stopsignals"
    )
    target = place.target(grouped, section, "stop_signal=INT\n")
    assert (target.stop_signal, target.drain_timeout, target.stop_timeout) == ("INT", 5, 10)


def test_socket_lost_in_a_group(place):
    """
    supervisord gives an fcgi-program no socket once a group names it.
    """
    text = (
        "supervisord gives the fcgi-program 'web' no socket when a group names it: take it out of the group"
    )
    group = "[group:site]\nprograms=web\n"
    assert f"HERE/supervisord.conf: [group:site] programs: {text}" in place.errors(
        HEAD, LISTENER, SOCKET, RELOAD, group
    )
    other = "[program:x]\ncommand=/bin/cat\n[reload:x]\nwatch=%(here)s/app\n"
    assert place.warnings(HEAD, LISTENER, SOCKET, group, other) == [
        f"HERE/supervisord.conf: [group:site] programs: {text}"
    ]


@pytest.mark.fault(33)
@pytest.mark.parametrize(
    ("command", "is_wrong"),
    [
        ("sh -c 'sleep 9; true'", True),
        ("sh -c 'python app.py'", True),
        ("/bin/bash -ec 'python app.py'", False),
        ("bash -l -c 'cd /tmp; python app.py'", False),
        ("bash -c 'python app.py || exit 1'", True),
        ("bash -c 'python app.py > log'", True),
        ("bash -c 'exec python app.py 2>&1 | cat'", True),
        ("bash -c 'exec python app.py &'", True),
        ("sh -c 'exec sleep 9'", False),
        ("sh -c 'cd /tmp && exec sleep $(cat n | head -1) 2>&1'", False),
        ("sh -c 'exec 2>&1; sleep 9'", True),
        ("sh -c 'if true; then exec a; else exec b; fi'", False),
        ("sh -c 'echo exec sleep; sleep 9; true'", True),
        ("sh %(here)s/plain.sh", True),
        ("%(here)s/plain.sh", True),
        ("%(here)s/exec.sh", False),
        ("%(here)s/long.sh", False),
        ("%(here)s/trap.sh", False),
        ("/bin/sleep 9", False),
        ("sh -c 'sleep 9; true'\nstopasgroup=true", True),
    ],
)
def test_shell_in_between(place, command, is_wrong):
    """
    A shell gets the signal in place of its child, and leaves it behind; unless it became the child.
    """
    place.script("plain.sh", "#!/bin/sh\nsleep 9\n")
    place.script("exec.sh", "#!/usr/bin/env bash\nexport A=1\nexec sleep 9\n")
    place.script("long.sh", "#!/bin/sh\n" + "# why\n" * 2000 + "exec sleep 9\n")
    place.script("trap.sh", "#!/bin/sh\nsleep 9 &\n  trap 'kill $!' TERM HUP\nwait\n")
    program = f"[program:web]\ncommand={command}\n"
    found = place.warnings(HEAD, LISTENER, program, RELOAD)
    signalled = RELOAD + "strategy=signal\n"
    if not is_wrong:
        assert found == place.warnings(HEAD, LISTENER, program, signalled) == []
        return
    begin = "HERE/supervisord.conf: [program:web] command: "
    (warning,) = found
    assert warning.startswith(begin + "the program runs under a shell")
    assert "stopasgroup" not in warning
    (error,) = place.errors(HEAD, LISTENER, program, signalled)
    assert error.startswith(
        begin + "HUP would end the shell that the program runs under and leave the program"
    )


def test_a_shell_that_supervisord_itself_stops(place):
    """
    What a spare slot replaced is stopped by supervisord, and its group with it, where stopasgroup says so.
    """
    program = SOCKET.replace("/bin/cat", "sh -c 'cat; true'")
    (warning,) = place.warnings(HEAD, LISTENER, program, RELOAD, "max_surge=1\n")
    assert "[fcgi-program:web] stopasgroup: the program runs under a shell" in warning
    grouped = program + "stopasgroup=true\n"
    (warning,) = place.warnings(HEAD, LISTENER, grouped, RELOAD, "max_surge=1\n")
    assert "[fcgi-program:web] command: " in warning


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("gunicorn --daemon app:app", "--daemon"),
        ("/venv/bin/gunicorn -D app:app", "-D"),
        ("celery -A tasks worker --detach --logfile=x", "--detach"),
        ("uwsgi --daemonize=/var/log/x --ini a.ini", "--daemonize"),
        ("rsync --daemon --no-detach", None),
        ("gunicorn app:app", None),
        ("java -D a.b=c", None),
    ],
)
def test_a_program_in_the_background(place, command, option):
    """
    supervisord takes it for ended and starts it again, and its port is taken.
    """
    found = place.warnings(HEAD, LISTENER, f"[program:web]\ncommand={command}\n", RELOAD)
    begin = f"HERE/supervisord.conf: [program:web] command: {option} puts the program in the background"
    assert [warning[: len(begin)] for warning in found] == ([begin] if option else [])


@pytest.mark.parametrize(
    ("command", "is_wrong"),
    [
        ("celery -A tasks worker --concurrency=2", True),
        ("/venv/bin/celery --app=tasks worker", True),
        ("python -m celery -A tasks worker", True),
        ("sh -c 'exec celery -A tasks worker'", True),
        ("dramatiq tasks", True),
        ("celery -A tasks worker --pool=solo", False),
        ("celery -A tasks worker -P threads", False),
        ("celery -A tasks beat", False),
        ("rq worker jobs", False),
        ("python worker.py", False),
    ],
)
def test_pool_that_is_stopped_as_a_group(place, command, is_wrong):
    """
    With stopasgroup supervisord's own TERM goes to the children of a pool too, and cuts their jobs.
    """
    program = f"[program:web]\ncommand={command}\nstopasgroup=true\n"
    found = place.warnings(HEAD, LISTENER, program, RELOAD)
    assert [warning.split(": true")[0] for warning in found] == (
        ["HERE/supervisord.conf: [program:web] stopasgroup"] if is_wrong else []
    )
    assert place.warnings(HEAD, LISTENER, program.replace("stopasgroup=true\n", ""), RELOAD) == []


@pytest.mark.fault(22)
def test_what_is_written_is_not_watched(place):
    """
    A log in the watched tree would start a rollout with every line, unless it is excluded or ignored by git.
    """
    program = PLAIN + "stdout_logfile=%(here)s/app/web.out\n"
    (error,) = place.errors(HEAD, LISTENER, program, RELOAD)
    assert error.startswith(WEB + "watch: the log of web:web 'HERE/app/web.out' is in the watched 'HERE/app'")
    assert place.target(program, RELOAD, "exclude=*.out\n").watch.exclude == ("*.out",)
    (place.directory / "app" / ".gitignore").write_text("*.out\n")
    assert place.target(program, RELOAD).watch.gitignore


def test_logs_by_name_are_no_code(place):
    """
    What is called a log may lie beside the code; who brings it back with exclude is told what comes of it.
    """
    program = PLAIN + "stdout_logfile=%(here)s/app/web.log\n"
    assert place.warnings(HEAD, LISTENER, program, RELOAD) == []
    (error,) = place.errors(HEAD, LISTENER, program, RELOAD, "exclude=!*.log\n")
    assert error.startswith(WEB + "watch: the log of web:web 'HERE/app/web.log' is in the watched 'HERE/app'")


def test_automatic_logs_are_not_watched(place):
    """
    Where supervisord makes log files by itself counts too.
    """
    head = HEAD.replace("childlogdir=%(here)s/log", "childlogdir=%(here)s/app")
    errors = place.errors(head, LISTENER, PLAIN, RELOAD, "exclude=!*.log\n")
    assert any("the log that supervisord makes for web:web, such as" in error for error in errors)


def test_what_another_machine_has_is_a_warning(place):
    """
    Log directories and users that exist on the server only don't stop a reading.
    """
    program = PLAIN + "stdout_logfile=/no/such/place/web.log\nuser=nobody-here\nstopwaitsecs=7\n"
    head = HEAD.replace("logfile=%(here)s/log", "logfile=/no/such/place")
    reading = place.read(head, LISTENER, program, RELOAD)
    assert reading.settings.targets[0].stop_timeout == 7
    assert [(warning.section, warning.key) for warning in reading.warnings] == [
        ("supervisord", "logfile"),
        ("program:web", ""),
    ]
    assert "supervisord would not start on this machine" in str(reading.warnings[1])


def test_plugins_are_not_imported(place):
    """
    Reading the configuration runs nobody's code.
    """
    (place.directory / "evil_plugin.py").write_text("raise SystemExit('imported')\n")
    sys.path.insert(0, str(place.directory))
    try:
        plugin = "[rpcinterface:evil]\nsupervisor.rpcinterface_factory=evil_plugin:make\n"
        place.read(HEAD, plugin, LISTENER, PLAIN, RELOAD)
    finally:
        sys.path.remove(str(place.directory))
    assert "evil_plugin" not in sys.modules
