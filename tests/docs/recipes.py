"""Writes the sections of docs/recipes.md as ``init`` writes them: ``python -m tests.docs.recipes``.

Each recipe is a program in a directory that looks like the reader's; what stands below it is init's answer.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
import textwrap
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from supervisor_reload.setting_up import init
from supervisor_reload.setting_up.section import COLUMN

from .blocks import ROOT

FILE = ROOT / "docs" / "recipes.md"
PLACE = re.compile(r"(<!-- recipe: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)

HEAD = """\
[supervisord]
logfile=/srv/supervisord.log
pidfile=/srv/supervisord.pid

[unix_http_server]
file=/srv/supervisor.sock

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

"""
ADVICE = "To think about; init changes nothing of it:\n"
LISTENER = "listener"
"""The recipe of our own section, which each of the others needs once"""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One program: its name, its section without the head, and the files that it needs to be recognised."""

    name: str
    section: str
    files: tuple[str, ...] = ()


def recipe(name: str, command: str, *more: str, directory: str = "/srv/app", files: str = "") -> Recipe:
    """With a directory, and what such programs have."""
    lines = [f"command={command}", *([f"directory={directory}"] if directory else []), *more]
    return Recipe(name=name, section="\n".join(lines) + "\n", files=tuple(files.split()))


LONG = "stopwaitsecs=30"
PYTHON = "app/main.py"
RECIPES = (
    recipe("uvicorn", "/srv/venv/bin/uvicorn main:app --port 8000", LONG, files=PYTHON),
    recipe(
        "gunicorn", "/srv/venv/bin/gunicorn main:app --bind 127.0.0.1:8000 --workers 4", LONG, files=PYTHON
    ),
    recipe("hypercorn", "/srv/venv/bin/hypercorn main:app --bind 127.0.0.1:8000", LONG, files=PYTHON),
    recipe(
        "django",
        "/srv/venv/bin/python manage.py runserver --noreload 8000",
        LONG,
        files="app/manage.py app/main.py",
    ),
    recipe("flask", "/srv/venv/bin/flask --app main run --port 5000", LONG, files=PYTHON),
    recipe("celery", "/srv/venv/bin/celery -A main worker", "startsecs=5", "stopwaitsecs=600", files=PYTHON),
    recipe("rq", "/srv/venv/bin/rq worker default", "startsecs=5", "stopwaitsecs=600", files=PYTHON),
    recipe("node", "node server.js", 'environment=PORT="3000"', LONG, files="app/server.js app/package.json"),
    recipe("go", "/srv/bin/service", LONG, "startsecs=2", directory="", files="bin/service"),
    recipe("php-fpm", "php-fpm8.2 --nodaemonize", directory="/srv/app", files="app/index.php"),
    recipe(
        "puma",
        "bundle exec puma -b tcp://127.0.0.1:3000",
        'environment=RAILS_ENV="production"',
        LONG,
        files="app/config.ru app/Gemfile",
    ),
)
SERVERS = ("uvicorn", "gunicorn", "hypercorn", "python", "flask", "celery", "rq")
"""Scripts that are in the reader's virtual environment."""


def furnish(place: Path, made: Recipe) -> Path:
    """The reader's directory, /srv; the configuration in it."""
    for name in made.files:
        file = place / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"\x7fELF" if name.startswith("bin/") else b"")
        file.chmod(0o755)
    scripts = place / "venv" / "bin"
    scripts.mkdir(parents=True)
    for name in SERVERS:
        (scripts / name).write_text(f"#!{sys.executable}\n", encoding="utf-8")
        (scripts / name).chmod(0o755)
    conf = place / "supervisord.conf"
    conf.write_text(
        (HEAD + f"[program:{made.name}]\n" + made.section).replace("/srv", str(place)), encoding="utf-8"
    )
    return conf


def answer(made: Recipe) -> tuple[str, str]:
    """What init adds, and what it says besides; it finds nothing that would not work."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory).resolve()
        conf = furnish(place, made)
        stream = io.StringIO()
        assert init(str(conf), [], stream, is_applied=True) == 0, stream.getvalue()
        before = HEAD + f"[program:{made.name}]\n" + made.section
        added = conf.read_text(encoding="utf-8").replace(str(place), "/srv").removeprefix(before)
        said = stream.getvalue().replace(str(place), "/srv")
    advice = said.partition(ADVICE)[2].rpartition("\nNext: ")[0]
    return added, wrapped(advice)


def wrapped(advice: str) -> str:
    """Its sentences as they are wrapped where directories have the page's names; its lines as they are."""
    joined = re.sub(r"(?m)\n {4}(?=\S)(?!\* )", " ", advice)
    sentence = partial(textwrap.fill, width=100, subsequent_indent=" " * 4, break_long_words=False)
    return re.sub(r"(?m)^  \* .*$", lambda item: sentence(item[0], break_on_hyphens=False), joined)


def aligned(text: str) -> str:
    """The lines as they stand where directories have the names of the page."""
    return re.sub(r"(?m)^(\w+=.*?) +; ", lambda line: f"{line[1]:<{COLUMN - 1}} ; ", text)


def listener() -> str:
    """Our own section."""
    added, _ = answer(RECIPES[0])
    text = added.strip().partition("\n\n")[0]
    text = re.sub(r"(?m)^command=.*listen *;", "command=supervisor-reload listen            ;", text)
    return f"\n```cfg\n{text}\n```\n\n"


def part(name: str) -> str:
    """One recipe as the page shows it: the program, its target, and what init says of it."""
    if name == LISTENER:
        return listener()
    made = next(each for each in RECIPES if each.name == name)
    added, advice = answer(made)
    target = aligned(added[added.index("\n; " + made.name) :].strip())
    shown = f"\n```cfg\n[program:{made.name}]\n{made.section}\n{target}\n```\n"
    said = f"\n`init` says besides:\n\n```text\n{advice.rstrip()}\n```\n" if advice.strip() else ""
    return f"{shown}{said}\n"


def filled(text: str) -> str:
    """The page with every recipe as it should be."""
    return PLACE.sub(lambda place: f"{place[1]}{part(place[2])}{place[3]}", text)


def main() -> None:
    """Write the page anew."""
    FILE.write_text(filled(FILE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
