"""The verb check: what an operator reads, and the exit code that a script reads."""

from __future__ import annotations

import io

import pytest

from supervisor_reload.checking import check, survey, watching
from supervisor_reload.core.model import WatchSettings
from tests.fakes.place import HEAD, LISTENER, PLAIN, RELOAD, SOCKET


def _check(place, *parts):
    stream = io.StringIO()
    code = check(str(place.write("".join(parts))), stream)
    return code, stream.getvalue().replace(str(place.directory), "HERE").splitlines()


def test_errors(place):
    """
    Every error is a line of its own, and the exit code is 2.
    """
    code, lines = _check(place, HEAD, LISTENER, PLAIN, RELOAD, "chek=1\nmax_wait=0\n")
    assert code == 2
    assert lines == [
        "error: HERE/supervisord.conf: [reload:web] chek: unknown key; did you mean 'check'?",
        "error: HERE/supervisord.conf: [reload:web] max_wait: must be more than 0 seconds",
        "2 errors",
    ]


def test_no_file():
    """
    A file that is not there is told in one line.
    """
    stream = io.StringIO()
    assert check("/no/such.conf", stream) == 2
    assert stream.getvalue() == "error: /no/such.conf: could not find config file\n1 error\n"


def test_right_configuration(place):
    """
    A right configuration shows each target's processes, numbers, limits, and what would be watched.
    """
    for name in ("a.py", "b.py", "sub/c.py", "sub/d.txt", "__pycache__/a.pyc", ".git/HEAD"):
        file = place.directory / "app" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("")
    keys = "max_surge=2\ninclude=*.py\ncheck=/bin/true fast\nready=http://127.0.0.1:1/\nmin_ready=3\nmax_per_hour=6\n"
    code, lines = _check(place, HEAD, LISTENER, SOCKET, RELOAD, keys)
    assert code == 0
    assert lines[:13] == [
        "HERE/supervisord.conf: no errors",
        "",
        "web: blue/green: 2 spare slots boot the new code beside 2 old",
        "  processes  web:web_00, web:web_01, web:web_02, web:web_03 (4)",
        "  numbers    2 replicas, 2 spare, at most 1 unavailable",
        "  check      /bin/true fast (at most 60 s)",
        "  stop       TERM; supervisord kills it after 20 s",
        "  ready      http://127.0.0.1:1/ (at most 60 s from the start, then 3 s without failing)",
        "  failures   3 of one revision, then it is left alone; 0 s between rollouts, "
        "at most 6 rollouts an hour",
        "  burst      ends after 0.05 s of silence, or 2 s in all; git may hold it open for 30 s",
        "  watch      HERE/app: 3 files in 2 directories",
        "",
        *[line for line in lines if line.startswith("inotify: 3 watches needed, ")],
    ]
    assert lines[-1] == "state: HERE/run/supervisor_reload-supervisor"


def test_warnings_come_first(place):
    """
    A warning is told before all else, and the exit code stays 0.
    """
    code, lines = _check(place, HEAD, LISTENER, SOCKET, RELOAD, "replicas=3\n")
    assert code == 0
    assert lines[0].startswith(
        "warning: HERE/supervisord.conf: [reload:web] replicas: 1 of 4 processes will never"
    )


def test_include_that_matches_nothing(place):
    """
    A pattern that leaves no file at all is a warning; one that leaves some is not, nor beside a single file.
    """
    (place.directory / "app" / "main.py").write_text("")
    wrong = "warning: [reload:web] include: no file matches '*.pyx, /src/', so no save is a change"
    code, lines = _check(place, HEAD, LISTENER, PLAIN, RELOAD, "include=*.pyx, /src/\n")
    assert (code, lines[1]) == (0, wrong)
    single = "[reload:web]\nwatch=%(here)s/app/main.py\ninclude=*.pyx\n"
    for right in (RELOAD + "include=*.py\n", RELOAD, single):
        _, lines = _check(place, HEAD, LISTENER, PLAIN, right)
        assert not any(line.startswith("warning") for line in lines), lines


