"""A patch: one block of a code at one distance, with all that an estimate needs of it."""

from __future__ import annotations

from typing import NamedTuple


class Patch(NamedTuple):
    """``rate_per_cycle``: probability that one of its logical qubits fails in one logical cycle of ``cycle_ns``, which
    is d rounds of syndrome extraction. ``label`` names the member of the code family where the distance does not."""

    distance: int
    physical_qubits: int
    logical_qubits: int
    cycle_ns: int
    rate_per_cycle: float
    label: str = ""
