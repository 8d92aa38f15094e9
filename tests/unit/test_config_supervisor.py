"""What is wrong with supervisord's own sections, and with our listener's."""

from __future__ import annotations

import pytest

from tests.fakes.place import HEAD, LISTENER, PLAIN, RELOAD, SOCKET, WEB


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("", "[supervisord]: the file has no [supervisord] section"),
        (
            HEAD.replace("unix_http_server", "nothing"),
            "[unix_http_server]: supervisord has no server section, so no order can reach it; "
            "add these lines:\n[unix_http_server]\nfile=%(here)s/supervisor.sock",
        ),
        (
            HEAD.replace("rpcinterface:supervisor", "nothing"),
            "[rpcinterface:supervisor]: supervisord needs this section to be controlled; add "
            "these lines:\n[rpcinterface:supervisor]\n"
            "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
        ),
        (
            HEAD.replace("file=", "fiel="),
            "[unix_http_server] file: the section has no file value",
        ),
        (
            HEAD + "[inet_http_server]\nport=x",
            "[inet_http_server] port: not a valid port number: 'x' ",
        ),
        (
            HEAD + "[inet_http_server]\nport=1\nusername=x",
            "[inet_http_server] port: a username needs a password, and a password a username",
        ),
        (
            HEAD + "[rpcinterface:x]\n",
            "[rpcinterface:x] supervisor.rpcinterface_factory: the section does not specify a "
            "supervisor.rpcinterface_factory",
        ),
        (
            HEAD.replace("[supervisord]", "[supervisord]\nminfds=x"),
            "[supervisord] minfds: invalid literal for int() with base 10: 'x'",
        ),
        (
            HEAD.replace("[supervisord]", "[supervisord]\nidentifier=%(nope)s"),
            "[supervisord] identifier: Format string '%(nope)s' for 'supervisord.identifier' contains names "
            "('nope') which cannot be expanded.",
        ),
        (
            HEAD.replace("[supervisord]", "[supervisord]\nenvironment=A"),
            "[supervisord] environment: Unexpected end of key/value pairs in value 'A'",
        ),
        (HEAD + "[include]\n", "[include] files: the section has no files setting"),
        (HEAD + "[include]\nfiles=%(x)s\n", "[include] files: Format string '%(x)s'"),
        (
            HEAD + "[group:g]\nprograms=web,ghost\n",
            "[group:g] programs: names unknown program or fcgi-program 'ghost'",
        ),
        (
            HEAD + "[program:p]\nnumprocs=2\ncommand=/bin/cat\n",
            "[program:p]: %(process_num) must be present within process_name when numprocs > 1",
        ),
        (HEAD + "[program:p]\n", "[program:p]: program section program:p does not specify a command"),
        (
            HEAD + "[program:p]\ncommand=/bin/cat\nnumprocs=10001\nprocess_name=%(process_num)d\n",
            "[program:p] numprocs: 10001 processes are more than 10000",
        ),
        (
            HEAD + "[program:p]\ncommand=/bin/cat\nstopwaitsecs=x\n",
            "[program:p]: invalid literal for int() with base 10: 'x'",
        ),
        (
            HEAD + "[fcgi-program:p]\ncommand=/bin/cat\n",
            "[fcgi-program:p] socket: Bad socket format ",
        ),
        (
            HEAD + "[eventlistener:p]\ncommand=/bin/cat\n",
            '[eventlistener:p] events: the section requires an "events" line',
        ),
        (
            HEAD + "[eventlistener:p]\ncommand=/bin/cat\nevents=TICK_60\nredirect_stderr=on\n",
            "[eventlistener:p] redirect_stderr: supervisord refuses true for an event listener, whose stdout",
        ),
    ],
)
def test_errors_of_supervisords_own_sections(place, head, expected):
    """
    What supervisord would refuse is refused here too, and our own errors beside it are not hidden.
    """
    errors = place.errors(head, LISTENER, PLAIN, RELOAD, "chek=1\n")
    assert any(error.startswith(f"HERE/supervisord.conf: {expected}") for error in errors), errors
    assert WEB + "chek: unknown key; did you mean 'check'?" in errors


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            ("buffer_size=1000", ""),
            "buffer_size: is by default 10, so that a burst of events pushes the oldest out: "
            "set buffer_size=1000",
        ),
        (
            ("buffer_size=1000", "buffer_size=99"),
            "buffer_size: is 99, so that a burst of events pushes the oldest out: set buffer_size=1000",
        ),
        (("buffer_size=1000", "buffer_size=x"), "buffer_size: 'x' is not a whole number"),
        (("TICK_5", "TICK_60"), "events: lacks TICK_5"),
        (
            ("priority=-10", "redirect_stderr=true"),
            "redirect_stderr: supervisord refuses true for an event listener, whose stdout is its protocol: "
            "remove it",
        ),
        (("PROCESS_STATE", "PROCESS_STATE_EXITED"), "events: lacks PROCESS_STATE"),
        (
            ("PROCESS_GROUP,", "PROCESS_GRUOP,"),
            "events: unknown event type PROCESS_GRUOP; did you mean 'process_group'?",
        ),
    ],
)
def test_errors_of_our_listener(place, change, expected):
    """
    A listener that would miss events is an error.
    """
    errors = place.errors(HEAD, LISTENER.replace(*change), PLAIN, RELOAD)
    assert f"HERE/supervisord.conf: [eventlistener:reload] {expected}" in errors


