"""``python -m benchmarks.qec.growth``: what a patch errs as it grows, in rounds of its smaller distance.

A memory that grows after 3 d rounds and is kept for a cycle of the larger code, less the memories of both parts, whose
two ends each are there once too often and once too little. ``logical.costs.CHANGE_ROUNDS`` is what is charged.
"""

from __future__ import annotations

import math
import sys

import stim

from benchmarks.qec.bars import Bar, show
from qmk.models.qec import circuits, codes, rates
from qmk.models.qec.logical.costs import CHANGE_ROUNDS
from qmk.models.qec.rates import Rate
from qmk.models.qec.tables.angles import theta

ERRORS, SHOTS, SEED = 3000, 4_000_000, 5
SIGMAS = 2.0


def counted(circuit: stim.Circuit) -> Rate:
    return rates.measure(circuit, "matching", shots=SHOTS, max_errors=ERRORS, seed=SEED)


def excess(d: int, to: int, basis: str, p: float) -> tuple[float, float]:
    """Rounds, and their standard error."""
    small, large = (codes.parse(f"surface(d={size})") for size in (d, to))
    noise = f"circuit={p}"
    grown = counted(circuits.growth(small, large, 3 * d, to, basis, noise))
    before, twice = (counted(circuits.memory(small, rounds, basis, noise)) for rounds in (3 * d, 6 * d))
    after = counted(circuits.memory(large, to, basis, noise))
    angles = [theta(rate.per_shot) for rate in (grown, before, after, twice)]
    a_round = (angles[3] - angles[1]) / (3 * d)
    spread = math.hypot(*(theta(r.per_shot) / math.sqrt(max(1, r.errors_any)) for r in (grown, before, after)))
    return (angles[0] - angles[1] - angles[2]) / a_round, spread / a_round


def main() -> None:
    bars: list[Bar] = []
    for d, to in ((3, 5), (3, 7), (5, 7), (5, 9)):
        for basis in "XZ":
            for p in (1e-3, 3e-3):
                rounds, spread = excess(d, to, basis, p)
                most = round(CHANGE_ROUNDS + SIGMAS * spread, 1)
                bars.append(Bar(f"d={d} to {to}, {basis}, p={p:g}: rounds", rounds, most, note=f"+- {spread:.2g}"))
    sys.exit(not show(f"Errors of a patch that grows, charged as {CHANGE_ROUNDS} rounds", bars))


if __name__ == "__main__":
    main()
