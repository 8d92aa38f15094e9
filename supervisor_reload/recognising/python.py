"""The table of Python's servers and workers: which command is which, and how each is reloaded.

The reasons are measured or quoted in docs/servers.md and docs/workers.md. Nothing here looks at a program.
"""

from __future__ import annotations

from .kind import PYTHON, PYTHON_WEB, Care, Kind

IN_PLACE = (
    "It binds its port itself, so the old process must leave before the new one can listen: it gets the stop "
    "signal, answers what it has in hand, and then the new one starts."
)
RELOADS_ITSELF = "watches its files and restarts by itself"
WARM = (
    "The stop signal, sent once, is a warm shutdown: the worker takes no more jobs, finishes those in "
    "hand, and leaves; then the new one starts."
)


def _web(name: str, what: str, *, port: int = 0, swap: str = "", loses: str = "") -> Kind:
    return Kind(
        name=name,
        what=what,
        why=IN_PLACE,
        port=port,
        swap=swap,
        loses=loses,
        is_server=True,
        include=PYTHON_WEB,
        check="python",
        drain=30,
    )


def _worker(name: str, what: str, *, why: str = WARM, is_pool: bool = False, drain: int = 60) -> Kind:
    return Kind(
        name=name,
        what=what,
        why=why,
        include=PYTHON,
        check="python",
        drain=drain,
        min_ready=2,
        is_pool=is_pool,
    )


def _itself(name: str, option: str, instead: str) -> Kind:
    return Kind(
        name=f"{name}, reloading",
        what=f"{name} with {option}",
        care=Care.ITSELF,
        why=f"{RELOADS_ITSELF}. For checked and drained reloads {instead}, and run init again",
    )


def away(name: str, option: str, remedy: str = "") -> Kind:
    """A program that puts itself in the background."""
    return Kind(
        name=f"{name}, in the background",
        what=f"{name} {option}" if remedy else f"{name} with {option}",
        care=Care.AWAY,
        why="puts itself in the background, where supervisord takes it for ended, and no signal reaches it. "
        f"{remedy or f'Take {option} out'}, and run init again",
    )


UVICORN = _web(
    "uvicorn",
    "uvicorn, an ASGI server",
    port=8000,
    swap="supervisor-reload uvicorn {rest} --fd 0",
    loses="when it leaves, stock uvicorn drops connections that it has accepted but not read, and "
    "kept-alive ones with a request on its way: say supervisor-reload uvicorn instead of uvicorn",
)
OUR_UVICORN = _web(
    "supervisor-reload uvicorn",
    "uvicorn that drops nobody when it leaves",
    port=8000,
    swap="supervisor-reload uvicorn {rest} --fd 0",
)
HYPERCORN = _web(
    "hypercorn",
    "hypercorn, an ASGI server",
    port=8000,
    swap="python -m supervisor_reload.contrib.hypercorn {rest}",
    loses="when it leaves, stock hypercorn drops kept-alive connections with a request on its way: say "
    "python -m supervisor_reload.contrib.hypercorn",
)
GUNICORN = Kind(
    name="gunicorn",
    what="gunicorn, a WSGI server",
    care=Care.SIGNALLED,
    signal="HUP",
    why="gunicorn reloads itself on HUP: its master keeps the port, new workers boot the new code, and the "
    "old ones finish their requests and leave. Nobody is refused.",
    include=PYTHON_WEB,
    check="python",
    is_server=True,
)
GUNICORN_PRELOADED = _web(
    "gunicorn --preload",
    "gunicorn that loads the application once",
    swap="gunicorn {rest} --bind fd://0",
)
GUNICORN_UVICORN = Kind(
    name="gunicorn with uvicorn's worker",
    what="gunicorn with uvicorn's worker class",
    care=Care.SIGNALLED,
    signal="HUP",
    why=(
        "gunicorn reloads itself on HUP: its master keeps the port, new workers boot the new code, the old "
        "leave."
    ),
    include=PYTHON_WEB,
    check="python",
    is_server=True,
    swap="supervisor-reload uvicorn APP --fd 0",
    loses="its workers leave as stock uvicorn does, and drop connections that are accepted but not read, and "
    "kept-alive ones with a request on its way: take supervisor-reload uvicorn with numprocs instead",
)
WAITRESS = _web(
    "waitress",
    "waitress, a WSGI server",
    port=8080,
    swap="gunicorn APP --bind fd://0 --threads 32",
    loses="waitress does nothing about TERM: every request under way is cut. Take gunicorn, or the program "
    "of docs/servers.md",
)
GRANIAN = _web(
    "granian",
    "granian, an ASGI server",
    port=8000,
    loses="granian takes no socket of supervisord's, so clients are refused while it restarts: two "
    "processes with a port each behind a proxy lose nothing (docs/servers.md)",
)
DAPHNE = _web("daphne", "daphne, an ASGI server", port=8000, loses="while it restarts, clients are refused")
RUNSERVER = _web("runserver --noreload", "Django's development server", port=8000)
FLASK_RELOADING = _itself("flask", "--debug", "say --no-reload")
FLASK = _web("flask run", "Flask's development server", port=5000)
CELERY_WORKER = _worker("celery worker", "a Celery worker", is_pool=True)
CELERY_BEAT = _worker(
    "celery beat",
    "Celery's scheduler",
    why=(
        "It has no work in hand: it is stopped, and started on the new code. What was due meanwhile is "
        "sent then."
    ),
    drain=0,
)
RQ = _worker("rq", "an RQ worker")
DRAMATIQ = _worker("dramatiq", "dramatiq, a queue worker", is_pool=True)
ARQ = _worker(
    "arq",
    "arq, a queue worker",
    why=(
        "On the stop signal arq cancels its jobs, which are tried again; with job_completion_wait it lets "
        "them end."
    ),
)
HUEY = _worker(
    "huey",
    "huey, a queue worker",
    why="huey ends its tasks in hand on INT, and cuts them on TERM: set stopsignal=INT.",
)
OTHER = _worker(
    "python",
    "a Python program",
    why="The old process gets the stop signal, finishes what it has in hand if it handles that, and then "
    "the new one starts.",
    drain=0,
)

