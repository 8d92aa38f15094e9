"""The same checks on every Python, and on the oldest and the newest of what we depend on."""

import nox

nox.options.default_venv_backend = "venv"
nox.options.sessions = ["tests", "integration", "types", "lint", "floors", "docs"]
nox.options.error_on_missing_interpreters = False

PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14"]
OLDEST = ["supervisor==4.2.5", "watchdog==6.0.0", "pathspec==0.12.1"]
NEWEST = ["supervisor", "watchdog", "pathspec"]
DEPENDENCIES = [nox.param(OLDEST, id="oldest"), nox.param(NEWEST, id="newest")]


def _install(session: nox.Session, extra: str, dependencies: list[str]) -> None:
    # supervisor 4.2.5 imports pkg_resources, which setuptools 81 announces to drop and 82 drops
    old = ["setuptools<81"] if dependencies is OLDEST else ["--upgrade"]
    session.install("-e", f".[{extra}]", *dependencies, *old)


@nox.session(python=PYTHONS)
@nox.parametrize("dependencies", DEPENDENCIES)
def tests(session: nox.Session, dependencies: list[str]) -> None:
    """All that needs no supervisord."""
    _install(session, "test", dependencies)
    session.run("python", "-m", "pytest", "-m", "not integration", *session.posargs)


@nox.session(python=PYTHONS)
@nox.parametrize("dependencies", DEPENDENCIES)
def integration(session: nox.Session, dependencies: list[str]) -> None:
    """Real supervisord, real servers, real load."""
    _install(session, "test", dependencies)
    session.run("python", "-m", "pytest", "-m", "integration", *session.posargs)


@nox.session
def types(session: nox.Session) -> None:
    """mypy --strict."""
    session.install("-e", ".[lint]")
    session.run("mypy")


@nox.session
def lint(session: nox.Session) -> None:
    """Style and spelling."""
    session.install("-e", ".[lint]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("codespell")


@nox.session
def floors(session: nox.Session) -> None:
    """Imports go down only."""
    session.install("-e", ".[lint]")
    session.run("lint-imports")


@nox.session
def docs(session: nox.Session) -> None:
    """The documents' own examples, and every configuration in etc/."""
    _install(session, "test", NEWEST)
    session.run("python", "-m", "pytest", "tests/docs", "tests/integration/test_etc.py", *session.posargs)