@pytest.mark.parametrize(
    "command",
    [
        "supervisor-reload listen",
        "/venv/bin/supervisor-reload -c %(here)s/supervisord.conf listen",
        "python3 -m supervisor_reload listen",
        "sh -c 'exec supervisor-reload listen'",
    ],
)
def test_our_listener_is_recognised(place, command):
    """
    However it is started, our listener is found, and an abstract event type covers the kinds that we need.
    """
    listener = LISTENER.replace("supervisor-reload listen", command).replace("TICK_5", "TICK")
    assert place.read(HEAD, listener, PLAIN, RELOAD).warnings == ()


def test_missing_listener(place):
    """
    Without our listener nothing would be reloaded: the error has the lines to paste.
    """
    other = "[eventlistener:mail]\ncommand=crashmail\nevents=NOT_KNOWN_HERE\n"
    (error,) = place.errors(HEAD, other, PLAIN, RELOAD)
    assert error.startswith(
        "HERE/supervisord.conf: [eventlistener:reload]: our event listener is missing; add these"
    )
    place.read(HEAD, PLAIN, RELOAD, error.split("add these lines:")[1])


def test_two_listeners(place):
    """
    Two listeners would fight over every rollout; the second finds the first, and refuses.
    """
    second = LISTENER.replace("eventlistener:reload", "eventlistener:second").replace("-10", "-11")
    assert place.warnings(HEAD, LISTENER, second, PLAIN, RELOAD) == [
        "HERE/supervisord.conf: [eventlistener:second]: there must be one listener process, and there are 2: "
        "reload:reload, second:second; the first that starts works, and the others refuse to"
    ]


def test_priority_of_another_listener(place):
    """
    Equal priorities let rejected events leak from one listener to the other.
    """
    other = "[eventlistener:mail]\ncommand=crashmail\nevents=TICK_60\npriority=-10\n"
    assert place.warnings(HEAD, LISTENER, other, PLAIN, RELOAD) == [
        "HERE/supervisord.conf: [eventlistener:reload] priority: is -10, as that of [eventlistener:mail]: "
        "events that one rejects reach the other; give us our own"
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "autostart=off",
            "autostart: is false, so supervisord does not start it: no code is watched until somebody does",
        ),
        (
            "autorestart=false",
            "autorestart: is false, so supervisord does not start it again when it was killed: "
            "no code is watched then",
        ),
        (
            "startretries=0",
            "startretries: is 0, so supervisord gives it up (FATAL) after one start that failed, and no code "
            "is watched from then on: set startretries=100",
        ),
    ],
)
def test_listener_that_supervisord_leaves_down(place, line, expected):
    """
    Without a listener nothing is reloaded and nothing says so: worth a warning.
    """
    own = LISTENER.rstrip() + f"\n{line}\n"
    assert place.warnings(HEAD, own, PLAIN, RELOAD) == [
        f"HERE/supervisord.conf: [eventlistener:reload] {expected}"
    ]
    kept = LISTENER.rstrip() + "\nautostart=true\nautorestart=unexpected\n"
    other = f"[eventlistener:mail]\ncommand=crashmail\nevents=TICK_60\n{line}\n"
    assert place.warnings(HEAD, kept, other, PLAIN, RELOAD) == []


def test_no_target(place):
    """
    A configuration without a target is an error, not an idle listener.
    """
    assert place.errors(HEAD, LISTENER, PLAIN) == [
        "HERE/supervisord.conf: there is no [reload:NAME] section, so there is nothing to do"
    ]


def test_all_errors_at_once(place):
    """
    One reading tells everything that is wrong, in the file's order of sections.
    """
    errors = place.errors(
        HEAD, LISTENER, PLAIN, "[reload:web]\nwatch=/none\nchek=1\nready=tcp://x\nmax_wait=0\n"
    )
    assert [error.split("] ")[1].split(":")[0] for error in errors] == ["chek", "ready", "watch", "max_wait"]


def test_what_an_update_needs_is_read(place):
    """Every group with its processes, which of them start by themselves, and the patterns of [include]."""
    (place.directory / "more").mkdir()
    include = "[include]\nfiles=more/*.conf %(here)s/x.conf\n"
    job = "[program:job]\ncommand=/bin/cat\nautostart=false\nstopwaitsecs=7\n"
    configuration = place.read(HEAD, LISTENER, SOCKET, job, RELOAD, include).configuration
    assert {"web", "job", "reload"} == {group.name for group in configuration.groups}
    job_group, web_group = configuration.group("job"), configuration.group("web")
    assert (("job:job",), (), 7.0) == (job_group.processes, job_group.autostart, job_group.stop_timeout)
    assert web_group.processes == web_group.autostart
    assert 4 == len(web_group.processes)
    assert () == configuration.group("nobody").processes
    assert "reload" == configuration.own_group
    here = str(place.directory)
    assert (f"{here}/more/*.conf", f"{here}/x.conf") == configuration.patterns
    assert 2 == sum("no file matches" in warning for warning in configuration.warnings)
