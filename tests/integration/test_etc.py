"""Every configuration in etc/ runs as it is (but for the port), and what is saved is served."""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from benchmarks.service import ETC, Service
from supervisor_reload.config.findings import Findings
from supervisor_reload.config.supervisorconf import read_supervisorconf

pytestmark = pytest.mark.integration

SERVERS = {"minimal.conf", "swap.conf", "rolling.conf", "gunicorn.conf", "pinned.conf"}
CONFIGURATIONS = {*SERVERS, "worker.conf", "celery.conf", "rq.conf"}
APPS = {"rolling.conf": "wsgi.py", "gunicorn.conf": "wsgi.py", "worker.conf": "worker.py"}
RUNNING = {
    "minimal.conf": 1,
    "swap.conf": 1,
    "rolling.conf": 4,
    "gunicorn.conf": 1,
    "pinned.conf": 1,
    "worker.conf": 2,
}
LIMIT = 30.0


@pytest.fixture
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    with Service.of_etc(request.param, APPS.get(request.param, "web.py")) as running:
        supervisord = running.supervisord
        program = "worker" if request.param == "worker.conf" else "web"
        supervisord.wait_for(lambda: running.is_settled(RUNNING[request.param], program), LIMIT, "its slots")
        listener = supervisord.wait_for(lambda: supervisord.process_pid("reload"), LIMIT, "the listener")
        # on a busy machine a save before its first reading would be the code that it finds
        supervisord.wait_for(lambda: "ready after" in supervisord.stderr("reload"), LIMIT, "its first look")
        yield running
        assert (supervisord.state("reload"), supervisord.process_pid("reload")) == ("RUNNING", listener)


def answer(service: Service) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode().strip()
    finally:
        connection.close()


def answers(service: Service, version: str, times: int = 8) -> bool:
    """Whether so many answers in a row are of this version: no old process is left on the port."""
    return all(answer(service) == f"version {version}" for _ in range(times))


def save_and_wait(service: Service) -> None:
    supervisord = service.supervisord
    supervisord.wait_for(lambda: answers(service, "1"), LIMIT, "version 1")
    for version, atomic in (("2", True), ("3", False)):
        service.save(version, atomic=atomic)
        supervisord.wait_for(lambda version=version: answers(service, version), LIMIT, f"version {version}")


def test_the_tests_know_every_configuration() -> None:
    """A configuration that is added to etc/ must be added here."""
    assert {path.name for path in ETC.glob("*.conf")} == CONFIGURATIONS


@pytest.mark.parametrize("name", sorted(CONFIGURATIONS))
def test_check_finds_nothing_wrong(name: str, tmp_path: Path) -> None:
    """`supervisor-reload check` accepts a copy of it: who runs this may be root, in another's tree."""
    if name == "rq.conf" and not Path(sys.executable).with_name("rq").exists():
        pytest.skip("rq is not installed")
    program = Path(sys.executable).with_name("supervisor-reload")
    path = f"{program.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"  # where uvicorn is
    ignored = shutil.ignore_patterns("__pycache__", "*.log", "*.sock", "queue")
    done = subprocess.run(
        [program, "check", "-c", shutil.copytree(ETC, tmp_path / "etc", ignore=ignored) / name],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PATH": path},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_configuration_deletes_the_logs_of_another() -> None:
    """supervisord deletes, when it starts, what its childlogdir holds of its identifier: each has its own."""
    found = [read_supervisorconf(str(ETC / name), Findings()) for name in CONFIGURATIONS]
    assert len({conf.identifier for conf in found}) == len(CONFIGURATIONS)
    assert {conf.childlogdir for conf in found} == {str(ETC / "run")}


def wait_for_successors(service: Service, before: Iterable[int], program: str = "web") -> None:
    """As many processes run as before, and none of them is one of those."""
    gone = set(before)
    service.supervisord.wait_for(
        lambda: service.is_settled(len(gone), program) and gone.isdisjoint(service.processes(program)),
        LIMIT,
        "successors of all processes",
    )


@pytest.mark.parametrize("service", ["minimal.conf", "swap.conf", "rolling.conf"], indirect=True)
def test_every_process_has_a_successor(service: Service) -> None:
    """What was saved is served, by new processes, as many as before."""
    before = service.processes()
    save_and_wait(service)
    wait_for_successors(service, before)


@pytest.mark.parametrize("service", ["gunicorn.conf"], indirect=True)
def test_gunicorn_reloads_itself(service: Service) -> None:
    """The new code serves and the master is the one that was there."""
    before = service.processes()
    save_and_wait(service)
    assert service.processes() == before


@pytest.mark.parametrize("service", ["worker.conf"], indirect=True)
def test_workers_finish_their_jobs(service: Service) -> None:
    """No job is lost or left half done while both workers are replaced under work."""
    queue = service.directory / "run" / "queue"
    supervisord = service.supervisord
    jobs = [queue / "todo" / f"{number:03d}" for number in range(24)]
    before = service.processes("worker")
    for job in jobs:
        job.touch()
    supervisord.wait_for(lambda: any((queue / "doing").iterdir()), LIMIT, "a job in work")
    service.save("2", atomic=True)
    wait_for_successors(service, before, "worker")
    supervisord.wait_for(lambda: len(list((queue / "done").iterdir())) == len(jobs), LIMIT, "all jobs done")
    versions = {(queue / "done" / job.name).read_text().split()[1] for job in jobs}
    assert versions == {"1", "2"}
    assert not list((queue / "doing").iterdir())
