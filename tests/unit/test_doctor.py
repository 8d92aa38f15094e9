"""What the doctor finds in a configuration, in versions, and in what runs: each thing that can be wrong."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import pytest

from supervisor_reload import __version__
from supervisor_reload.core.configfacts import GroupsCompared
from supervisor_reload.core.model import ProcessState
from supervisor_reload.doctor import configured, programs, running, versions
from supervisor_reload.doctor.finding import Level
from tests.unit.examined import HEAD, WEB, bad, one, patient, place, told, words

__all__ = ["place"]


def test_what_check_finds_is_found(place):
    """An error of the configuration is one of ours, with the remedy apart."""
    found = list(
        configured.configuration(patient(place, head=HEAD.replace("buffer_size=1000", "buffer_size=10")))
    )
    assert [words(each) for each in found] == [
        f"error {place}/supervisord.conf: [eventlistener:reload] buffer_size: is 10, so that a burst of "
        "events pushes the oldest out set buffer_size=1000"
    ]
    few = HEAD.replace("startretries=100", "startretries=0")
    found = list(configured.configuration(patient(place, head=few)))
    assert [each.level for each in found] == [Level.WARNING, Level.OK]
    assert "startretries" in words(found[0])


def test_lines_that_are_missing_are_the_remedy(place):
    found = list(configured.configuration(patient(place, head="[supervisord]\n")))
    assert any("[unix_http_server]" in each.remedy for each in found)


PLUGIN = "[ctlplugin:x]\nsupervisor.ctl_factory={}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PLUGIN.format("json.decoder:make"), "ok [ctlplugin:x]"),
        (
            PLUGIN.format("no_such_module.at_all:make"),
            ("error [ctlplugin:x] wants the module no_such_module.at_all"),
        ),
        (PLUGIN.format("json.no_such:make"), "error [ctlplugin:x] wants the module json.no_such"),
        (PLUGIN.format("json:make") + "path=%(here)s/x\n", "error [ctlplugin:x] path has %(here)s"),
        ("[ctlplugin:x]\na=b\n", "error [ctlplugin:x] has no supervisor.ctl_factory"),
        ("", "ok none"),
    ],
)
def test_a_plugin_that_would_break_supervisorctl(text, said, place):
    assert words(one(configured.ctlplugin(patient(place, WEB + text)))).startswith(said)


def test_a_plugin_in_an_included_file_is_ignored_there(place):
    (place / "more.ini").write_text(PLUGIN.format("no_such_module:make"))
    found = one(configured.ctlplugin(patient(place, WEB + "[include]\nfiles=more.ini\n")))
    assert found.level is Level.WARNING
    assert "supervisorctl ignores it there" in found.text


@pytest.mark.parametrize(
    ("text", "mode", "level"),
    [
        ('environment=DB_PASSWORD="x"', 0o644, Level.WARNING),
        ('environment=API_KEY="x"', 0o604, Level.WARNING),
        ("command=worker redis://user:word@host/0", 0o644, Level.WARNING),
        ('environment=DB_PASSWORD="x"', 0o640, Level.OK),
        ('environment=DB_PASSWORD="%(ENV_DB)s"', 0o644, Level.OK),
        ("; password=x", 0o644, Level.OK),
        ('environment=SECRET_KEY="x"', 0o644, Level.WARNING),
        ('environment=AWS_SECRETACCESSKEY="",APIKEY="x"', 0o644, Level.WARNING),
        ('environment=GITHUB_TOKEN_2="x"', 0o644, Level.WARNING),
        ('environment=PASSWORD1="x"', 0o644, Level.WARNING),
        ("command=run --token=x", 0o644, Level.WARNING),
        ('environment=A_TOKEN_FILE="/x",A_TOKEN="y"', 0o644, Level.WARNING),
        ('environment=TOKENIZERS_PARALLELISM="false"', 0o644, Level.OK),
        ('environment=SECRET_KEY_FILE="/run/x"', 0o644, Level.OK),
        ('environment=TOKEN_TTL="60",USE_PASSWORD="true"', 0o644, Level.OK),
        ("notify_secret_file=/run/x", 0o644, Level.OK),
        ("directory=/srv/secrets:/x", 0o644, Level.OK),
        ("autorestart=true", 0o644, Level.OK),
    ],
)
def test_secrets_that_everybody_may_read(text, mode, level, place, monkeypatch):
    monkeypatch.setenv("DB", "y")
    sick = patient(place, f"[program:y]\ncommand=z\n{text}\n", mode=mode)
    assert one(configured.secrets(sick)).level is level


def test_versions_that_do_not_go_together(place, monkeypatch):
    well = replace(patient(place), told=told())
    assert words(one(versions.versions(well))).startswith(f"ok supervisor-reload {__version__}, Python ")
    other = replace(well, told=told(version="4.2.4"))
    assert "two environments" in words(one(bad(versions.versions(other))))
    monkeypatch.setitem(versions.OLDEST, "watchdog", (99, 0, 0))
    assert one(bad(versions.versions(well))).remedy == ("pip install 'watchdog>=99.0.0'",)


def test_a_listener_that_runs_older_code_than_is_installed(place, monkeypatch):
    """This process stands for the listener: it began after our files had come."""
    sick = replace(patient(place), listener=os.getpid())
    monkeypatch.setattr(versions, "_newest_file", lambda: 0.0)
    assert not bad(versions.versions(sick))
    monkeypatch.setattr(versions, "_newest_file", lambda: time.time() + 60)
    assert one(bad(versions.versions(sick))).remedy == (f"supervisorctl -c {sick.main} restart reload",)


def test_supervisord_that_does_not_answer(place):
    sick = patient(place)
    found = one(running.supervisord(sick))
    assert found.level is Level.ERROR
    assert not list(running.update(sick))
    assert not list(programs.ports(sick))


def test_a_supervisord_that_does_not_run(place):
    """The remedy is to start it; nothing is said of a socket that would come back by itself."""
    sick = patient(place)
    found = one(running.supervisord(sick))
    assert (found.text, found.remedy) == ("it does not run", (f"supervisord -c {sick.main}",))


def test_a_configuration_that_was_never_updated(place):
    compared = GroupsCompared(added=("a", "b", "c"), changed=("d",), removed=("e",))
    well = patient(place)
    assert one(running.update(replace(well, told=told()))).level is Level.OK
    found = one(running.update(replace(well, told=told(compared=compared))))
    assert found.level is Level.WARNING
    assert found.text.endswith("a is new, b is new, c is new, d was changed and 1 more")
    assert found.remedy == (f"supervisorctl -c {well.main} update",)
    found = one(running.update(replace(well, told=told(compared=None, unread="no section"))))
    assert "error supervisord can't read its configuration: no section" in words(found)


@pytest.mark.parametrize(
    ("state", "listener", "said"),
    [
        (ProcessState.RUNNING, 7, "ok reload:reload works, pid 7"),
        (ProcessState.RUNNING, None, "error reload:reload is RUNNING, and none works in"),
        (ProcessState.STARTING, 7, "ok reload:reload works, pid 7"),
        (ProcessState.STARTING, None, "warning reload:reload has just begun"),
        (ProcessState.FATAL, None, "error reload:reload is FATAL (spawn error): no code is watched"),
        (ProcessState.STOPPED, None, "error reload:reload is STOPPED: no code is watched"),
        (None, None, "error supervisord does not have reload:reload yet"),
    ],
)
def test_how_the_listener_stands(state, listener, said, place):
    states = [("reload:reload", state)] if state else []
    sick = replace(patient(place), told=told(*states), listener=listener)
    assert words(one(running.listener(sick))).startswith(said)


def test_no_listener_at_all(place):
    sick = patient(place, head=HEAD.partition("[eventlistener")[0])
    assert words(one(running.listener(sick))) == "error the configuration has none supervisor-reload init"
    assert words(one(running.listener(patient(place)))).startswith("error none works in")
