"""Values from the factors of a final state are those of the whole state."""

from __future__ import annotations

import random

import numpy as np
import pytest
import qmk_native

import qmk
from qmk.circuit.flat import flat_text
from qmk.worker.parts import NARROW, Parts, look_at, split


def clusters(seed: int) -> qmk.Circuit:
    """Random gates on neighbours, many of which are on known qubits or undo each other."""
    rng = random.Random(seed)
    circuit = qmk.Circuit(NARROW)
    for _ in range(25):
        a = rng.randrange(NARROW - 1)
        b = a + 1
        kind = rng.randrange(6)
        if kind == 0:
            circuit.h(a).x(b)
        elif kind == 1:
            circuit.cx(a, b).cp(0.3, b, a)
        elif kind == 2:
            circuit.ry(rng.random(), a).swap(a, b)
        elif kind == 3:
            circuit.cx(a, b).cx(a, b).sdg(a)
        elif kind == 4:
            circuit.ccx(a, b, (b + 3) % NARROW)
        else:
            circuit.x(a).cz(a, b)
    return circuit


def read(circuit: qmk.Circuit) -> qmk_native.Circuit:
    text = flat_text(circuit)
    assert text is not None
    return qmk_native.read_qasm(text)


@pytest.mark.parametrize("seed", range(12))
def test_the_product_is_the_whole(seed: int) -> None:
    circuit = read(clusters(seed))
    rng = random.Random(seed)
    strings = ["".join(rng.choices("IIIXYZ", k=NARROW)) for _ in range(60)] + ["I" * NARROW, "Z" * NARROW]
    whole = qmk_native.DensePlan(circuit, "f64").expectation(strings)
    assert np.allclose(Parts(circuit).expectation(strings), whole, rtol=0, atol=1e-12)


def test_a_fourier_transform_of_zeros_joins_no_qubits() -> None:
    circuit = qmk.Circuit(NARROW)
    for k in range(NARROW):
        circuit.h(k)
        for j in range(k + 1, NARROW):
            circuit.cp(3.0 / 2 ** (j - k), j, k)
    rewritten, _ = qmk_native.rewrite(read(circuit), keep_state=True)
    assert len(split(rewritten)) == NARROW
    found = qmk.expectation(circuit, {"X" * NARROW: 1.0})
    assert found.exact
    assert abs(found.value - 1) < 1e-12


def test_what_ends_in_no_single_state_is_left_alone() -> None:
    circuit = qmk.Circuit(NARROW, NARROW).h(0).measure(0, 0).h(0)
    assert look_at(read(circuit)) is None
    assert look_at(read(qmk.Circuit(2).h(0))) is None
