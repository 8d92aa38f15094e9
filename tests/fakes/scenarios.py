"""Worlds in which every event of the story is told at least once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from supervisor_reload.core.errors import SupervisorFault
from supervisor_reload.core.facts import ChangeKind, RevisionFailed
from supervisor_reload.core.model import HookSettings, ReactionSettings, RunRule, SlotName
from supervisor_reload.core.requests import Requested, Verb
from tests.fakes.configured import ConfiguredWorld, other
from tests.fakes.supervisord import Boot, Program
from tests.fakes.world import SIGNAL, Code, World, web

A, B = SlotName("web:web_00"), SlotName("web:web_01")
JOB, IDLE, STUCK = SlotName("job:job"), SlotName("idle:idle"), SlotName("stuck:stuck")

AnyWorld = TypeVar("AnyWorld", bound=World)


def booted(world: AnyWorld, boot: Boot | None = None) -> AnyWorld:
    world.code = Code(revision="r0", boot=boot or Boot())
    world.supervisor.boot_all()
    world.advance(8)
    return world


def swapped() -> World:
    """A good save, a newer one in the same burst, a revert, a newer one after it, and a drain."""
    world = booted(World(web()))
    world.save("r1")
    world.advance(0.03)
    world.touch()
    world.save("r2")
    world.advance(0.5)
    world.save("r0")
    world.advance(5)
    world.save("r3")
    world.advance(0.5)
    world.save("r4")
    world.advance(5)
    return world


def needed_still() -> World:
    """The new process is stopped by hand while the old one's work is waited for."""
    world = booted(World(web(drain="connections")))
    world.busy[A] = world.clock.now + 10
    world.save("r1")
    world.advance(3)
    world.supervisor.stop(B)
    world.advance(5)
    return world


def halted() -> World:
    """Bad code under a spare slot until it is held."""
    world = booted(World(web()))
    world.save("r1", boot=Boot(dies_after=0.1))
    world.advance(60)
    return world


def refused() -> World:
    """A check that refuses, and files that can't be read."""
    world = booted(World(web(1, max_surge=0, check=True)))
    world.save("r1", passes=False)
    world.advance(5)
    world.put(RevisionFailed(target="web", reason="Permission denied: '/app/x\n.py'"))
    world.advance(5)
    return world


def overtaken() -> World:
    """The check refuses a newer revision while the rollout of one that passed is under way."""
    world = booted(World(web(1, max_surge=0, check=True)), Boot(drains_in=4))
    world.save("r1")
    world.advance(1)
    world.save("r2", passes=False)
    world.advance(10)
    return world


def stopped_by_hand() -> World:
    """An operator in the middle, then everywhere; then the group is removed."""
    world = booted(World(web(4, replicas=4, max_surge=0)))
    world.save("r1")
    world.advance(1.5)
    world.supervisor.stop(SlotName("web:web_03"))
    world.advance(10)
    for number in range(3):
        world.supervisor.stop(SlotName(f"web:web_{number:02d}"))
    world.advance(5)
    world.save("r2")
    world.advance(5)
    world.supervisor.remove_group("web")
    world.advance(10)
    return world


def no_spare() -> World:
    """Nothing may be unavailable, and an operator stopped every slot that could take a successor."""
    world = World(web(3, replicas=2, max_unavailable=0))
    world.supervisor.boot_all()
    world.advance(0.2)
    world.supervisor.stop(B)
    world.supervisor.stop(SlotName("web:web_02"))
    world.advance(8)
    world.save("r1")
    world.advance(5)
    return world


def drained() -> World:
    """A process that ignores the graceful signal."""
    world = booted(World(web(1, max_surge=0, drain_timeout=1.0, stop_timeout=1.0)), Boot(drains_in=None))
    world.save("r1")
    world.advance(20)
    return world


def signalled() -> World:
    """The application reloads itself."""
    world = booted(World(web(1, max_surge=0, strategy=SIGNAL)))
    world.save("r1")
    world.advance(5)
    return world


def never_ready() -> World:
    """Both slots live and never answer; good code comes."""
    world = booted(World(web()), Boot(ready_after=None))
    world.save("r1")
    world.advance(20)
    return world


def crashed() -> World:
    """A ready process ends by itself, and its files are being written to."""
    world = booted(World(web(1, max_surge=0), autorestart="false"))
    world.touch("app.log", ChangeKind.WRITING)
    world.supervisor.crash(A)
    world.advance(10)
    return world


def spare_stopped() -> World:
    """An operator stops the boot in the spare slot."""
    world = booted(World(web()))
    world.save("r1")
    world.advance(0.5)
    world.supervisor.stop(B)
    world.advance(5)
    return world


def echoing() -> World:
    """A program that writes into its own watched tree at every start."""
    world = booted(World(web(1, max_surge=0)))
    for number in range(8):
        world.save(f"r{number + 1}")
        world.advance(1.5)
    return world


