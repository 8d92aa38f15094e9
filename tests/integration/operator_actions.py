"""What an operator does in the middle of a rollout, typed into a real ``supervisorctl``: one function each.

An action holds the rollout in its phase until supervisord is at it, and says what must be so afterwards; it
judges nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.integration.operated import LIMIT, Operated, answer
from tests.integration.supervisord import wait_for

DOWN = frozenset({"STOPPING", "STOPPED", "EXITED", "FATAL"})


@dataclass(slots=True)
class Play:
    """One cell while it is played."""

    stage: Operated
    phase: str
    moving: str
    """the slot that the rollout is at"""
    pid: int
    """its process"""
    slot: str
    """the slot that the operator means"""
    stopped: set[str] = field(default_factory=set)
    """what he stopped, and did not start again"""
    restarted: set[str] = field(default_factory=set)
    bring_back: tuple[str, ...] = ()
    """what he types to have everything back"""
    gone: bool = False
    """he removed the group"""
    returns: bool = False
    """supervisord itself ended, and came back"""

    def obeyed_when(self, *words: str, seen: Callable[[], object]) -> str:
        """Give a command, let the phase end once supervisord is at it, and wait until it is done."""
        command = self.stage.order(*words)
        # not the stage's own wait, which calls it a failure when supervisord ends
        wait_for(lambda: command.poll() is not None or seen(), LIMIT, f"supervisorctl {' '.join(words)}")
        self.stage.release()
        return answer(command)

    def updated(self) -> None:
        """``supervisorctl update``, and again where supervisord refused it because a process was still there.

        It does not wait for what somebody else stops; then it has stopped the group and not replaced it.
        """
        said = self.obeyed_when("update", seen=self.is_down)
        if not said.endswith("(0)"):
            assert "STILL_RUNNING" in said, said
            self.stage.wait(lambda: "STOPPING" not in self.stage.states().values(), "nothing left of it")
            said = self.stage.ordered("update")
        assert said.endswith("(0)"), said

    def is_down(self) -> bool:
        """Whether every process has been stopped, or is being stopped."""
        return set(self.stage.states().values()) <= DOWN


def stop(play: Play) -> None:
    """``supervisorctl stop SLOT``"""
    play.obeyed_when("stop", play.slot, seen=lambda: play.stage.states()[play.slot] in DOWN - {"EXITED"})
    play.stopped = {play.slot}
    play.bring_back = ("start", play.slot)


def stop_group(play: Play) -> None:
    """``supervisorctl stop GROUP:*``"""
    play.obeyed_when("stop", "web:*", seen=play.is_down)
    play.stopped = set(play.stage.states())
    play.bring_back = ("start", "web:*")


def start(play: Play) -> None:
    """``supervisorctl start SLOT``: mostly it runs already, and nothing is to happen."""
    play.obeyed_when("start", play.slot, seen=lambda: False)


def restart(play: Play) -> None:
    """``supervisorctl restart SLOT``"""
    said = play.obeyed_when(
        "restart", play.slot, seen=lambda: play.stage.states()[play.slot] in DOWN - {"EXITED"}
    )
    if f"{play.slot}: started" in said:
        play.restarted = {play.slot}


def remove(play: Play) -> None:
    """``supervisorctl stop GROUP:*``, then ``remove GROUP``; ``add GROUP`` brings it back."""
    stop_group(play)
    assert "removed process group" in play.stage.ordered("remove", "web")
    play.stopped, play.gone = set(), True
    play.bring_back = ("add", "web")


def more(play: Play) -> None:
    """``numprocs`` grows by one in the file; ``supervisorctl update``"""
    _update(play, 1)


def fewer(play: Play) -> None:
    """``numprocs`` shrinks by one in the file; ``supervisorctl update``"""
    _update(play, -1)


def _update(play: Play, by: int) -> None:
    shape = play.stage.shape
    target = {"max_surge": "0"} if shape.has_spare and by < 0 else {}
    since = len(play.stage.lines())
    play.stage.configure(shape.of(program={"numprocs": str(shape.slots + by)}, **target))
    play.stage.wait(lambda: play.stage.told("update wanted", since), "the changed file is noticed")
    play.updated()


def gone(play: Play) -> None:
    """The program and our section leave the file; ``supervisorctl update``; later they are back."""
    shape = play.stage.shape
    play.stage.configure(shape.without_program())
    play.updated()
    play.gone = True
    play.stage.wait(lambda: play.stage.told("target removed"), "the target's end")
    play.stage.configure(shape)
    play.bring_back = ("update",)


def reload(play: Play) -> None:
    """``supervisorctl reload``: supervisord ends all its processes and begins anew."""
    listener = play.stage.supervisord.process_pid("reload:reload")
    play.obeyed_when("reload", seen=lambda: False)
    play.stage.wait(
        lambda: play.stage.supervisord.process_pid("reload:reload") not in (0, listener), "a new listener"
    )
    play.returns = True


def shutdown(play: Play) -> None:
    """``supervisorctl shutdown``; later supervisord is started again."""
    supervisord = play.stage.supervisord
    play.obeyed_when("shutdown", seen=lambda: False)
    pidfile = play.stage.directory / "supervisord.pid"
    wait_for(lambda: not pidfile.exists(), LIMIT, "supervisord's end")
    left = [did.pid for did in play.stage.did() if _is_alive(play.stage, did.pid)]
    assert not left, f"left behind: {left}"
    supervisord.stop()
    supervisord.start()
    play.returns = True


def _is_alive(stage: Operated, pid: int) -> bool:
    try:
        return str(stage.directory) in stage.command_of(pid)
    except OSError:
        return False


ACTIONS: dict[str, Callable[[Play], None]] = {
    "stop": stop,
    "stop all": stop_group,
    "start": start,
    "restart": restart,
    "remove": remove,
    "more": more,
    "fewer": fewer,
    "gone": gone,
    "reload": reload,
    "shutdown": shutdown,
}
