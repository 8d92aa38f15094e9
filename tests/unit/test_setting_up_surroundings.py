"""What init says and writes so that it works under a supervisord whose PATH, log and user are its own."""

from __future__ import annotations

import os
import re

import pytest

from tests.unit.test_setting_up import HEAD, place, section, told

__all__ = ["place"]

BARE = HEAD.partition("[eventlistener")[0]
APP = "directory=%(here)s/app"


def flat(shown: str) -> str:
    """The text without what wrapping did to it."""
    return re.sub(r"\s+", " ", shown)


def script(place, name: str) -> str:
    """One more program beside the others of the environment."""
    (place / "venv" / name).write_text((place / "venv" / "python").read_text())
    (place / "venv" / name).chmod(0o755)
    return f"%(here)s/venv/{name}"


@pytest.mark.parametrize(
    ("name", "words", "instead"),
    [
        ("uvicorn", "main:app --port 8000", "supervisor-reload uvicorn main:app --fd 0"),
        ("hypercorn", "main:app", "python -m supervisor_reload.contrib.hypercorn main:app"),
        ("python", "-m uvicorn main:app", "supervisor-reload uvicorn main:app --fd 0"),
        ("gunicorn", "--preload main:app --bind :8000", "gunicorn --preload main:app --bind fd://0"),
        ("waitress-serve", "main:app", "gunicorn APP --bind fd://0 --threads 32"),
    ],
)
def test_advice_names_the_programs_own_environment(name, words, instead, place):
    """supervisord's PATH is rarely that of the program's environment, where alone its packages are."""
    shown = told(place, f"[program:w]\ncommand={script(place, name)} {words}\n{APP}\n")
    assert f"      command={place}/venv/{instead}\n" in shown, shown
    assert "command=supervisor-reload" not in shown.partition("To think about")[2]


@pytest.mark.parametrize("is_there", [False, True])
def test_what_advice_needs_in_another_environment_is_said(is_there, place):
    if is_there:
        script(place, "supervisor-reload")
    shown = told(place, f"[program:w]\ncommand={script(place, 'uvicorn')} main:app\n{APP}\n")
    assert f"say {place}/venv/supervisor-reload uvicorn instead of uvicorn" in flat(shown)
    assert (f"supervisor_reload is not installed in {place}/venv" in flat(shown)) is not is_there
    assert (f"      {place}/venv/python -m pip install .\n" in shown) is not is_there


def test_what_every_path_has_is_called_by_its_name(place):
    """A directory of the system needs none before it, and pip does not install there."""
    shown = told(place, f"[program:w]\ncommand=/usr/bin/uvicorn main:app\n{APP}\n")
    assert "      command=supervisor-reload uvicorn main:app --fd 0\n" in shown


@pytest.mark.parametrize("command", ["%(here)s/gone/uvicorn a:b", "/gone/bin/python -m x", "/gone/start"])
def test_a_program_that_does_not_exist(command, place):
    """It is not its directory that is missing."""
    shown = told(place, f"[program:w]\ncommand={command}\n", code=1)
    file = command.split()[0].replace("%(here)s", str(place))
    assert f"its file {file} does not exist: put command= right" in shown


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("no-such-python-server.py", "can't find the program's command 'no-such-python-server.py'"),
        ("uv run celery -A p worker", "which Python it has is known to uv only; use a check"),
    ],
)
def test_why_there_is_no_check(command, why, place):
    shown = told(place, f"[program:w]\ncommand={command}\n{APP}\n")
    assert "check" not in section(shown, "w")
    assert (
        f"it gets no check=, so that code which does not compile is only found by its new process: {why}"
        in (flat(shown))
    )


def test_doctor_is_named_with_the_file(place):
    shown = told(place, "[program:w]\ncommand=redis-server\n[reload:w]\nwatch=%(here)s/app\n", "w")
    assert f"What could be better with what is there: supervisor-reload doctor -c {place}" in shown


def log_lines(place, general: str, program: str = "") -> list[str]:
    """Where init would have our listener log."""
    head = BARE.replace("[supervisord]\n", f"[supervisord]\n{general}")
    shown = told(place, f"[program:w]\ncommand=python -m x\n{APP}\n{program}", head=head)
    return re.findall(r"^\+(stderr_logfile\w*=.*?) +;", shown, re.MULTILINE)


FD_2 = ["stderr_logfile=/dev/fd/2", "stderr_logfile_maxbytes=0"]


@pytest.mark.parametrize(
    ("general", "program", "lines"),
    [
        ("logfile=%(here)s/app/d.log\n", "", ["stderr_logfile=%(here)s/app/supervisor-reload.log"]),
        ("logfile=/dev/null\nnodaemon=true\n", "", FD_2),
        ("logfile=/dev/null\n", "", []),
        ("logfile=/dev/null\n", "stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n", FD_2),
        ("logfile=/dev/stdout\nlogfile_maxbytes=0\n", "", FD_2),
        ("logfile=supervisord.log\n", "", []),
        ("logfile=syslog\n", "", []),
        ("", "", []),
    ],
)
def test_the_log_is_where_supervisords_is(general, program, lines, place):
    """Not in /tmp, where another supervisord of its name deletes it; nowhere that it could not be opened."""
    assert log_lines(place, general, program) == lines


def test_no_log_where_supervisords_user_may_not_write(place):
    """supervisord becomes that user before it opens a program's log."""
    (place / "app").chmod(0o755)
    user = "nobody" if os.geteuid() == 0 else "root"
    expected = [] if user == "nobody" else ["stderr_logfile=%(here)s/app/supervisor-reload.log"]
    assert log_lines(place, f"logfile=%(here)s/app/d.log\nuser={user}\n") == expected
