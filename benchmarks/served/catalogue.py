"""Every server of the table with its configuration: what docs/servers.md shows is what is measured."""

from __future__ import annotations

import importlib.util
import os
import shutil
from dataclasses import dataclass

SHARED = """\
[fcgi-program:web]
socket=tcp://127.0.0.1:8000
command={command}
directory=%(here)s/app
process_name=%(program_name)s_%(process_num)02d
numprocs=2
stopwaitsecs=30

[reload:web]
watch=%(here)s/app
replicas=1
max_surge=1
check={check}
ready=http://127.0.0.1:8000/healthz
"""
"""The swap on the socket that supervisord opens and shares; the server gets it as its descriptor 0."""

OWN_PORT = """\
[program:web]
command={command} --port 8000
directory=%(here)s/app
stopwaitsecs=30

[reload:web]
watch=%(here)s/app
check={check}
ready=http://127.0.0.1:8000/healthz
"""
"""One process that opens its port itself: the old one ends, then the new one starts."""

SAME_PORT = """\
[program:web]
command={command}
environment=GRANIAN_PORT="8000"
directory=%(here)s/app
process_name=%(program_name)s_%(process_num)02d
numprocs=2
stopwaitsecs=30

[reload:web]
watch=%(here)s/app
replicas=1
max_surge=1
check={check}
ready=http://127.0.0.1:8000/healthz
"""
"""Two processes that each open the same port (SO_REUSEPORT): each has its own queue, which dies with it."""

BEHIND_NGINX = """\
[program:nginx]
command=nginx -p %(here)s/run -c %(here)s/app/nginx.conf          ; listens on 127.0.0.1:8000

[program:web]
command={command} --port 810%(process_num)d
directory=%(here)s/app
process_name=%(program_name)s_%(process_num)02d
numprocs=2
stopwaitsecs=30

[reload:web]
watch=%(here)s/app
check={check}
ready=http://127.0.0.1:810%(process_num)d/healthz
"""
"""Two processes with a port each, replaced one after the other, and nginx in front of both."""

NGINX_DEFAULTS = BEHIND_NGINX.replace("nginx.conf", "nginx_defaults.conf")

