"""What a program is, told from its command, also behind wrappers; and where it listens."""

from __future__ import annotations

import shutil

import pytest

from supervisor_reload.config.findings import Findings
from supervisor_reload.config.supervisorconf import read_supervisorconf
from supervisor_reload.recognising import Care, Passing, address_of, command_of, kind_of

KINDS = [
    ("uvicorn main:app --port 8000", "uvicorn"),
    ("/srv/venv/bin/uvicorn main:app", "uvicorn"),
    ("python -m uvicorn main:app", "uvicorn"),
    ("python3.12 -u -m uvicorn main:app", "uvicorn"),
    ("poetry run uvicorn main:app", "uvicorn"),
    ("uv run --project /srv/app uvicorn main:app", "uvicorn"),
    ("uv run --with x --env-file .env gunicorn app:app", "gunicorn"),
    ("uv run --extra web --group dev --python 3.12 uvicorn main:app", "uvicorn"),
    ("uv run main.py", "python"),
    ("uvx --from proj uvicorn main:app", "uvicorn"),
    ("chpst -u app -e /srv/env gunicorn app:app", "gunicorn"),
    ("setuidgid app gunicorn app:app", "gunicorn"),
    ("taskset -c 0 gunicorn app:app", "gunicorn"),
    ("bash -l -c 'gunicorn app:app'", "gunicorn"),
    ("sh -c 'exec 2>&1; A=1 exec gunicorn app:app || exit 1'", "gunicorn"),
    ("sh -c 'gunicorn app:app | tee log'", "unknown"),
    ("sh -c 'gunicorn app:app || exit 1'", "unknown"),
    ("sh -c 'uvicorn a:app & uvicorn b:app'", "unknown"),
    ("pipenv run gunicorn app:app", "gunicorn"),
    ("env -i PATH=/bin A=b nice -n 5 gunicorn app:app", "gunicorn"),
    ("/usr/bin/env gunicorn app:app", "gunicorn"),
    ("bash -c 'cd /srv/app && . venv/bin/activate && exec gunicorn app:app'", "gunicorn"),
    ('sh -lc "gunicorn app:app"', "gunicorn"),
    ("timeout 3600 gunicorn app:app", "gunicorn"),
    ("gosu www-data gunicorn app:app", "gunicorn"),
    ("sudo -u www-data gunicorn app:app", "gunicorn"),
    ("newrelic-admin run-program gunicorn app:app", "gunicorn"),
    ("dumb-init -- gunicorn app:app", "gunicorn"),
    ("supervisor-reload exec -- gunicorn app:app", "gunicorn"),
    ("supervisor-reload exec --fd 3 -- gunicorn app:app", "gunicorn"),
    ("supervisor-reload uvicorn main:app --fd 0", "supervisor-reload uvicorn"),
    ("gunicorn -k uvicorn.workers.UvicornWorker main:app", "gunicorn with uvicorn's worker"),
    ("gunicorn --preload main:app", "gunicorn --preload"),
    ("uvicorn main:app --reload", "uvicorn, reloading"),
    ("hypercorn main:app", "hypercorn"),
    ("python -m supervisor_reload.contrib.hypercorn main:app", "hypercorn"),
    ("waitress-serve --listen=*:8080 app:app", "waitress"),
    ("celery -A proj worker -l INFO", "celery worker"),
    ("python -m celery --app=proj worker", "celery worker"),
    ("celery -A proj beat", "celery beat"),
    ("celery -A proj flower", "unknown"),
    ("celery multi start w1", "celery, in the background"),
    ("celery -A proj worker --detach", "celery, in the background"),
    ("gunicorn --daemon app:app", "gunicorn, in the background"),
    ("unicorn -D", "unicorn, in the background"),
    ("rq worker high default", "rq"),
    ("python manage.py rqworker", "rq"),
    ("dramatiq tasks", "dramatiq"),
    ("python /srv/manage.py runserver --noreload 0.0.0.0:8000", "runserver --noreload"),
    ("python manage.py runserver", "Django's runserver, reloading"),
    ("flask --app web run", "flask run"),
    ("flask --app web run --debug", "flask, reloading"),
    ("python worker.py", "python"),
    ("node server.js", "node"),
    ("/usr/bin/node --max-old-space-size=512 -r dotenv/config server.js", "node"),
    ("npx next start", "node"),
    ("npm run start", "npm"),
    ("npm run dev", "npm run dev"),
    ("yarn dev", "npm run dev"),
    ("bun run dev", "npm run dev"),
    ("next dev -p 3000", "npm run dev"),
    ("node node_modules/.bin/next dev", "npm run dev"),
    ("vite --host", "npm run dev"),
    ("vite preview", "node"),
    ("yarn run start", "npm"),
    ("node --watch server.js", "node --watch"),
    ("node --watch-path=src server.js", "node --watch"),
    ("node server.js --watch", "node"),
    ("bun --hot server.ts", "node --watch"),
    ("tsx watch server.ts", "node --watch"),
    ("nodemon server.js", "a reloader"),
    ("watchmedo auto-restart -- celery -A proj worker", "a reloader"),
    ("php-fpm8.2 -F", "php-fpm"),
    ("/usr/local/sbin/php-fpm", "php-fpm"),
    ("php /srv/artisan queue:work --sleep=3", "queue:work"),
    ("php8.3 -d memory_limit=512M artisan horizon", "horizon"),
    ("php artisan octane:start --server=swoole", "octane"),
    ("php artisan octane:start --watch", "octane --watch"),
    ("php bin/console messenger:consume async", "messenger:consume"),
    ("php -S 0.0.0.0:80 -t public", "php -S"),
    ("php daemon.php", "php"),
    ("bundle exec puma -C config/puma.rb", "puma"),
    ("/bin/bash -lc 'exec bundle exec sidekiq'", "sidekiq"),
    ("bin/rails server -p 3000", "rails server"),
    ("ruby bin/rails s", "rails server"),
    ("java -Xmx1g -jar app.jar", "java"),
    ("go run .", "go run"),
    ("redis-server /etc/redis.conf", "redis-server"),
    ("/usr/local/bin/docker run --rm img gunicorn app:app", "docker"),
    ("sudo podman exec web gunicorn app:app", "podman"),
    ("ssh -N -L 1:2:3 host", "ssh"),
    ('nginx -g "daemon off;"', "nginx"),
    ("/usr/lib/postgresql/15/bin/postgres -D /data", "postgres"),
    ("superfsmon /srv/app web", "a reloader"),
    ("whatever --it is", "unknown"),
    ("", "unknown"),
    ("'unclosed", "unknown"),
]


