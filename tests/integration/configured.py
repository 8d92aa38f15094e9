"""Ten configurations as people have them, each in a directory of its own, with its servers' real paths.

What stands between @ signs is filled in: the directory, a free port, where the servers are. A configuration
whose server is not installed says so.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tests.docs.scenarios import environment
from tests.integration.supervisord import Supervisord, free_port, short_directory

CONFIGURATIONS = Path(__file__).with_name("configurations")
BESIDE = Path(sys.executable).parent
TEXTS = (".conf", ".py", ".js")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One configuration, and how one sees that a save was reloaded."""

    name: str
    targets: tuple[str, ...]
    """the sections that init writes"""
    left: tuple[str, ...] = ()
    """the programs that it leaves out"""
    saved: str = ""
    """the file in which ``one`` becomes ``two``; '' where nothing of it can be run here"""
    program: str = ""
    """the process that is replaced, where nothing can be asked over HTTP"""
    needs: tuple[str, ...] = ()
    """modules, or commands, without which it can't run"""


CASES = (
    Case(name="uvicorn", targets=("api",), left=("redis",), saved="code/main.py", needs=("uvicorn",)),
    Case(name="gunicorn", targets=("gunicorn",), saved="code/main.py", needs=("gunicorn",)),
    Case(name="django", targets=("shop",), left=("migrate",), saved="code/urls.py", needs=("django",)),
    Case(name="flask", targets=("app",), saved="code/web.py", needs=("flask",)),
    Case(
        name="celery",
        targets=("celery", "celerybeat"),
        saved="code/proj.py",
        program="celery:celery",
        needs=("celery",),
    ),
    Case(name="laravel", targets=("laravel-worker", "horizon", "octane"), left=("scheduler",)),
    Case(name="node", targets=("api",), left=("site",), saved="code/server.js", needs=("node",)),
    Case(name="rails", targets=("puma", "sidekiq", "admin")),
    Case(name="go", targets=("service",), left=("nginx",), saved="bin/service", program="service:service"),
    Case(
        name="php-fpm",
        targets=("php-fpm",),
        left=("nginx",),
        saved="public/index.php",
        needs=("php-fpm", "nginx"),
    ),
)


def php_fpm() -> str:
    """Where it is: its name has its version in it."""
    found = [*Path("/usr/sbin").glob("php-fpm*"), *Path("/usr/local/sbin").glob("php-fpm*")]
    return str(found[0]) if found else ""


def missing(case: Case) -> str:
    """What the case needs and is not installed; '' where all is."""
    for need in case.needs:
        is_there = importlib.util.find_spec(need) if need.isidentifier() else None
        if not (
            is_there
            or shutil.which(need, path=environment()["PATH"] + ":/usr/sbin")
            or (need == "php-fpm" and php_fpm())
        ):
            return need
    return ""


class Placed:
    """One case in its directory; closed, it leaves nothing behind."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.port = free_port()
        self.directory = short_directory()
        shutil.copytree(CONFIGURATIONS / case.name, self.directory, dirs_exist_ok=True)
        for folder in ("log", "temp"):
            (self.directory / folder).mkdir()
        for file in self.directory.rglob("*"):
            if file.suffix in TEXTS:
                file.write_text(self._filled(file.read_text()))
        if case.name == "go":
            shutil.copy(shutil.which("sleep") or "/bin/sleep", self.directory / "bin" / "service")
        self.conf = self.directory / "supervisord.conf"
        self.before = self.conf.read_bytes()
        self.supervisord: Supervisord | None = None
        self.first = ""
        """what it answered before the save"""

    def _filled(self, text: str) -> str:
        return (
            text.replace("@HERE@", str(self.directory))
            .replace("@PORT@", str(self.port))
            .replace("@BIN@", str(BESIDE))
            .replace("@PHP_FPM@", php_fpm() or "php-fpm")
        )

    def begin(self) -> None:
        """Start supervisord, as it is configured."""
        text = self.conf.read_text()
        self.supervisord = Supervisord(
            self.directory, text, environment={"PATH": environment()["PATH"] + ":/usr/sbin"}
        )
        self.supervisord.start()

    def log(self) -> str:
        """What our listener told, where init had it told: beside supervisord's log, or where that goes."""
        assert self.supervisord is not None
        file = self.supervisord.info("reload:reload")["stderr_logfile"]
        if file == "/dev/fd/2":
            return (self.directory / "supervisord.out").read_text(errors="backslashreplace")
        assert Path(file).name == "supervisor-reload.log", file
        return Path(file).read_text(errors="backslashreplace")

    def answer(self) -> str:
        """Over HTTP; the pid of the process where the case has no HTTP."""
        assert self.supervisord is not None
        if self.case.program:
            return str(self.supervisord.process_pid(self.case.program))
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5) as answer:
            return answer.read().decode()

    def save(self) -> None:
        """Another version of the code."""
        file = self.directory / self.case.saved
        if self.case.name == "go":  # as a build writes it: beside, and renamed
            new = file.with_name("service.new")
            new.write_bytes(file.read_bytes() + b"\0")
            new.chmod(0o755)
            new.rename(file)
        else:
            file.write_text(file.read_text().replace('"one"', '"two"') + "\n")

    def close(self) -> None:
        """Stop everything, and remove it."""
        if self.supervisord is not None:
            self.supervisord.stop(limit=0.5)  # who takes longer is killed: nothing is looked at any more
        shutil.rmtree(self.directory, ignore_errors=True)
