"""The levels of isolation that a job can run at, from the weakest to the strongest: one order for every part."""

from __future__ import annotations

from typing import Literal, get_args

from qmk.base.errors import QmkError

Level = Literal["process", "jail", "wasm", "gvisor", "microvm"]
LEVELS: tuple[Level, ...] = get_args(Level)
AUTO = "auto"
"""A wish for the strongest level that the host has for the job, at or above the floor."""


def parse(text: str, field: str = "isolation") -> Level | None:
    """The level of this name, None for ``auto`` or no text. Raises INVALID_PARAMS for another text."""
    if text in ("", AUTO):
        return None
    if text in LEVELS:
        return text
    names = ", ".join((AUTO, *LEVELS))
    raise QmkError("INVALID_PARAMS", f"no level of isolation is named '{text[:40]}'; there are {names}", field=field)


def at_least(level: Level, floor: Level) -> bool:
    """Whether ``level`` is as strong as ``floor``."""
    return LEVELS.index(level) >= LEVELS.index(floor)


def highest(*floors: Level | None) -> Level:
    """The strongest of these floors; None asks nothing."""
    return LEVELS[max((LEVELS.index(floor) for floor in floors if floor), default=0)]


def below_floor(floor: Level, reason: str, fix: str) -> QmkError:
    """UNSUPPORTED for a job that may not run below ``floor``: why the host cannot, and what to do."""
    message = f"the job may not run below isolation level '{floor}', and {reason}"
    return QmkError("UNSUPPORTED", message, isolation=floor, help=fix)
