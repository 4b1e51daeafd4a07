"""T states of a machine: their error, the factories that make them, and what a program waits for them.

Errors, rejections, footprint and time are those of ``models.qec.magic``, times here in code cycles.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from qmk.base.errors import QmkError
from qmk.models.qec.magic import Factory, Supply, factory, plant, reaction_limited_rate_hz
from qmk.models.qec.tables.angles import probability
from qmk.models.qec.tables.channels import Channels

FACTORY = factory("15-to-1")
SEED = 0
"""Seed of the supply, so that the same program waits at the same places."""


@dataclass(frozen=True)
class States:
    """``raw``: error of an injected state; ``clifford``: of a logical operation of the factory, which is a patch and
    cycle; ``factories``: 0 where states are always there; ``reaction_rounds``: until the decoder has told whether the S
    after a T is due."""

    raw: float
    clifford: float
    d: int
    distilled: bool = True
    factories: int = 0
    reaction_rounds: int = 0

    @property
    def factory(self) -> Factory | None:
        return FACTORY if self.distilled else None

    @property
    def error(self) -> float:
        """Of one state: as it was injected, or distilled once where that is better."""
        if not self.distilled:
            return self.raw
        return min(self.raw, FACTORY.output_error(self.raw, self.clifford))

    @property
    def rejection(self) -> float:
        return FACTORY.rejection(self.raw, self.clifford) if self.distilled else 0.0

    @property
    def rate_limit_per_cycle(self) -> float:
        """T gates of a chain in which each must be decoded before the next."""
        return reaction_limited_rate_hz(self.d, 1 / self.d, self.reaction_rounds / self.d)

    @property
    def factory_qubits(self) -> int:
        return self.factories * FACTORY.physical_qubits(self.d)

    def supply(self) -> Supply | None:
        """In rounds; None where states are always there. Raises UNSUPPORTED where no attempt would pass."""
        if not self.factories:
            return None
        if self.rejection >= 1:
            raise QmkError(
                "UNSUPPORTED",
                f"{FACTORY.name} rejects every attempt at this distance and noise, and T gates would wait for ever",
                field="qec",
                help="take a larger distance, or leave factories out",
            )
        return Supply(plant(FACTORY, self.factories, self.d, self.raw, clifford_error=self.clifford), SEED)

    def keeping_up(self, states: int, cycles: int) -> int:
        """The fewest factories whose mean rate makes so many states within so many cycles; 0 where no number does."""
        if not self.distilled or self.rejection >= 1:
            return 0
        return math.ceil(states / (cycles * self.d * FACTORY.states_per_round(self.d, self.raw, self.clifford)))


def states(rates: Channels, d: int, distilled: bool, factories: int = 0, reaction_rounds: int = 0) -> States | None:
    """From what the table measured; None where it has no rows of injected states."""
    if rates.inject is None:
        return None
    raw = probability(rates.inject["X"] + rates.inject["Z"])
    clifford = probability(rates.cycle["X"] + rates.cycle["Z"])
    return States(raw, clifford, d, distilled, factories, reaction_rounds)