@pytest.mark.parametrize(("command", "name"), KINDS)
def test_what_a_command_is(command: str, name: str) -> None:
    assert kind_of(command_of(command)).name == name


def test_wrappers_never_end() -> None:
    """A command of nothing but wrappers is unknown, and not an endless loop."""
    assert kind_of(command_of("env " * 50 + "gunicorn a:b")).name == "unknown"


def test_what_stands_before_a_program_is_kept() -> None:
    """Where it runs, and with which variables, is what the wrappers say."""
    found = command_of("bash -c 'cd /srv && A=1 exec env B=2 python -m celery -A p worker'")
    assert (found.program, found.directory, found.environment) == ("celery", "/srv", {"A": "1", "B": "2"})
    assert found.wrappers == ("bash", "exec", "env")
    assert (found.option("-A", "--app"), found.option("--pool")) == ("p", "")


@pytest.mark.parametrize(
    "command",
    [
        "env A=1 gunicorn app:app",
        "sh -c 'cd /srv && exec gunicorn app:app'",
        "bash -c 'cd /srv && gunicorn app:app'",
        "nohup nice -n 5 chpst -u app gunicorn app:app",
        "poetry run gunicorn app:app",
        "tini -- gunicorn app:app",
        "dumb-init --single-child -- gunicorn app:app",
        "supervisor-reload exec -- gunicorn app:app",
        "tini -- gunicorn -g app app:app",
    ],
)
def test_a_signal_that_reaches_the_program(command: str) -> None:
    """What becomes the program, or hands signals to it alone, is not in the way of HUP."""
    kind = kind_of(command_of(command))
    assert (kind.care, kind.signal, kind.drain) == (Care.SIGNALLED, "HUP", 0)


@pytest.mark.parametrize(
    ("command", "wrapper", "passing"),
    [
        ("sh -c 'gunicorn app:app'", "sh", Passing.LEAVES),
        ("bash -c 'gunicorn app:app > log'", "bash", Passing.LEAVES),
        ("npx gunicorn app:app", "npx", Passing.LEAVES),
        ("setsid gunicorn app:app", "setsid", Passing.LEAVES),
        ("hatch run gunicorn app:app", "hatch", Passing.LEAVES),
        ("dumb-init -- gunicorn app:app", "dumb-init", Passing.TO_ALL),
        ("tini -vg -- gunicorn app:app", "tini", Passing.TO_ALL),
        ("timeout 60 gunicorn app:app", "timeout", Passing.TO_ALL),
        ("timeout --foreground 60 gunicorn app:app", "timeout", Passing.STOPS),
        ("uv run gunicorn app:app", "uv", Passing.STOPS),
        ("sudo -u app gunicorn app:app", "sudo", Passing.STOPS),
        ("conda run -n env gunicorn app:app", "conda", Passing.MAY_LEAVE),
        ("nice timeout 60 nohup gunicorn app:app", "timeout", Passing.TO_ALL),
    ],
)
def test_a_signal_that_would_not_reach_the_program_alone(
    command: str, wrapper: str, passing: Passing
) -> None:
    """HUP would end the wrapper, or cut the requests of the workers: it is replaced, and told why."""
    told = command_of(command)
    assert told.staying == ((wrapper, passing),)
    kind = kind_of(told)
    assert (kind.name, kind.care, kind.signal, kind.drain) == ("gunicorn", Care.REPLACED, "", 30)
    assert f"the signal goes to {wrapper}, which {passing.value}" in kind.why


