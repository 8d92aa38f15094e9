"""Code behind a link, with a real supervisord: rolled out where ``follow_symlinks`` says so."""

from __future__ import annotations

import pytest

from tests.integration.scene import ONE, PLAIN, Scene, scene

pytestmark = pytest.mark.integration


def with_shared_code(act: Scene) -> None:
    shared = act.directory / "shared"
    shared.mkdir()
    (shared / "value.py").write_text("TEXT = 'one'\n")
    (act.src / "lib").symlink_to(shared)
    act.code.write_text("from lib.value import TEXT\n")


def test_code_behind_a_link() -> None:
    """
    A save there is a rollout, of the file that changed, and it is checked; without the key it is nothing.
    """
    with scene(PLAIN, ONE + "check=python\nfollow_symlinks=true\n", prepare=with_shared_code) as act:
        value = act.directory / "shared" / "value.py"
        act.wait_for_text("one")
        value.write_text("TEXT = 'two'\n")
        act.wait_for_text("two")
        value.write_text("TEXT = \n")
        act.wait_for_log("value.py: refused")
        value.write_text("TEXT = 'three'\n")
        act.wait_for_text("three")
        conf = act.supervisord.conf
        conf.write_text(conf.read_text().replace("follow_symlinks=true", "follow_symlinks=false"))
        act.wait_for_log("follow_symlinks")
        value.write_text("TEXT = 'four'\n")
        before = act.count("rolling out")
        act.stays_quiet()
        assert before == act.count("rolling out")
        act.code.write_text("from lib.value import TEXT  # again\n")
        act.wait_for_text("four")
