"""The statistical comparison that the circuit benchmark rests on. False failure: 1e-9 for each comparison."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from benchmarks.agreement import compare
from benchmarks.programs import chain


def sample(probabilities: list[float], shots: int, seed: int, width: int) -> dict[str, int]:
    drawn = np.random.default_rng(seed).choice(len(probabilities), size=shots, p=probabilities)
    return dict(Counter(format(int(k), f"0{width}b") for k in drawn))


@pytest.mark.parametrize("seed", range(5))
def test_two_samples_of_one_distribution_agree(seed: int) -> None:
    probabilities = list(np.random.default_rng(100 + seed).dirichlet(np.ones(8)))
    assert compare(sample(probabilities, 4000, seed, 3), sample(probabilities, 4000, seed + 50, 3)).holds


def test_swapped_bits_disagree() -> None:
    ours, theirs = {"011": 500, "000": 500}, {"110": 500, "000": 500}
    assert not compare(ours, theirs).holds


def test_wide_programs_are_compared_by_parities() -> None:
    rng = np.random.default_rng(1)

    def uniform(bias: float) -> dict[str, int]:
        bits = rng.random((2000, 60)) < 0.5
        bits[:, 30] = rng.random(2000) < bias
        return dict(Counter("".join("01"[int(bit)] for bit in row) for row in bits))

    same = compare(uniform(0.5), uniform(0.5))
    assert same.over == "parities"
    assert same.holds
    assert not compare(uniform(0.5), uniform(0.95)).holds


def test_a_lost_correlation_of_far_bits_is_found_at_20_000_shots() -> None:
    rng = np.random.default_rng(2)
    bits = rng.integers(0, 2, (20_000, 40))
    lost = dict(Counter("".join(map(str, row)) for row in bits.tolist()))
    bits[:, 39] = bits[:, :39].sum(axis=1) % 2
    kept = dict(Counter("".join(map(str, row)) for row in bits.tolist()))
    assert not compare(kept, lost).holds


def test_registers_of_different_width_disagree() -> None:
    assert not compare({"00": 10}, {"000": 10}).holds


@pytest.mark.parametrize("n_nodes", [10, 100, 10_000])
def test_chains_have_the_asked_number_of_nodes(n_nodes: int) -> None:
    assert len(chain(n_nodes, 3).nodes) == n_nodes
