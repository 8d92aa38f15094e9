"""Resolves replicas, max_surge and max_unavailable to numbers of processes, by Kubernetes' rules.

https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-update-deployment
"""

from __future__ import annotations

from dataclasses import dataclass

from supervisor_reload.core.model import Strategy

from .sections import OwnSection
from .values import Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """How many processes serve, boot beside them, and may be missing."""

    replicas: int = 1
    max_surge: int = 0
    max_unavailable: int = 1


def read_numbers(section: OwnSection, total: int, strategy: Strategy) -> Numbers:
    """The numbers of a target with ``total`` processes; notes those that can't be true."""
    surge = section.value("max_surge", Share)
    if strategy is Strategy.SIGNAL and surge.number:
        section.error("max_surge", "strategy=signal keeps every process, so it can't use spare ones")
        surge = Share(0)
    replicas = _replicas(section, total, surge)
    spare = surge.of(replicas, round_up=True)
    if replicas + spare > total >= replicas > 0:
        message = (
            f"replicas ({replicas}) and max_surge ({spare}) need {replicas + spare} processes, and there "
        )
        section.error("max_surge", message + f"are {total}: raise numprocs, or lower replicas")
    elif replicas + spare < total and strategy is Strategy.ROLLING and replicas > 0:
        idle = total - replicas - spare
        message = f"{idle} of {total} processes will never be used; with max_surge they boot the new code"
        section.warning("replicas", message)
    return Numbers(
        replicas=replicas, max_surge=spare, max_unavailable=_unavailable(section, replicas, surge, spare)
    )


def _replicas(section: OwnSection, total: int, surge: Share) -> int:
    wanted = section.optional("replicas", Share)
    if wanted is None:
        replicas = total if surge.is_percentage else total - surge.number
        if replicas < 1:
            message = f"max_surge={surge} needs {surge.number + 1} processes or more, and there are {total}"
            section.error("max_surge", f"{message}: raise numprocs")
        return max(replicas, 0)
    replicas = wanted.of(total, round_up=False)
    if replicas < 1:
        section.error("replicas", f"{wanted} of {total} processes would leave none to serve")
    if replicas > total:
        section.error(
            "replicas", f"{wanted} are more than the {total} processes that there are: raise numprocs"
        )
    return replicas


def _unavailable(section: OwnSection, replicas: int, surge: Share, spare: int) -> int:
    wanted = section.value("max_unavailable", Share)
    missing = wanted.of(replicas, round_up=False)
    if missing > replicas > 0:
        section.error("max_unavailable", f"{wanted} are more than the replicas ({replicas})")
    if missing == 0 and spare == 0:
        if wanted.number == 0 and surge.number == 0:
            message = "max_unavailable and max_surge can't both be 0: no process could ever be replaced"
            section.error("max_unavailable", message)
        return 1  # a percentage that was rounded down to nothing counts as 1, as in Kubernetes
    return missing
