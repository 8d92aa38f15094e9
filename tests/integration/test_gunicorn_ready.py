"""gunicorn as it comes, control socket and all, is ready when its workers can answer, and not before."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.integration.scene import LIMIT, Scene, scene

pytestmark = pytest.mark.integration

PROGRAM = f"""
[fcgi-program:web]
socket=tcp://127.0.0.1:{{port}}
command={Path(sys.executable).parent}/gunicorn web:application --bind fd://0 -k {{kind}} --threads 2
directory=%(here)s/src
environment=PYTHONPATH="%(here)s/src",PYTHONDONTWRITEBYTECODE="1",HOME="%(here)s"
process_name=%(program_name)s_%(process_num)02d
numprocs=2
startsecs=0
stopwaitsecs=20
"""

WEB = """
import os, time
time.sleep(0.7)  # what it imports takes its time
from code_under_test import TEXT

def application(environ, start_response):
    start_response("200 OK", [])
    return [f"{TEXT} {os.getpid()}".encode()]
"""

TARGET = """
[reload:web]
watch=%(here)s/src
failure_limit=1
ready_timeout=8
"""


def prepare(acted: Scene) -> None:
    """The application beside the code that it imports."""
    (acted.src / "web.py").write_text(WEB)


@pytest.mark.parametrize("kind", ["sync", "gthread"])
def test_code_that_its_workers_can_not_import_replaces_one_process_only(kind: str) -> None:
    """The master is there at once, and waits on a socket by which it is controlled: that proves nothing."""
    with scene(PROGRAM.replace("{kind}", kind), TARGET, prepare=prepare) as acted:
        acted.wait_for_log("ready after", 2)  # a process that still boots would be replaced without a drain
        acted.save("two", "import no_such_module\n")
        acted.wait_for_log("halted", limit=LIMIT * 2)
        assert acted.count("draining") == 1
        assert acted.ask()[0] == "one"
        acted.save("three")
        acted.wait_for_text("three", LIMIT * 2)
