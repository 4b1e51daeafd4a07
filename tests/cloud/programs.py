"""A program whose outcomes tell every exchange of bits, and samples of what servers are asked to run."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import qmk

REFERENCE_SHOTS = 200_000


def lopsided() -> qmk.Circuit:
    """Three qubits, each coupled to both others, read into bits in another order; all outcomes differ in weight."""
    circuit = qmk.Circuit(3, 3).ry(0.9, 0).cx(0, 1).ry(2.1, 2).cz(1, 2).h(2).cx(2, 0).rz(0.4, 0).h(0)
    return circuit.measure([0, 1, 2], [2, 0, 1])


@cache
def _chances() -> dict[str, float]:
    counts = qmk.run(lopsided(), engine="native", shots=REFERENCE_SHOTS, seed=2).counts
    return {outcome: count / REFERENCE_SHOTS for outcome, count in counts.items()}


def check_lopsided(counts: Mapping[str, int]) -> None:
    """Six standard deviations, of the counts and of the reference: a false alarm in less than 1e-7 of all runs."""
    shots = sum(counts.values())
    for outcome in {*counts, *_chances()}:
        chance = _chances().get(outcome, 0.0)
        sigma = (chance * (1 - chance) * (1 / shots + 1 / REFERENCE_SHOTS)) ** 0.5
        assert abs(counts.get(outcome, 0) / shots - chance) <= 6 * sigma, (outcome, counts, _chances())


def bits_of(circuit: qmk.Circuit | str, shots: int, seed: int) -> list[list[int]]:
    """A row a shot: the values of the classical bits, bit 0 first."""
    found: Any = qmk.run(circuit, engine="native", shots=shots, seed=seed).bits()
    return found[:, ::-1].tolist()