@pytest.mark.parametrize(
    ("command", "environment", "name"),
    [
        ("flask run", {"FLASK_DEBUG": "1"}, "flask, reloading"),
        ("FLASK_DEBUG=true flask run", {}, "flask, reloading"),
        ("flask run", {"FLASK_DEBUG": "0"}, "flask run"),
        ("flask run --no-reload", {"FLASK_DEBUG": "1"}, "flask run"),
        ("env FLASK_DEBUG=0 flask run", {"FLASK_DEBUG": "1"}, "flask run"),
        ("gunicorn web:app", {"FLASK_DEBUG": "1"}, "gunicorn"),
    ],
)
def test_a_reloader_that_the_environment_turns_on(
    command: str, environment: dict[str, str], name: str
) -> None:
    assert kind_of(command_of(command), environment=environment).name == name


def test_a_compiled_program_is_known_by_its_file(tmp_path) -> None:
    """One that lies in a directory of the system came with a package, and is nobody's own code."""
    program = shutil.copy(shutil.which("sleep"), tmp_path / "api")
    assert kind_of(command_of(f"{program} 10")).name == "compiled"
    assert kind_of(command_of("./api 10"), str(tmp_path)).name == "compiled"
    assert kind_of(command_of("/bin/sleep 10"), "", ("/bin",)).care is Care.NOT_CODE
    assert kind_of(command_of("/usr/bin/env"), "", ("/bin",)).name == "unknown"


@pytest.mark.parametrize(
    ("text", "name"),
    [("#!/bin/sh\nexec thing\n", "shell"), ("#!/usr/bin/env python3\n", "python"), ("nothing", "unknown")],
)
def test_a_script_is_known_by_its_first_line(text: str, name: str, tmp_path) -> None:
    file = tmp_path / "start"
    file.write_text(text)
    file.chmod(0o755)
    assert kind_of(command_of(str(file)), "", ("/usr/bin", "/bin", "/usr/local/bin")).name == name or (
        name == "python" and shutil.which("python3", path="/usr/bin:/bin:/usr/local/bin") is None
    )


ADDRESSES = [
    ("uvicorn main:app", "", "tcp://127.0.0.1:8000"),
    ("uvicorn main:app --host 0.0.0.0 --port 80", "", "tcp://127.0.0.1:80"),
    ("uvicorn main:app --host 192.0.2.7 --port=81", "", "tcp://192.0.2.7:81"),
    ("uvicorn main:app --uds /run/a.sock", "", "unix:///run/a.sock"),
    ("uvicorn main:app", 'environment=UVICORN_PORT="81"', ""),
    ("gunicorn a:b", "", ""),
    ("gunicorn a:b -c conf.py", "", ""),
    ("gunicorn a:b -b :8001", "", "tcp://127.0.0.1:8001"),
    ("gunicorn a:b --bind unix:/run/g.sock", "", "unix:///run/g.sock"),
    ("gunicorn a:b --bind=0.0.0.0:8001 --bind=0.0.0.0:8002", "", ""),
    ("python manage.py runserver --noreload 0.0.0.0:8001", "", "tcp://127.0.0.1:8001"),
    ("python manage.py runserver --noreload 8001", "", "tcp://127.0.0.1:8001"),
    ("python manage.py runserver --noreload", "", "tcp://127.0.0.1:8000"),
    ("puma -b tcp://127.0.0.1:9292", "", "tcp://127.0.0.1:9292"),
    (
        "uvicorn a:b --port 80%(process_num)02d",
        "numprocs=2\nprocess_name=%(process_num)s",
        "tcp://127.0.0.1:80%(process_num)02d",
    ),
    ("uvicorn a:b", "numprocs=2\nprocess_name=%(process_num)s", ""),
    ("celery -A p worker", "", ""),
]


@pytest.mark.parametrize(("command", "more", "address"), ADDRESSES)
def test_where_a_program_listens(command: str, more: str, address: str, tmp_path) -> None:
    """What can't be told is '': a wrong address would hold up every rollout."""
    conf = tmp_path / "supervisord.conf"
    conf.write_text(f"[supervisord]\n[program:x]\ncommand={command}\n{more}\n")
    process = read_supervisorconf(str(conf), Findings()).processes[0]
    told = command_of(process.command)
    assert address_of(process, command, told, kind_of(told)) == address


def test_a_socket_of_supervisords_is_the_address(tmp_path) -> None:
    conf = tmp_path / "supervisord.conf"
    conf.write_text(
        "[supervisord]\n[fcgi-program:x]\nsocket=tcp://127.0.0.1:81\ncommand=uvicorn a:b --fd 0\n"
    )
    process = read_supervisorconf(str(conf), Findings()).processes[0]
    told = command_of(process.command)
    assert address_of(process, process.command, told, kind_of(told)) == "tcp://127.0.0.1:81"
