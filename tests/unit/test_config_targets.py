"""Every sentence that tells an operator what is wrong with a section of ours."""

from __future__ import annotations

import pytest

from tests.fakes.place import HEAD, LISTENER, PLAIN, RELOAD, WEB


@pytest.mark.fault(27)
@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("chek=python", "chek: unknown key; did you mean 'check'?"),
        ("zebra=1", "zebra: unknown key"),
        ("state_dir=/tmp/x", "state_dir: belongs in [reload], because it holds for all targets"),
        ("quiesce_signal=USR9", "quiesce_signal: 'USR9' is not a signal; did you mean 'USR2'?"),
        ("quiesce_signal=KILL", "quiesce_signal: no program can handle KILL"),
        (
            "quiesce_signal=TERM",
            "quiesce_signal: TERM is the stop signal: a process that ends on it needs no",
        ),
        ("lame_duck=1", "lame_duck: waits for others to notice the quiesce_signal, and there is none"),
        ("lame_duck=-1", "lame_duck: '-1' is not a number of seconds from 0 to 31622400"),
        ("drain_interval=0", "drain_interval: must be more than 0 seconds"),
        ("drain=exti", "drain: 'exti' is neither a word that we know nor a command; did you mean 'exit'?"),
        ("drain=tcp://localhost:1", "drain: 'tcp://localhost:1' is of an unknown kind"),
        ("drain=http:localhost", "drain: 'http:localhost' lacks the // behind the colon"),
        ("drain=http:///x", "drain: 'http:///x' names no host"),
        ("drain=message", "drain: supervisord looks for messages in the output of [program:web] only where"),
        ("ready=message", "ready: supervisord looks for messages in the output of [program:web] only where"),
        ("strategy=signal\ndrain=connections", "drain: strategy=signal takes no process out of service"),
        ("ready=unix:x", "ready: 'unix:x' names no absolute path: write unix:///path"),
        ("ready=unix:///" + "x" * 108, "ready: 'unix:///" + "x" * 108 + "' is longer than a unix socket's"),
        ("ready=http://192.0.2.1/", "ready: 192.0.2.1 is not this machine, so nobody can tell which process"),
        ("ready=htp://localhost/", "ready: 'htp://localhost/' is of an unknown kind; did you mean 'http'?"),
        ("ready=http:localhost", "ready: 'http:localhost' lacks the // behind the colon"),
        ("ready=tcp://localhost", "ready: 'tcp://localhost' names no port"),
        ("ready=tcp://localhost:0", "ready: 'tcp://localhost:0' names no port"),
        ("ready=tcp://localhost:1/x", "ready: 'tcp://localhost:1/x' has a path, which tcp does not"),
        ("ready=http:///x", "ready: 'http:///x' names no host"),
        ("ready=http://h:99999/", "ready: 'http://h:99999/' is not a URL: Port out of range 0-65535"),
        ("ready=http://h/a b", "ready: 'http://h/a b' holds a space or a control character"),
        ("ready=acepting", "ready: 'acepting' is neither a word that we know nor a command; did you"),
        ("ready=/no/such --thing", "ready: '/no/such' does not exist"),
        ("ready=test 'a", 'ready: "test \'a" is not a command line: No closing quotation'),
        ("ready=", "ready: is an empty command"),
        ("check=pyhton", "check: 'pyhton' is neither a word that we know nor a command; did you mean"),
        ("check=python3", "check: 'python3' without arguments tells nothing; did you mean 'python'?"),
        ("check=/no/such", "check: '/no/such' does not exist"),
        ("check='", 'check: "\'" is not a command line: No closing quotation'),
        ("check=python", "check: program 'web': the program runs /bin/cat, which is not a Python"),
        ("gitignore=maybe", "gitignore: not a valid boolean value: 'maybe'"),
        ("observer=natve", "observer: 'natve' is not one of auto, native, polling; did you mean 'native'?"),
        ("strategy=hup", "strategy: 'hup' is not one of rolling, signal"),
        ("signal=HPU", "signal: 'HPU' is not a signal; did you mean 'HUP'?"),
        ("signal=0", "signal: '0' is not a signal"),
        ("signal=KILL", "signal: no program can handle KILL"),
        ("stop_signal=99", "stop_signal: '99' is not a signal"),
        ("quiet_period=-1", "quiet_period: '-1' is not a number of seconds from 0 to 31622400"),
        ("quiet_period=nan", "quiet_period: 'nan' is not a number of seconds from 0 to 31622400"),
        ("max_wait=inf", "max_wait: 'inf' is not a number of seconds from 0 to 31622400"),
        ("max_wait=0", "max_wait: must be more than 0 seconds"),
        ("max_wait=1m", "max_wait: '1m' is not a number of seconds"),
        ("quiet_period=3", "quiet_period: 3 seconds are more than max_wait (2)"),
        ("check_timeout=0", "check_timeout: must be more than 0 seconds"),
        ("rescan_interval=x", "rescan_interval: 'x' is not a number of seconds"),
        ("run_on=*.txt pip install", "run_on: '*.txt pip install' lacks the -> between its patterns and its"),
        ("run_on=-> true", "run_on: '-> true' names no pattern before the ->"),
        ("run_on=*.txt ->", "run_on: is an empty command"),
        ("run_on=*.txt -> /no/such", "run_on: '/no/such' does not exist"),
        ("run_on=*.txt -> test 'a", 'run_on: "test \'a" is not a command line: No closing quotation'),
        ("run_on=/ -> true", None),
        ("run_on=! -> true", "run_on: '!' is not a gitignore pattern: "),
        ("run_timeout=0", "run_timeout: must be more than 0 seconds"),
        ("signal_on=templates/", "signal_on: needs signal=: the one at which the program reads such files"),
        ("signal_on=!\nsignal=HUP", "signal_on: '!' is not a gitignore pattern: "),
        ("ignore_on=!", "ignore_on: '!' is not a gitignore pattern: "),
        ("strategy=signal\nsignal=HUP\nsignal_on=a", "signal_on: says nothing with strategy=signal, where"),
        ("reload_config=true", "reload_config: belongs in [reload], because it holds for all targets"),
        ("failure_limit=0", "failure_limit: must be a number from 1 to 1000000, not 0"),
        ("failure_limit=x", "failure_limit: 'x' is not a whole number"),
        ("max_per_hour=-1", "max_per_hour: must be a number from 1 to 1000000, not -1"),
        ("drain_timeout=11", "drain_timeout: 11 seconds are more than the stopwaitsecs (10) of"),
        ("ready_timeout=1", "ready_timeout: 1 seconds can't be enough: supervisord calls web:web"),
        ("replicas=0", "replicas: 0 of 1 processes would leave none to serve"),
        ("replicas=2", "replicas: 2 are more than the 1 processes that there are: raise numprocs"),
        ("replicas=-1", "replicas: '-1' is neither a number of processes nor a percentage such as 25%"),
        ("max_surge=1", "max_surge: max_surge=1 needs 2 processes or more, and there are 1: raise"),
        ("max_surge=100%", "max_surge: replicas (1) and max_surge (1) need 2 processes, and there are"),
        ("replicas=1\nmax_surge=1", "max_surge: replicas (1) and max_surge (1) need 2 processes, and"),
        ("max_unavailable=0", "max_unavailable: max_unavailable and max_surge can't both be 0: no"),
        ("max_unavailable=2", "max_unavailable: 2 are more than the replicas (1)"),
        ("max_unavailable=101%", None),  # rounds down to 1
        ("max_unavailable=200%", "max_unavailable: 200% are more than the replicas (1)"),
        ("strategy=signal\nmax_surge=1", "max_surge: strategy=signal keeps every process, so it can't"),
        ("watch=", "watch: must name at least one"),
        ("watch=app", "watch: 'app' is relative, and the program has no directory: begin it with"),
        ("watch=%(here)s/ap", "watch: 'HERE/ap' does not exist"),
        ("watch=%(her)s/app", "expanded"),
        ("watch=%(here)s/run", "watch: our state directory's"),
        ("watch=%(here)s/log", None),  # what is called *.log is no code
        (
            "watch=%(here)s/log\nexclude=!*.log",
            "watch: supervisord's log 'HERE/log/supervisord.log' is in the watched",
        ),
        ("programs=wbe", "programs: there is no group, program or process 'wbe'; did you mean 'web'?"),
        ("programs=web:wbe", "programs: there is no group, program or process 'web:wbe'; did you mean"),
        ("programs=,", "programs: must name at least one"),
        ("programs=reload", "programs: [eventlistener:reload] is supervisor_reload's own listener,"),
    ],
)
def test_errors_of_a_target(place, keys, expected):
    """
    Each error names the file, the section, the key, and what to do.
    """
    place.read(HEAD, LISTENER, PLAIN, RELOAD)  # right without the line
    if expected is None:
        place.read(HEAD, LISTENER, PLAIN, RELOAD, keys)
        return
    errors = place.errors(HEAD, LISTENER, PLAIN, RELOAD, keys, "\n")
    if expected == "expanded":
        assert any("[reload:web] watch:" in error and "'her'" in error for error in errors), errors
    else:
        assert any(error.startswith(WEB + expected) for error in errors), errors


