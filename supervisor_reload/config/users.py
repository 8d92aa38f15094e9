"""As whom supervisord's processes run, and as whom therefore what we run for them. It switches nobody."""

from __future__ import annotations

from collections.abc import Sequence

from supervisor_reload.core.model import Rights

from .programs import ProgramProcess
from .sections import OwnSection
from .supervisorconf import SupervisorConf

ROOT = 0


def user_of(process: ProgramProcess, conf: SupervisorConf) -> int | None:
    """The user that a process runs as; None where that is whoever starts supervisord."""
    return conf.uid if process.uid is None else process.uid


def rights_of(section: OwnSection, processes: Sequence[ProgramProcess], *, is_theirs: bool = False) -> Rights:
    """As whom a command for these processes runs: as they do, if all run as one; else as our listener.

    ``is_theirs``: they themselves run the same program, so that it makes nobody root who was not.
    """
    users = {user_of(process, section.conf) for process in processes}
    user = next(iter(users)) if len(users) == 1 else None
    runs_anyway = is_theirs and users in ({None}, {ROOT})
    return Rights(user=user, trust_writable=runs_anyway or section.value("trust_writable", bool))