def measured() -> World:
    """A drain that is looked at, after the process was asked to take no new work."""
    world = booted(World(web(1, max_surge=0, drain="http", quiesce_signal="USR1", lame_duck=0.5)))
    world.busy[A] = world.clock.now + 3
    world.supervisor.programs[A].behaviour = Boot(drains_in=None)
    world.save("r1")
    world.advance(40)
    return world


def commanded() -> World:
    """A command that fails, then one that succeeds; a lost event; git at work."""
    rules = (RunRule(patterns=("*.txt",), command=("pip", "install")),)
    world = booted(World(web(1, max_surge=0, reactions=ReactionSettings(run_on=rules))))
    world.command_succeeds = False
    world.save("r1", name="requirements.txt", rules=(0,))
    world.advance(5)
    world.command_succeeds = world.lose_file_events = True
    world.save("r2")
    world.advance(60)
    world.lose_file_events = False
    world.git_held = True
    world.save("r3")
    world.advance(2)
    return world


def reconfigured() -> World:
    """Settings change in the middle of a rollout, targets come and go; bad files, and what can't be done."""
    world = booted(ConfiguredWorld(web()))
    world.save("r1")
    world.advance(0.2)
    world.edit(replace(web(), min_interval=1.0), state_dir="/new", warnings=("f: [x] y: careful",))
    world.advance(5)
    world.spoil("f: [reload:web] wach: unknown key")
    world.advance(1)
    world.supervisor.programs[JOB] = Program(name=JOB, boot=Boot)
    world.edit(replace(web(), min_interval=1.0), other("job", JOB))
    world.advance(1)
    world.edit(replace(web(), min_interval=1.0))
    world.advance(1)
    world.configure("web:web_00", "reload:reload")
    world.edit(web())
    world.advance(5)
    return world


def updated() -> World:
    """Groups are updated: after a rollout, not against an operator, and as far as the others let us."""
    world = ConfiguredWorld(web(), reload_config=True)
    for name in (JOB, IDLE, STUCK):
        world.supervisor.programs[name] = Program(name=name, boot=Boot, stopwaitsecs=1e9)
    world.start_listener()
    booted(world)
    world.supervisor.programs[STUCK].behaviour = Boot(drains_in=None)
    world.supervisor.stop(IDLE)
    world.save("r1", boot=Boot(ready_after=2.0))
    world.advance(0.5)
    world.configure(A, B, JOB, IDLE, STUCK)
    world.edit(web())
    world.advance(2)
    world.supervisor.refusals["add_group"] = SupervisorFault("FAILED", "the disk is full")
    world.advance(60)
    world.supervisor.refusals.clear()
    world.advance(60)
    return world


def dropped() -> World:
    """A change of a group that is taken back while its processes stop."""
    world = ConfiguredWorld(web(), reload_config=True)
    booted(world, Boot(drains_in=4.0))
    world.configure(A, B)
    world.edit(web())
    world.advance(2)
    world.supervisor.configured = None
    world.edit(web())
    world.advance(10)
    return world


def resumed() -> World:
    """A listener is killed in a rollout; later the disk is full for a while."""
    world = swapped()
    world.save("r2", boot=Boot(ready_after=1.0))
    world.advance(0.5)
    world.kill_listener()
    world.advance(10)
    world.journal.full = True
    world.save("r3")
    world.advance(10)
    world.journal.room = 0
    world.save("r4")
    world.advance(10)
    world.journal.full = False
    world.advance(10)
    return world


def lifted() -> World:
    """A revision is held, and an operator starts it all the same, with success."""
    world = booted(World(web(1, max_surge=0, failure_limit=1)))
    world.save("r1", boot=Boot(dies_after=0.1))
    world.advance(30)
    world.code = Code(revision="r1")
    world.supervisor.start(A)
    world.advance(10)
    return world


def unprepared() -> World:
    """What must be done before a rollout fails."""
    world = booted(World(web(1, max_surge=0, hooks=HookSettings(before=("backup",)))))
    world.hook_succeeds = False
    world.save("r1")
    world.advance(5)
    return world


def steered() -> World:
    """An operator pauses, resumes, starts and aborts."""
    world = booted(World(web(1, max_surge=0)))
    for verb in (Verb.PAUSE, Verb.RESUME, Verb.START, Verb.ABORT):
        world.put(Requested(id=verb.value, verb=verb), 0.0)
        world.advance(0.05)
    world.advance(10)
    return world


SCENARIOS: list[Callable[[], World]] = [
    swapped,
    needed_still,
    halted,
    refused,
    overtaken,
    stopped_by_hand,
    no_spare,
    drained,
    signalled,
    never_ready,
    crashed,
    spare_stopped,
    echoing,
    measured,
    commanded,
    reconfigured,
    updated,
    dropped,
    resumed,
    lifted,
    unprepared,
    steered,
]