def test_rules(place):
    """
    One a line, patterns before the arrow, a command line behind it, with what %(here)s stands for.
    """
    text = """run_on=
  requirements*.txt, constraints.txt -> %(here)s/pip install -r 'a b.txt'
  package.json  package-lock.json->npm ci
rescan_interval=none
signal_on=templates/,*.html
signal=USR2
ignore_on=*.md
"""
    (place.directory / "pip").write_text("")
    (target,) = place.read(HEAD, LISTENER, PLAIN, RELOAD, text).settings.targets
    pip, npm = target.reactions.run_on
    assert ("requirements*.txt", "constraints.txt") == pip.patterns
    assert (str(place.directory / "pip"), "install", "-r", "a b.txt") == pip.command
    assert (("package.json", "package-lock.json"), ("npm", "ci")) == (npm.patterns, npm.command)
    assert (("templates/", "*.html"), ("*.md",)) == (target.reactions.signal_on, target.reactions.ignore_on)
    assert ("USR2", 0.0) == (target.signal, target.watch.rescan_interval)


def test_missing_watch(place):
    """
    A target that watches nothing is an error, also when its program is unknown.
    """
    assert place.errors(HEAD, LISTENER, PLAIN, "[reload:web]\n[reload:other]\n") == [
        WEB + "watch: is required: the directories or files whose change replaces the processes",
        "HERE/supervisord.conf: [reload:other] programs: there is no group, program or process 'other'",
        "HERE/supervisord.conf: [reload:other] watch: is required: the directories or files whose change "
        "replaces the processes",
    ]


