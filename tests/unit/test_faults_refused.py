"""A supervisord that may not be asked: a row of docs/faults.md, also where the tests are root's."""

from __future__ import annotations

import shutil
import socket

import pytest

from tests.fakes.children import as_nobody
from tests.integration.supervisord import short_directory

ASKS = """
import os, sys
from supervisor_reload.core.errors import SupervisorUnavailable
from supervisor_reload.edges.supervisord import Supervisord
os.setuid(NOBODY)
edge = Supervisord(f"unix://{sys.argv[1]}", limit=5)
for _ in range(2):
    try:
        print(edge.processes())
    except SupervisorUnavailable as error:
        print(error)
"""


@pytest.mark.fault(8)
def test_a_socket_of_another_user() -> None:
    """As Supervisor's default mode, 0700, has it: the line names the socket and what is wrong with it."""
    directory = short_directory()
    try:
        path = directory / "s.sock"
        directory.chmod(0o755)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
            path.chmod(0o700)
            server.listen()
            said = as_nobody(ASKS, str(path))
        line = f"supervisord at unix://{path} can't be asked: Permission denied: our user may not use it. "
        line += "chmod and chown in [unix_http_server] say who may"
        assert [line, line] == said.splitlines()
    finally:
        shutil.rmtree(directory)
