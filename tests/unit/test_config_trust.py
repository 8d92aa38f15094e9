"""A listener that is root, and commands or configuration that others can write: told when it is read."""

from __future__ import annotations

import os
import sys

import pytest

from supervisor_reload.core.model import Rights
from tests.fakes.children import NOBODY
from tests.fakes.place import HEAD, LISTENER, PLAIN, RELOAD, WEB

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be a listener that is root")

ANYWAY = "; or set user= in [program:web], [eventlistener:reload], or, where nobody but root is at home "
TRUSTING = "\n[reload]\ntrust_writable=true\n"
AS_NOBODY = f"user={NOBODY}\n"

KEYS = {
    "check": "check=%(here)s/hook --all\n",
    "run_on": "run_on=*.css -> %(here)s/hook\n",
    "ready": "ready=%(here)s/hook\n",
    "drain": "drain=%(here)s/hook\nquiesce_signal=USR1\n",
}


@pytest.fixture
def hook(place):
    """A command that everybody can write."""
    file = place.script("hook", "#!/bin/sh\n")
    os.chmod(file, 0o777)
    return file


@pytest.mark.fault(53)
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("user", ["", "user=0\n"])
def test_a_command_of_root_that_others_can_write(place, hook, key, user):
    """
    An error with file, section, key and what to do.
    """
    (error,) = place.errors(HEAD, LISTENER, PLAIN, user, RELOAD, KEYS[key])
    assert error.startswith(
        f"{WEB}{key}: 'HERE/hook' would run as root, and 'HERE/hook' can be written by everybody "
        f"(chmod go-w HERE/hook){ANYWAY}"
    )


@pytest.mark.parametrize("key", KEYS)
def test_what_runs_as_the_programs_user_is_no_matter_of_ours(place, hook, key):
    """
    user= of the program, or of all of supervisord.
    """
    own = place.target(PLAIN, AS_NOBODY, RELOAD, KEYS[key])
    everywhere = HEAD.replace("[supervisord]\n", f"[supervisord]\n{AS_NOBODY}")
    (of_all,) = place.settings(everywhere, LISTENER, PLAIN, RELOAD, KEYS[key]).targets
    for target in (own, of_all):
        (slot,) = target.slots
        rights = {
            "check": target.check.rights,
            "run_on": target.reactions.rights,
            "ready": slot.ready.rights,
            "drain": slot.drain.rights,
        }
        assert rights[key] == Rights(user=NOBODY)


@pytest.mark.parametrize("key", KEYS)
def test_a_listener_with_a_user_runs_nothing_as_root(place, hook, key):
    """
    Nothing to refuse.
    """
    text = place.write(HEAD + LISTENER + AS_NOBODY + PLAIN + AS_NOBODY + RELOAD + KEYS[key])
    assert place.warnings(text.read_text()) == []


def test_who_is_not_root_can_not_tell_what_root_will_be(place, hook, monkeypatch):
    """
    `check` by an ordinary user, where nothing says as whom supervisord is started; with user=root it says so.
    """
    monkeypatch.setattr(os, "geteuid", lambda: NOBODY)
    assert place.warnings(HEAD, LISTENER, PLAIN, RELOAD, KEYS["check"]) == []
    (error,) = place.errors(HEAD, LISTENER, "user=root\n", PLAIN, RELOAD, KEYS["check"])
    assert "'HERE/hook' would run as root" in error


@pytest.mark.parametrize("key", KEYS)
def test_it_can_be_trusted_all_the_same(place, hook, key):
    """
    trust_writable: a warning, and the command will run.
    """
    warnings = place.warnings(HEAD, LISTENER, PLAIN, RELOAD, KEYS[key], TRUSTING)
    assert any("'HERE/hook' can be written by everybody" in warning for warning in warnings)
    target = place.target(PLAIN, RELOAD, KEYS[key], TRUSTING)
    assert Rights(trust_writable=True) in (
        target.check.rights,
        target.reactions.rights,
        target.slots[0].ready.rights,
        target.slots[0].drain.rights,
    )


def test_programs_of_several_users_have_their_command_run_as_the_listener(place, hook):
    """
    As nobody's in particular, so that the rule holds.
    """
    other = "\n[program:other]\ncommand=/bin/cat\n"
    errors = place.errors(
        HEAD, LISTENER, PLAIN, AS_NOBODY, other, RELOAD, "programs=web,other\n", KEYS["check"]
    )
    assert any("'HERE/hook' would run as root" in error for error in errors)


def test_an_interpreter_that_runs_a_program_as_root_may_compile_its_code(place):
    """
    check=python makes nobody root who was not; where the program is another user's, it runs as that user.
    """
    python = place.script("python", "#!/bin/sh\n")
    os.chmod(python, 0o777)
    program = f"\n[program:web]\ncommand={python} app.py\n"
    target = place.target(program, RELOAD, "check=python\n")
    assert (target.check.python, target.check.rights) == (python, Rights(trust_writable=True))
    target = place.target(program, AS_NOBODY, RELOAD, "check=python\n")
    assert target.check.rights == Rights(user=NOBODY)
    other = program.replace("web", "other")
    errors = place.errors(
        HEAD, LISTENER, program, AS_NOBODY, other, RELOAD, "programs=web,other\ncheck=python\n"
    )
    assert any("can be written by everybody" in error for error in errors)


def test_configuration_that_others_can_write(place):
    """
    The file, or an included one; each weak place is told once.
    """
    (place.directory / "conf.d").mkdir()
    for name in ("a.conf", "b.conf"):
        (place.directory / "conf.d" / name).write_text(f"[program:{name[0]}]\ncommand=/bin/cat\n")
    text = (HEAD, LISTENER, PLAIN, RELOAD, "[include]\nfiles=conf.d/*.conf\n")
    assert place.warnings(*text) == []
    os.chown(place.conf, NOBODY, -1)
    os.chmod(place.directory / "conf.d", 0o777)
    errors = place.errors(*text)
    assert len(errors) == 2
    assert errors[0].startswith(
        "HERE/supervisord.conf: [eventlistener:reload] runs as root and does what this file says, and "
        "'HERE/supervisord.conf' belongs to nobody (chown root HERE/supervisord.conf); or give the listener "
        "a user=, or, where nobody but root is at home (a development container), trust_writable=true in "
    )
    assert errors[1].startswith("HERE/conf.d/a.conf: ")
    assert "'HERE/conf.d' can be written by everybody (chmod go-w HERE/conf.d)" in errors[1]
    assert len(place.warnings(*text, TRUSTING)) == 2


def test_commands_of_root_alone_are_fine(place):
    """
    Nothing to say of what is as it should be, looked up or named.
    """
    place.script("hook", f"#!{sys.executable}\n")
    assert place.warnings(HEAD, LISTENER, PLAIN, RELOAD, *KEYS.values()) == []
    assert place.target(PLAIN, RELOAD, "check=true\n").check.rights == Rights()
