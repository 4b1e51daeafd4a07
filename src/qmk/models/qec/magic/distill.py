"""Distillation exactly: what is left of Z errors on the input states, by enumerating every pattern of them.

A pattern of Z errors passes where it commutes with every X stabilizer of the code, and spoils the output where it is a
logical operator. The chances are polynomials in the error of one input state; errors of the Clifford gates around are
not in them. Inputs are twirled, so that their errors are Z with chance ``p``, independent of each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

HAMMING_15 = tuple(sum((position >> row & 1) << (position - 1) for position in range(1, 16)) for row in range(4))
"""X stabilizers of the [[15,1,3]] Reed-Muller code (Bravyi, Kitaev, Phys. Rev. A 71, 022316 (2005)): the rows of the
parity check of the Hamming code, a bit a qubit"""
CUBE_FACES = (0b00001111, 0b00110011, 0b01010101)
"""Z stabilizers of the [[8,3,2]] code beside that of all qubits: qubits on the corners of a cube (Campbell, Howard,
Phys. Rev. A 95, 022316 (2017); Gidney, Fowler, Quantum 3, 135 (2019))"""


CHUNK = 1 << 20
"""How many runs are drawn at once."""


@dataclass(frozen=True)
class Protocol:
    """Numbers of patterns of Z errors by weight: those that pass, and those of them that spoil the output."""

    name: str
    inputs: int
    passing: tuple[int, ...]
    spoiling: tuple[int, ...]

    def acceptance(self, p: float) -> float:
        """The chance that a run passes its checks."""
        return _chance(self.passing, self.inputs, p)

    def output_error(self, p: float) -> float:
        """The chance that the output of a run that passed is wrong."""
        return _chance(self.spoiling, self.inputs, p) / self.acceptance(p)

    @property
    def leading(self) -> tuple[int, int]:
        """Coefficient and power of the output's error at small ``p``."""
        power = next(weight for weight, count in enumerate(self.spoiling) if count)
        return self.spoiling[power], power


def _chance(counts: tuple[int, ...], inputs: int, p: float) -> float:
    return sum(count * p**weight * (1 - p) ** (inputs - weight) for weight, count in enumerate(counts))


def _patterns(inputs: int) -> np.ndarray:
    return np.arange(1 << inputs, dtype=np.uint32)


def _odd(patterns: np.ndarray, mask: int) -> np.ndarray:
    return (np.bitwise_count(patterns & np.uint32(mask)) & 1).astype(bool)


def _outcome(inputs: int, patterns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each pattern of Z errors whether it passes, and whether it then spoils the output."""
    if inputs == 15:
        passes = ~np.logical_or.reduce([_odd(patterns, row) for row in HAMMING_15])
        return passes, passes & _odd(patterns, (1 << 15) - 1)
    assert inputs == 8, "there are two protocols"
    passes = ~_odd(patterns, 0xFF)
    group = {0}
    for generator in (*CUBE_FACES, 0xFF):
        group |= {member ^ generator for member in group}
    harmless = np.isin(patterns, np.array(sorted(group), dtype=np.uint32))
    return passes, passes & ~harmless


@cache
def protocol(name: str) -> Protocol:
    """``15-to-1`` (T from T) or ``8T-to-CCZ``."""
    inputs = {"15-to-1": 15, "8T-to-CCZ": 8}[name]
    patterns = _patterns(inputs)
    weights = np.bitwise_count(patterns)
    passes, spoils = _outcome(inputs, patterns)
    counts = [np.bincount(weights[chosen], minlength=inputs + 1) for chosen in (passes, spoils)]
    return Protocol(name, inputs, *(tuple(int(count) for count in row) for row in counts))


@dataclass(frozen=True)
class Sampled:
    """Runs of a protocol by Monte Carlo."""

    runs: int
    passed: int
    spoiled: int

    @property
    def output_error(self) -> float:
        return self.spoiled / self.passed

    @property
    def standard_error(self) -> float:
        """Of ``output_error``."""
        return self.spoiled**0.5 / self.passed


def sample(name: str, p: float, runs: int, seed: int) -> Sampled:
    """Draw the number of errors of each run, then where they are; runs without errors pass and are only counted."""
    inputs = protocol(name).inputs
    dice = np.random.default_rng(seed)
    choices = _binomials(inputs)
    by_weight = dice.multinomial(
        runs, [count * p**weight * (1 - p) ** (inputs - weight) for weight, count in enumerate(choices)]
    )
    patterns = _patterns(inputs)
    weights = np.bitwise_count(patterns)
    passed, spoiled = int(by_weight[0]), 0
    for weight in range(1, inputs + 1):
        passes, spoils = _outcome(inputs, patterns[weights == weight])
        for start in range(0, int(by_weight[weight]), CHUNK):
            drawn = dice.integers(choices[weight], size=min(CHUNK, int(by_weight[weight]) - start))
            passed += int(passes[drawn].sum())
            spoiled += int(spoils[drawn].sum())
    return Sampled(runs, passed, spoiled)


def _binomials(n: int) -> list[int]:
    row = [1]
    for k in range(n):
        row.append(row[-1] * (n - k) // (k + 1))
    return row
