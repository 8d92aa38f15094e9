"""Which Python runs a program, for check=python."""

from __future__ import annotations

import shutil

import pytest

from tests.fakes.place import GROUPED, HEAD, LISTENER, RELOAD


@pytest.mark.parametrize(
    "command",
    [
        "{python} -m http.server",
        "env A=b {python} app.py",
        "supervisor-reload exec --no-socket -- {python} app.py",
        "supervisor-reload exec --no-socket {python} app.py",
        "sh -c 'exec {python} app.py'",
        "{here}/direct --flag",
        "{here}/looked-up",
        "{here}/split",
        "{here}/long",
        "./direct",
        "direct",
    ],
)
def test_python_of_a_program(place, command):
    """
    The interpreter is found behind wrappers, in a script's first line, and on the program's own PATH.
    """
    python = shutil.copy("/bin/true", place.directory / "python3.99")
    place.script("direct", f"#!{python}\n")
    place.script("looked-up", "#!/usr/bin/env python3.99\n")
    place.script("split", "#!/usr/bin/env -S python3.99 -u\n")
    place.script("long", f"#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n")
    program = (
        f"[program:web]\ncommand={command.format(python=python, here=place.directory)}\n"
        f'directory={place.directory}\nenvironment=PATH="{place.directory}:/bin"\n'
    )
    check = place.target(program, RELOAD, "check=python\n").check
    assert (check.python, check.command, check.directory) == (str(python), (), str(place.directory))


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (
            "no-such-command",
            "can't find the program's command 'no-such-command': name it by its full path; its PATH is '",
        ),
        (
            "/no/such/python",
            "the program's command '/no/such/python' does not exist, or can't be executed: put",
        ),
        ("/bin/cat", "the program runs /bin/cat, which is not a Python script; use a check command"),
        ("%(here)s/gone", "HERE/gone wants '/no/python3', which does not exist"),
        ("exec", "the program has no command of its own; use a check command"),
    ],
)
def test_no_python(place, command, expected):
    """
    Where the interpreter can't be told, the error says what to do about that.
    """
    place.script("gone", "#!/no/python3\n")
    (error,) = place.errors(HEAD, LISTENER, f"[program:web]\ncommand={command}\n", RELOAD, "check=python\n")
    assert expected in error


def test_two_pythons(place):
    """
    Programs with different interpreters need a section each, or a command.
    """
    for name in ("python3.1", "python3.2"):
        shutil.copy("/bin/true", place.directory / name)
    grouped = GROUPED.replace("/bin/cat", "%(here)s/python3.1", 1).replace("/bin/cat", "%(here)s/python3.2")
    (error,) = place.errors(HEAD, LISTENER, grouped, "[reload:all]\nwatch=%(here)s/app\ncheck=python\n")
    assert (
        "check: the programs have different Pythons (a runs HERE/python3.1, b runs HERE/python3.2)" in error
    )