SET_UPS = {
    SHARED: "shared socket",
    OWN_PORT: "own port, restarted",
    SAME_PORT: "two processes, one port",
    BEHIND_NGINX: "two ports, nginx",
    NGINX_DEFAULTS: "two ports, nginx's defaults",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One row of the table."""

    name: str
    title: str
    """as the table calls it"""
    command: str
    package: str
    """whose version is shown: a Python distribution, or node, go, gin"""
    code: str = "asgi.py"
    """the file that is saved again and again, below ``folder``"""
    folder: str = "python"
    set_up: str = SHARED
    check: str = "python"
    needs: tuple[str, ...] = ()
    """executables that must be on PATH"""

    @property
    def replicas(self) -> int:
        """How many processes serve while nothing is replaced."""
        return 2 if "[program:nginx]" in self.set_up else 1

    @property
    def section(self) -> str:
        """Its part of supervisord.conf, with port 8000."""
        return self.set_up.format(command=self.command, check=self.check)

    @property
    def executables(self) -> tuple[str, ...]:
        """What must be on PATH: ``needs``, and nginx where it is in front."""
        return (*self.needs, "nginx") if "[program:nginx]" in self.set_up else self.needs

    def missing(self) -> str:
        """What this machine lacks for it, as a sentence; '' where nothing."""
        path = search_path()
        for name in self.executables:
            if shutil.which(name, path=path) is None:
                return f"{name} is not installed"
        if self.folder == "python":
            module = self.package.replace("-", "_")
            if importlib.util.find_spec(module) is None:
                return f"the Python package {self.package} is not installed"
        if self.package == "gin" and not os.path.isdir(gin_folder()):
            return "Gin is not installed (Debian: golang-github-gin-gonic-gin-dev)"
        return ""


def search_path() -> str:
    """PATH with the directory where Debian keeps nginx, which is not on every user's."""
    return f"{os.environ.get('PATH', os.defpath)}{os.pathsep}/usr/sbin"


def gin_folder() -> str:
    """Where Gin's source is: of $GOPATH, or as Debian installs it."""
    return os.path.join(os.environ.get("GOPATH", "/usr/share/gocode"), "src/github.com/gin-gonic/gin")


def _python(name: str, title: str, command: str, package: str, code: str = "asgi.py") -> Server:
    return Server(name=name, title=title, command=command, package=package, code=code)


def _node(name: str, title: str, code: str) -> Server:
    return Server(
        name=name,
        title=title,
        command=f"node {code}",
        package="node",
        code=code,
        folder="node",
        check=f"node --check {code}",
        needs=("node",),
    )


def _go(name: str, title: str, package: str) -> Server:
    return Server(
        name=name,
        title=title,
        command="%(here)s/run/web",
        package=package,
        code="main.go",
        folder=f"go/{name.replace('-', '_')}",
        check="go build -o %(here)s/run/web .",
        needs=("go",),
    )


def _granian(name: str, title: str, set_up: str) -> Server:
    return Server(
        name=name,
        title=title,
        command="granian --interface asgi asgi:app",
        package="granian",
        set_up=set_up,
        check="python -m py_compile asgi.py",
    )


_EXEC = "supervisor-reload exec --"
_UVICORN = "uvicorn asgi:app --fd 0 --no-access-log"
_GUNICORN = "gunicorn {} --bind fd://0"

SERVERS = (
    _python("uvicorn", "uvicorn", f"{_EXEC} {_UVICORN}", "uvicorn"),
    _python("uvicorn-workers", "uvicorn `--workers 2`", f"{_EXEC} {_UVICORN} --workers 2", "uvicorn"),
    _python(
        "uvicorn-lossless",
        "uvicorn, lame duck",
        f"supervisor-reload {_UVICORN}",
        "uvicorn",
    ),
    _python(
        "gunicorn-gthread",
        "gunicorn, gthread",
        _GUNICORN.format("wsgi:application") + " --threads 32",
        "gunicorn",
        "wsgi.py",
    ),
    _python(
        "gunicorn-sync",
        "gunicorn, sync",
        _GUNICORN.format("wsgi:application") + " --workers 2",
        "gunicorn",
        "wsgi.py",
    ),
    _python("gunicorn-asgi", "gunicorn, asgi", _GUNICORN.format("asgi:app -k asgi"), "gunicorn"),
    _python(
        "gunicorn-uvicorn",
        "gunicorn, uvicorn_worker",
        _GUNICORN.format("asgi:app -k uvicorn_worker.UvicornWorker"),
        "uvicorn-worker",
    ),
    _python("hypercorn", "hypercorn", "hypercorn asgi:app --bind fd://0", "hypercorn"),
    _python(
        "hypercorn-lossless",
        "hypercorn, lame duck",
        "python -m supervisor_reload.contrib.hypercorn asgi:app",
        "hypercorn",
    ),
    _python("waitress", "waitress", "python waitress_stock.py", "waitress", "wsgi.py"),
    _python("waitress-lossless", "waitress, lame duck", "python waitress_lossless.py", "waitress", "wsgi.py"),
    _python("aiohttp", "aiohttp, `run_app`", "python aiohttp_stock.py", "aiohttp", "aiohttp_stock.py"),
    _python(
        "aiohttp-lossless",
        "aiohttp, lame duck",
        "python aiohttp_lossless.py",
        "aiohttp",
        "aiohttp_lossless.py",
    ),
    _granian("granian", "granian", OWN_PORT),
    _granian("granian-same-port", "granian", SAME_PORT),
    _granian("granian-nginx-defaults", "granian", NGINX_DEFAULTS),
    _granian("granian-nginx", "granian", BEHIND_NGINX),
    _node("node", "Node, no handler", "web.mjs"),
    _node("node-close", "Node, `server.close()`", "web_close.mjs"),
    _node("node-lossless", "Node, lame duck", "web_lossless.mjs"),
    _go("http-shutdown", "net/http, `Shutdown`", "go"),
    _go("http-lossless", "net/http, lame duck", "go"),
    _go("gin-shutdown", "Gin, `Shutdown`", "gin"),
    _go("gin-lossless", "Gin, lame duck", "gin"),
)
"""In the order of the table."""
