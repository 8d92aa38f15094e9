"""Our reading of supervisord.conf beside that of a real supervisord, and of anything at all."""

from __future__ import annotations

import signal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from supervisor.options import ServerOptions

from supervisor_reload import config
from supervisor_reload.config.findings import Findings
from supervisor_reload.config.supervisorconf import read_supervisorconf
from supervisor_reload.core.errors import ConfigErrors
from tests.fakes.place import HEAD, LISTENER

EVERYTHING = """
[include]
files=conf.d/*.ini %(ENV_EXTRA)s/*.conf

[group:site]
programs=b_many,a_one
priority=5

[program:a_one]
command=/bin/cat %(here)s %(ENV_EXTRA)s %(host_node_name)s %(group_name)s
directory=/tmp
environment=X="%(program_name)s",PATH="/bin:/opt/bin"
stopsignal=QUIT
stopwaitsecs=33
startsecs=3
autorestart=true
redirect_stderr=true
stopasgroup=true

[program:b_many]
command=/bin/echo %(process_num)02d of %(numprocs)d %(ENV_WHO)s
process_name=%(program_name)s_%(group_name)s_%(process_num)d
numprocs=12
numprocs_start=3
autorestart=false
environment=N="%(process_num)d"
stdout_logfile=%(here)s/log/%(program_name)s-%(process_num)d.log

[fcgi-program:sock]
socket=unix://%(here)s/run/%(program_name)s.sock
command=/bin/cat
process_name=%(process_num)d
numprocs=3
"""


def test_programs_are_what_supervisord_reads(place, monkeypatch):
    """
    Every process that a real supervisord would have, with every value that we use, is what we read.
    """
    extra = place.directory / "extra"
    for directory in (extra, place.directory / "conf.d"):
        directory.mkdir()
    (extra / "x.conf").write_text("[program:extra]\ncommand=%(here)s/run.sh\nstartsecs=0\nserverurl=AUTO\n")
    (place.directory / "conf.d" / "y.ini").write_text(
        "[program:y]\ncommand=/bin/cat %(ENV_WHO)s ; not this\n"
    )
    monkeypatch.setenv("EXTRA", str(extra))
    head = HEAD.replace("[supervisord]", '[supervisord]\nidentifier=box\nenvironment=WHO="%(here)s",Z="1"')
    main = str(place.write(head + LISTENER + EVERYTHING))

    real = ServerOptions()
    real.realize(["-c", main], doc="")
    findings = Findings()
    ours = read_supervisorconf(main, findings)

    assert findings.errors == []
    assert (ours.identifier, ours.logfile, ours.pidfile) == (real.identifier, real.logfile, real.pidfile)
    assert ours.servers[0].url == real.serverurl
    expected = {
        f"{group.name}:{process.name}": (
            process.command,
            process.directory or "",
            process.environment,
            process.get_path(),
            process.startsecs,
            process.stopwaitsecs,
            int(process.stopsignal),
            process.stopasgroup,
            process.serverurl or "",
            [log for log in (process.stdout_logfile, process.stderr_logfile) if isinstance(log, str)],
        )
        for group in real.process_group_configs
        for process in group.process_configs
    }
    found = {
        str(process.name): (
            process.command,
            process.directory,
            process.environment,
            list(process.path),
            process.startsecs,
            process.stopwaitsecs,
            int(signal.Signals[f"SIG{process.stopsignal}"]),
            process.stopasgroup,
            process.serverurl,
            list(process.logfiles),
        )
        for process in ours.processes
    }
    assert len(found) == 12 + 1 + 3 + 1 + 1 + 1
    assert found == expected
    order = [
        process.name
        for group in real.process_group_configs
        if group.name == "site"
        for process in group.process_configs
    ]
    assert [process.process for process in ours.processes if process.group == "site"] == order
    numbers = {
        process.process: process.expansions["process_num"]
        for process in ours.processes
        if process.program == "b_many"
    }
    assert numbers == {f"b_many_site_{number}": number for number in range(3, 15)}


ANY_LINE = st.text(
    st.characters(
        blacklist_categories=("Cs",), blacklist_characters="\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
    )
)
TRICKY = st.sampled_from(
    [
        "%",
        "%%",
        "%(",
        "%(here)s",
        "%(process_num)d",
        "%(x)s",
        "'",
        '"',
        ",",
        ":",
        "://",
        "http://[",
        "tcp://:",
        "-1",
        "1e999",
        "9" * 5000,
        "\0",
        "../" * 9,
        "~",
        "~nobody",
        "group:",
        ":",
        "*",
        "%s",
        "!",
        "[",
        "\\",
        "[a",
        "٣",
        "100%",
        "true",
        "python",
    ]
)


@pytest.mark.fault(26)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_text_is_read_or_refused(place, data):
    """
    Whatever stands in a value or a section's name, the answer is settings or ConfigErrors.
    """
    names = st.sampled_from([key.name for key in config.KEYS])
    value = st.one_of(TRICKY, ANY_LINE, st.lists(st.one_of(TRICKY, ANY_LINE), max_size=3).map("".join))
    keys = data.draw(st.dictionaries(names, value, max_size=4))
    program = data.draw(
        st.dictionaries(
            st.sampled_from(
                [
                    "command",
                    "environment",
                    "directory",
                    "stopsignal",
                    "process_name",
                    "user",
                    "stdout_logfile",
                    "numprocs_start",
                    "autorestart",
                    "stopwaitsecs",
                ]
            ),
            value,
            max_size=2,
        )
    )
    general = data.draw(
        st.dictionaries(
            st.sampled_from(["identifier", "pidfile", "logfile", "childlogdir"]), value, max_size=1
        )
    )
    text = HEAD.replace("[supervisord]", "[supervisord]\n" + _lines(general)) + LISTENER
    text += f"[program:web]\ncommand=/bin/cat\n{_lines(program)}\n"
    text += f"[reload:web]\nwatch=%(here)s/app\n{_lines(keys)}\n"
    place.conf.write_text(text, encoding="utf-8")
    try:
        reading = config.read(str(place.conf))
    except ConfigErrors as wrong:
        assert wrong.errors
        assert all(error.message for error in wrong.errors)
    else:
        assert reading.settings.targets[0].slots


def _lines(values: dict[str, str]) -> str:
    return "".join(f"{key}={value}\n" for key, value in values.items())
