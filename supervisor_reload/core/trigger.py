"""Why a rollout begins. It decides nothing."""

from __future__ import annotations

import enum


class Trigger(enum.Enum):
    """Why a rollout began."""

    FILES = "files"
    RETRY = "retry"
    RECOVERY = "recovery"
    OPERATOR = "operator"
