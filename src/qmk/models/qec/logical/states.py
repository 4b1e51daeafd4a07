"""T states of a machine: their error, the factories that make them, and what a program waits for them.

Errors, rejections, footprint and time are those of ``models.qec.magic``, times here in code cycles.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from qmk.base.errors import QmkError
from qmk.models.noise import NoiseModel
from qmk.models.qec.magic import FACTORIES, Factory, Supply, factory, plant, reaction_limited_rate_hz
from qmk.models.qec.tables.angles import probability
from qmk.models.qec.tables.channels import Channels

FACTORY = factory("15-to-1")
SEED = 0
"""Seed of the supply, so that the same program waits at the same places."""
CULTIVATED = {"cultivated3": "cultivation(3)", "cultivated5": "cultivation(5)"}
"""Cultivated states of a machine, by the distance at which they are checked, and the factories of ``magic``."""


@dataclass(frozen=True)
class States:
    """``raw``: error of an injected state; ``clifford``: of a logical operation of the factory, which is a patch and
    cycle; ``factory``: None where states are taken as injected; ``factories``: 0 where states are always there;
    ``reaction_rounds``: until the decoder has told whether the S after a T is due."""

    raw: float
    clifford: float
    d: int
    factory: Factory | None = FACTORY
    factories: int = 0
    reaction_rounds: int = 0
    seed: int = SEED

    @property
    def error(self) -> float:
        """Of one state: as it was injected, or made by the factory where that is better."""
        return self.raw if self.factory is None else min(self.raw, self.factory.output_error(self.raw, self.clifford))

    @property
    def rejection(self) -> float:
        return 0.0 if self.factory is None else self.factory.rejection(self.raw, self.clifford)

    @property
    def rate_limit_per_cycle(self) -> float:
        """T gates of a chain in which each must be decoded before the next."""
        return reaction_limited_rate_hz(self.d, 1 / self.d, self.reaction_rounds / self.d)

    @property
    def factory_qubits(self) -> int:
        return 0 if self.factory is None else self.factories * self.factory.physical_qubits(self.d)

    def supply(self) -> Supply | None:
        """In rounds; None where states are always there. Raises UNSUPPORTED where no attempt would pass."""
        if not self.factories or self.factory is None:
            return None
        if self.rejection >= 1:
            raise QmkError(
                "UNSUPPORTED",
                f"{self.factory.name} rejects every attempt at this distance and noise, and T gates would wait for "
                "ever",
                field="qec",
                help="take a larger distance, or leave factories out",
            )
        return Supply(plant(self.factory, self.factories, self.d, self.raw, clifford_error=self.clifford), self.seed)

    def keeping_up(self, states: int, cycles: int) -> int:
        """The fewest factories whose mean rate makes so many states within so many cycles; 0 where no number does."""
        if self.factory is None or self.rejection >= 1:
            return 0
        return math.ceil(states / (cycles * self.d * self.factory.states_per_round(self.d, self.raw, self.clifford)))


def factory_of(t: str, model: NoiseModel) -> Factory | None:
    """What makes the T states of a machine with ``t``; None where they are taken as injected. Raises UNSUPPORTED for
    cultivation under a noise that is not ``p=P`` at a strength at which its authors simulated it."""
    if t not in CULTIVATED:
        return FACTORY if t == "distilled" else None
    rows = [row for row in FACTORIES if row.name == CULTIVATED[t]]
    for row in rows:
        if NoiseModel.circuit(row.physical_error).hash == model.hash:
            return row
    rates = " and ".join(f"p={row.physical_error:g}" for row in rows)
    raise QmkError(
        "UNSUPPORTED",
        f"{CULTIVATED[t]} is not known under the noise model {model.label}",
        field="noise",
        help=f"it was simulated at the strength of {rates}; take t=distilled for other noise",
    )


def states(
    rates: Channels, d: int, maker: Factory | None, factories: int = 0, reaction_rounds: int = 0
) -> States | None:
    """From what the table measured; None where it has no rows of injected states."""
    if rates.inject is None:
        return None
    raw = probability(rates.inject["X"] + rates.inject["Z"])
    clifford = probability(rates.cycle["X"] + rates.cycle["Z"])
    return States(raw, clifford, d, maker, factories, reaction_rounds)
