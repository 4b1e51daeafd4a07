"""Pauli propagation in the native core: published values, state vectors, and errors that are covered by what is said.

The Rust tests compare every gate, error and reset with state vectors (``native/src/pauli/tests.rs``).
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import qmk_native

from benchmarks.pauli import edges, kicked_ising, observable


def plan(text: str) -> qmk_native.PauliPlan:
    return qmk_native.PauliPlan(qmk_native.read_qasm(text))


@pytest.mark.parametrize(
    ("angle", "value", "believed"),
    [
        (0.7, 0.6387089455191599, 1e-12),
        (math.pi / 4, 0.519411, 1e-6),
        (0.3, 0.957515528, 1e-9),
        (0.1, 0.995094247, 1e-9),
    ],
)
def test_five_steps_of_the_kicked_ising_model_have_their_published_values(
    angle: float, value: float, believed: float
) -> None:
    """Those of 0.1 and 0.3 are what three other packages give uncut (``benchmarks/pauli_peers.py``)."""
    found = plan(kicked_ising(5, angle)).value([(observable(), 1.0)])
    assert found["value"] == pytest.approx(value, abs=believed)
    assert found["bound"] == 0.0
    assert found["peak_terms"] < 100, "the first rotations make a product state and no strings"


def test_the_lattice_is_the_heavy_hexagon_of_127_qubits() -> None:
    found = edges()
    degrees = np.bincount(np.array(found).ravel(), minlength=127)
    assert len(set(map(frozenset, found))) == 144
    assert (degrees.min(), degrees.max()) == (1, 3)
    assert sum(degrees == 3) == 36  # the bridges' ends but those at the ends of rows


@pytest.mark.parametrize("cut", [1e-3, 1e-4, 1e-5])
def test_twenty_steps_come_nearer_with_smaller_cuts_within_their_bounds(cut: float) -> None:
    found = plan(kicked_ising(20, 0.1)).value([(observable(), 1.0)], cut=cut)
    assert abs(found["value"] - 0.9957201) < min(found["bound"], 20 * cut**0.5 * 1e-2)
    assert found["bound"] > 0


def test_a_stated_estimate_covers_the_error() -> None:
    for error in (1e-1, 1e-2, 1e-3, 1e-4):
        found = plan(kicked_ising(20, 0.1)).within([(observable(), 1.0)], error)
        assert found["error"] <= error
        assert abs(found["value"] - 0.9957201) <= found["error"] + 3e-7


def test_an_angle_for_which_nothing_converges_is_not_called_known() -> None:
    found = plan(kicked_ising(20, 0.7)).within([(observable(), 1.0)], 1e-3, work=20_000_000)
    assert found["error"] > 0.1


def test_strings_of_more_qubits_than_allowed_are_left_out_and_counted() -> None:
    text = kicked_ising(5, 0.7)
    full, light = (plan(text).value([(observable(), 1.0)], weight=weight) for weight in (None, 4))
    assert light["work"] < full["work"]
    assert 0 < abs(light["value"] - full["value"]) <= light["bound"]


def test_sums_are_linear_and_the_identity_is_one() -> None:
    text = kicked_ising(3, 0.4)
    there, mirror = observable(), observable()[::-1]
    one, other = (plan(text).value([(label, 1.0)])["value"] for label in (there, mirror))
    both = plan(text).value([(there, 0.5), (mirror, -2.0), ("I" * 127, 3.0)])["value"]
    assert both == pytest.approx(0.5 * one - 2 * other + 3, abs=1e-12)


def test_what_does_not_fit_is_refused() -> None:
    known = plan('OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; h q[0];')
    with pytest.raises(ValueError, match="'Z' is not a Pauli string of 2 qubits"):
        known.value([("Z", 1.0)])
    wide = plan(kicked_ising(20, 0.7))
    with pytest.raises(TimeoutError, match="of 19 groups of rotations"):
        wide.value([(observable(), 1.0)], work=1000)
    with pytest.raises(MemoryError, match="100000 bytes are too few for the Pauli strings after"):
        wide.value([(observable(), 1.0)], memory=100_000)