@pytest.mark.fault(27)
@pytest.mark.parametrize("name", ["relaod:web", "reload-web", "Reload:web", "reload web", "reload_web"])
def test_misspelt_section(place, name):
    """
    A section that supervisord would ignore without a word, and that was meant for us, is an error.
    """
    (error,) = place.errors(HEAD, LISTENER, PLAIN, RELOAD, f"[{name}]\nwatch=%(here)s/app\n")
    assert error == f"HERE/supervisord.conf: [{name}]: unknown section; did you mean [reload:web]?"


@pytest.mark.parametrize("name", ["rpcinterface:reload", "program:reload", "load:web", "relay:web"])
def test_sections_of_others_are_left_alone(place, name):
    """
    Sections that only remind of ours are nobody's error.
    """
    body = "command=/bin/cat\nsupervisor.rpcinterface_factory=not.there:at_all\n"
    assert place.read(HEAD, LISTENER, PLAIN, RELOAD, f"[{name}]\n{body}").warnings == ()


@pytest.mark.fault(22)
@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("[reload:]", "[reload:]: the section has no name; write [reload] for the defaults, or"),
        ("[reload:a b]", "[reload:a b]: Invalid name: 'a b' because of character: ' '"),
        ("[reload]\nlog_level=loud", "[reload] log_level: 'loud' is not a log level"),
        ("[reload]\nlog_format=xml", "[reload] log_format: 'xml' is not one of text, json"),
        ("[reload]\nstate_dir=state", "[reload] state_dir: 'state' is relative: begin it with %(here)s/"),
        (
            "[reload]\nstate_dir=%(here)s/supervisord.conf",
            "[reload] state_dir: 'HERE/supervisord.conf' is not a directory",
        ),
        ("[reload]\nlog_levle=info", "[reload] log_levle: unknown key; did you mean 'log_level'?"),
        ("[reload]\nmax_wait=x", "[reload] max_wait: 'x' is not a number of seconds"),
        (
            "[reload]\nstate_dir=%(here)s",
            "[reload:web] watch: 'HERE/app' is in our own state directory 'HERE'",
        ),
        (
            "[reload:again]\nprograms=web\nwatch=%(here)s/app",
            "[reload:again] programs: web:web belongs to [reload:web] already",
        ),
        (
            "[program:idle]\ncommand=/bin/cat\nnumprocs=0\nprocess_name=%(process_num)d\n"
            "[reload:idle]\nwatch=%(here)s/app",
            "[reload:idle] programs: [program:idle] has no processes that could be read",
        ),
    ],
)
def test_errors_of_sections(place, section, expected):
    """
    What is wrong with a section, or between two, is said where it was written.
    """
    errors = place.errors(HEAD, LISTENER, PLAIN, RELOAD, section, "\n")
    assert any(error.startswith(f"HERE/supervisord.conf: {expected}") for error in errors), errors
