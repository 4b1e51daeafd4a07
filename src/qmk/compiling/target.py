"""Targets by name: ``all:N``, N qubits all of which are coupled."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qmk.base.errors import QmkError
from qmk.sdk.passes import Goal

GATES = ("rz", "sx", "x", "cz")
"""The gates of a generic target, if none are named."""


def goal_of(target: str, gates: Sequence[str] = ()) -> Goal:
    """The goal with this target. Raises INVALID_PARAMS for what is no target."""
    found = re.fullmatch(r"all:([1-9][0-9]{0,6})", target)
    if found is None:
        raise QmkError(
            "INVALID_PARAMS", f"no target '{target[:40]}'", field="target", help="take all:N, such as all:20"
        )
    return Goal(target, tuple(gates) or GATES, int(found[1]))