ROWS: tuple[tuple[str, str, Kind], ...] = (
    (r"uvicorn", r"(^| )--reload( |$)", _itself("uvicorn", "--reload", "take out --reload")),
    (r"gunicorn", r"(^| )--reload( |$)", _itself("gunicorn", "--reload", "take out --reload")),
    (r"hypercorn", r"(^| )--reload( |$)", _itself("hypercorn", "--reload", "take out --reload")),
    (r"granian", r"(^| )--reload( |$)", _itself("granian", "--reload", "take out --reload")),
    (r"flask", r"(^| )(--debug|--reload)( |$)", FLASK_RELOADING),
    (r"gunicorn", r"(^| )(--daemon|-D)( |$)", away("gunicorn", "--daemon")),
    (r"celery", r"(^| )(--detach|-D)( |$)", away("celery", "--detach")),
    (r"celery", r"^multi( |$)", away("celery", "multi", "Say celery worker")),
    (r"uvicorn", "", UVICORN),
    (r"gunicorn", r"--preload( |$)", GUNICORN_PRELOADED),
    (r"gunicorn", r"[Uu]vicorn\w*\.", GUNICORN_UVICORN),
    (r"gunicorn", "", GUNICORN),
    (r"hypercorn", "", HYPERCORN),
    (r"waitress(-serve)?", "", WAITRESS),
    (r"granian", "", GRANIAN),
    (r"daphne", "", DAPHNE),
    (r"flask", r"(^| )run( |$)", FLASK),
    (r"fastapi", r"^dev( |$)", _itself("fastapi", "dev", "say fastapi run")),
    (r"fastapi", r"^run( |$)", UVICORN),
    (r"celery", r"(^| )beat( |$)", CELERY_BEAT),
    (r"celery", r"(^| )worker( |$)", CELERY_WORKER),
    (r"(rq|rqworker)", r"", RQ),
    (r"dramatiq", "", DRAMATIQ),
    (r"arq", "", ARQ),
    (r"huey_consumer(\.py)?", "", HUEY),
    (r"(manage\.py|django-admin|django)", r"^rqworker( |$)", RQ),
    (r"(manage\.py|django-admin|django)", r"^run_huey( |$)", HUEY),
    (r"(manage\.py|django-admin|django)", r"^runserver\b.*--noreload( |$)", RUNSERVER),
    (
        r"(manage\.py|django-admin|django)",
        r"^runserver(_plus)?( |$)",
        _itself("Django's runserver", "its autoreloader", "say --noreload"),
    ),
)
"""The program's name, what its words hold, and what it is; the first row that fits."""