@pytest.mark.parametrize(
    ("program", "keys", "words"),
    [
        (PLAIN, "", "web: restart: the old process finishes and stops, then the new one starts"),
        (PLAIN, "strategy=signal", "web: signal: the program gets HUP and reloads itself"),
        (SOCKET, "max_unavailable=2", "web: rolling: 2 of 4 at a time, in place"),
        (SOCKET, "max_surge=1", "web: surge: at most 1 spare slot boots the new code beside the old"),
        (
            SOCKET.replace("numprocs=4", "numprocs=2"),
            "max_surge=1",
            "web: swap: a spare slot boots the new code",
        ),
    ],
)
def test_numbers_in_words(place, program, keys, words):
    """
    What the numbers mean is said as an operator would say it.
    """
    _, lines = _check(place, HEAD, LISTENER, program, RELOAD, keys)
    assert any(line.startswith(words) for line in lines), lines


def test_many_slots_are_shortened(place):
    """
    A hundred slots, each with an address of its own, don't fill the screen.
    """
    many = SOCKET.replace("numprocs=4", "numprocs=100")
    _, lines = _check(place, HEAD, LISTENER, many, RELOAD, "ready=tcp://localhost:1%(process_num)02d\n")
    assert "  processes  web:web_00, web:web_01, ..., web:web_99 (100)" in lines
    assert sum(line.startswith("  ready") for line in lines) == 3


def test_survey_honours_the_filter(tmp_path):
    """
    What is ignored is neither counted nor looked into, and a link to a directory is not followed.
    """
    for name in ("a.py", "node_modules/x/y.js", "docs/a.md", "docs/b.py"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    (tmp_path / ".gitignore").write_text("*.md\n")
    (tmp_path / "loop").symlink_to(tmp_path)
    found = survey(str(tmp_path), WatchSettings(paths=(str(tmp_path),)))
    assert (found.files, found.directories) == (3, 2)  # the link itself counts as a file
    single = survey(str(tmp_path / "a.py"), WatchSettings(paths=()))
    assert (single.files, single.directories, single.is_directory) == (1, 0, False)


def test_too_few_watches(place):
    """
    Where the system allows fewer watches than needed, the line to change that is shown.
    """
    settings = place.settings(HEAD, LISTENER, PLAIN, RELOAD)
    assert list(watching(settings, 1)) == [
        "inotify: 2 watches needed, 1 allowed",
        "warning: the trees that don't fit will be polled; to watch them: "
        "sysctl fs.inotify.max_user_watches=4",
    ]
    assert list(watching(settings, 2)) == ["inotify: 2 watches needed, 2 allowed"]
    assert list(watching(settings, None)) == []


def test_watches_are_counted_once(place):
    """
    A tree inside another is watched already; a polled one and an ignored directory need no watch.
    """
    app = place.directory / "app"
    for name in ("inner/deep", "node_modules/x"):
        (app / name).mkdir(parents=True)
    (place.directory / "current").symlink_to(app)
    two = "[program:two]\ncommand=/bin/cat\n[reload:two]\nwatch=%(here)s/app/inner,%(here)s/current\n"
    three = (
        "[program:three]\ncommand=/bin/cat\n[reload:three]\nwatch=%(here)s/log\nobserver=polling\nexclude=*\n"
    )
    settings = place.settings(HEAD, LISTENER, PLAIN, RELOAD, two, three)
    # app, inner, deep; and what decides: HERE (app, current and log), app (inner)
    assert list(watching(settings, 9)) == ["inotify: 5 watches needed, 9 allowed"]


def test_a_terminal_that_knows_ascii_only(place):
    """
    A name that the terminal can't show is escaped, not a traceback.
    """
    (place.directory / "café").mkdir()
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    conf = place.write(HEAD + LISTENER + PLAIN + "[reload:web]\nwatch=%(here)s/café\n")
    assert check(str(conf), stream) == 0
    stream.flush()
    assert b"caf\\xe9: 0 files" in raw.getvalue()
