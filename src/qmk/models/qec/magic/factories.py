"""Factories of magic states: output error, rejection, footprint and time, each with its source."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from qmk.base.errors import QmkError
from qmk.models.qec.magic import distill

Kind = Literal["distill", "cultivate"]


@dataclass(frozen=True)
class Factory:
    """A way of making states. ``period_cycles``: from one attempt to the next, in code cycles of the patches it is
    built of; a cultivation counts ``period_rounds`` instead, discarded attempts included, and ``qubits`` of its own."""

    name: str
    kind: Kind
    source: str
    makes: str
    outputs: int
    inputs: int = 0
    tiles: float = 0.0
    period_cycles: float = 0.0
    clifford_output: float = 0.0
    clifford_rejection: float = 0.0
    physical_error: float = 0.0
    error: float = 0.0
    discard: float = 0.0
    qubits: int = 0
    period_rounds: float = 0.0

    def output_error(self, input_error: float = 0.0, clifford_error: float = 0.0) -> float:
        """Error of one output. ``clifford_error``: of one logical operation of the factory."""
        if self.kind == "cultivate":
            return self.error
        exact = distill.protocol(self.name).output_error(_chance(input_error))
        return min(1.0, exact + self.clifford_output * _chance(clifford_error))

    def rejection(self, input_error: float = 0.0, clifford_error: float = 0.0) -> float:
        """The chance that an attempt yields nothing; a cultivation's is part of its period already."""
        if self.kind == "cultivate":
            return 0.0
        exact = 1 - distill.protocol(self.name).acceptance(_chance(input_error))
        return min(1.0, exact + self.clifford_rejection * _chance(clifford_error))

    def physical_qubits(self, d: int) -> int:
        """At code distance ``d``: 2 d^2 for each tile of a distillation."""
        return self.qubits if self.kind == "cultivate" else math.ceil(self.tiles * 2 * d * d)

    def rounds(self, d: int) -> float:
        """Rounds of syndrome extraction from one attempt to the next."""
        return self.period_rounds if self.kind == "cultivate" else self.period_cycles * d

    def states_per_round(self, d: int, input_error: float = 0.0, clifford_error: float = 0.0) -> float:
        """States that pass, in the mean."""
        return self.outputs * (1 - self.rejection(input_error, clifford_error)) / self.rounds(d)


GSJ = (
    "Gidney, Shutty, Jones, arXiv:2409.17595 (2024), uniform depolarizing noise, grown to distance 15; qubit-rounds per"
    " kept state from doi:10.5281/zenodo.13777072 as qdk 1.33 lists them"
)

FACTORIES: tuple[Factory, ...] = (
    Factory(
        "15-to-1", "distill",
        "Litinski, Quantum 3, 128 (2019): 11 tiles for 11 cycles; Clifford terms: resource estimator of github.com/"
        "microsoft/qdk",
        "T", 1, inputs=15, tiles=11, period_cycles=11, clifford_output=7.1, clifford_rejection=356,
    ),
    Factory(
        "8T-to-CCZ", "distill",
        "Gidney, Fowler, Quantum 3, 135 (2019): 12d x 6d, a CCZ every 5.5 d rounds, with the factories of its T states",
        "CCZ", 1, inputs=8, tiles=72, period_cycles=5.5,
    ),
    Factory(
        "cultivation(3)", "cultivate", GSJ, "T", 1,
        physical_error=1e-3, error=2.7e-6, discard=0.80, qubits=454, period_rounds=8070.6 / 454,
    ),
    Factory(
        "cultivation(5)", "cultivate", GSJ, "T", 1,
        physical_error=1e-3, error=2.1e-9, discard=0.99, qubits=463, period_rounds=57066.9 / 463,
    ),
    Factory(
        "cultivation(5)", "cultivate", GSJ, "T", 1,
        physical_error=5e-4, error=4.3e-11, discard=0.90, qubits=463, period_rounds=18963.5 / 463,
    ),
)  # fmt: skip
"""Factories that can be built; a cultivation has a row for each noise it was simulated at, and none between."""


def factory(name: str, physical_error: float | None = None) -> Factory:
    """The factory of this name; a cultivation for this physical error rate. Raises INVALID_PARAMS where there is none:
    rates of cultivation are not interpolated."""
    named = [row for row in FACTORIES if row.name == name]
    for row in named:
        if row.kind == "distill" or (physical_error and math.isclose(row.physical_error, physical_error)):
            return row
    rates = ", ".join(f"{row.physical_error:g}" for row in named)
    known = ", ".join(dict.fromkeys(row.name for row in FACTORIES))
    raise QmkError(
        "INVALID_PARAMS",
        f"magic states: no '{name}'" + (f" at a physical error rate of {physical_error}" if named else ""),
        field="factory",
        help=f"it is known at {rates}" if named else f"the factories are {known}",
    )


def _chance(p: float) -> float:
    if not 0 <= p <= 0.5:
        raise QmkError(
            "INVALID_PARAMS", f"magic states: an error rate of {p}", field="error", help="give a number from 0 to 0.5"
        )
    return p
