"""The rule that the listener may look into processes whose readiness it shall prove. It looks into none."""

from __future__ import annotations

import os
import pwd
from collections.abc import Sequence

from .programs import ProgramProcess
from .supervisorconf import SupervisorConf
from .targets import Target
from .users import user_of

LOOKING = ("accepting", "tcp", "http", "unix", "notify", "connections")
"""The kinds of readiness, and of drain, for which /proc/PID/fd is read, which only root and the process's
own user may (proc(5), ptrace(2))."""

ROOT = 0


def note_rights(conf: SupervisorConf, listeners: Sequence[ProgramProcess], targets: Sequence[Target]) -> None:
    """Note every target whose readiness our listener could never see: its processes are another user's."""
    for listener in listeners:
        own = user_of(listener, conf)
        if own is None or own == ROOT:
            continue
        for target in targets:
            _note_target(target, listener, own, conf)


def _note_target(target: Target, listener: ProgramProcess, own: int, conf: SupervisorConf) -> None:
    for process, slot in zip(target.processes, target.settings.slots, strict=True):
        theirs = user_of(process, conf)
        if theirs == own or not (slot.ready.scheme in LOOKING or slot.drain.scheme in LOOKING):
            continue
        other = "whoever starts supervisord" if theirs is None else _name(theirs)
        key = "ready" if slot.ready.scheme in LOOKING else "drain"
        kind = slot.ready.scheme if key == "ready" else slot.drain.scheme
        message = (
            f"{kind} needs a look into the processes of [{process.section}], which run as "
            f"{other}, and [{listener.section}] runs as {_name(own)}: give both the same user, run the "
            f"listener as root, or set {key} to {'running' if key == 'ready' else 'exit'} or to a command"
        )
        # Who reads this as the listener's user may be the one who starts supervisord; only then is it right.
        is_unsure = theirs is None and os.geteuid() == own
        (target.section.warning if is_unsure else target.section.error)(key, message)
        return


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
