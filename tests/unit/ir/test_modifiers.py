"""core.mod: powers on the principal branch, controls first, control values, and what is too large to write out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.linalg import fractional_matrix_power

from qmk.ir.clifford import quarter_turns
from qmk.ir.modifiers import clifford_steps, mod_parts
from qmk.qvm import powers
from qmk.qvm.families import OPS
from qmk.qvm.families.core import FIXED_SIZE

Z = np.diag([1, -1])


def args_of(gate: str, angle: float) -> dict[str, float]:
    return {param.name: angle * (k + 1) for k, param in enumerate(FIXED_SIZE[gate].params)}


def array(matrix: Any) -> np.ndarray[Any, Any]:
    return np.array(matrix, dtype=complex)


@pytest.mark.parametrize("gate", FIXED_SIZE)
@pytest.mark.parametrize("power", [0.5, -0.5, 1 / 3, 2.7])
def test_fractional_power_is_the_principal_one(gate: str, power: float):
    """Against scipy, at angles whose eigenvalues are off the branch cut."""
    base = array(OPS["core.mod"].matrix({"gate": gate, "params": args_of(gate, 0.7)}))
    powered = array(OPS["core.mod"].matrix({"gate": gate, "params": args_of(gate, 0.7), "power": power}))
    if np.any(np.abs(np.linalg.eigvals(base) + 1) < 1e-6):
        # On the cut scipy's branch is up to rounding; there the square root must square back, with eigenphase pi/2.
        root = array(OPS["core.mod"].matrix({"gate": gate, "params": args_of(gate, 0.7), "power": 0.5}))
        assert np.allclose(root @ root, base, atol=1e-9)
        assert np.all(np.angle(np.linalg.eigvals(root)) > -math.pi / 2 + 1e-6)
    else:
        assert np.allclose(powered, fractional_matrix_power(base, power), atol=1e-7)


@pytest.mark.parametrize("gate", FIXED_SIZE)
@pytest.mark.parametrize("power", [0, 1, 2, 3, -1, -2, 17])
def test_integer_power_is_repetition(gate: str, power: int):
    base = array(OPS["core.mod"].matrix({"gate": gate, "params": args_of(gate, 0.9)}))
    powered = array(OPS["core.mod"].matrix({"gate": gate, "params": args_of(gate, 0.9), "power": float(power)}))
    assert np.allclose(powered, np.linalg.matrix_power(base, power), atol=1e-9)


def test_eigenvalue_minus_one_has_phase_plus_pi():
    """sqrt(Z) = S and sqrt(X) = SX, not their inverses; RZ(2 pi) = -1 has root i."""
    assert np.allclose(OPS["core.mod"].matrix({"gate": "z", "power": 0.5}), np.diag([1, 1j]))
    assert np.allclose(OPS["core.mod"].matrix({"gate": "x", "power": 0.5}), OPS["core.sx"].matrix({}))  # type: ignore[misc]
    turned = {"gate": "rz", "power": 0.5, "params": {"theta": 2 * math.pi}}
    assert np.allclose(OPS["core.mod"].matrix(turned), 1j * np.eye(2))


def test_controls_come_first_and_read_their_state():
    # control 0 reads 0, control 1 reads 1: X acts in the block |01>.
    matrix = array(OPS["core.mod"].matrix({"gate": "x", "controls": 2, "state": "01"}))
    expected = np.eye(8)
    expected[2:4, 2:4] = [[0, 1], [1, 0]]
    assert np.allclose(matrix, expected)
    toffoli = OPS["core.toffoli"].matrix
    assert toffoli is not None
    assert np.allclose(OPS["core.mod"].matrix({"gate": "x", "controls": 2}), toffoli({}))


def test_a_controlled_global_phase_is_a_phase_gate():
    matrix = OPS["core.mod"].matrix({"gate": "gphase", "controls": 1, "params": {"gamma": 0.3}})
    assert np.allclose(matrix, np.diag([1, np.exp(0.3j)]))


def test_parts_have_any_number_of_controls_but_a_matrix_has_not():
    parts = mod_parts({"gate": "x", "controls": 500, "power": 0.5})
    assert (len(parts.base), parts.controls, parts.state) == (2, 500, "1" * 500)
    with pytest.raises(powers.PowerError, match="501 qubits"):
        OPS["core.mod"].matrix({"gate": "x", "controls": 500})


@pytest.mark.parametrize("size", [3, 4, 8])
def test_a_fractional_power_of_a_larger_block_is_on_the_principal_branch(size: int):
    """Also where eigenvalues repeat, and where the sum of two phases makes their Hermitian parts meet."""
    rng = np.random.default_rng(size)
    basis = np.linalg.qr(rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size)))[0]
    for phases in ([0.3, 0.3, math.pi], [0.0, math.pi, math.pi / 2], [2 * 0.618 - 0.4, 0.4, -2.0], [0.1, -0.1, 1.0]):
        full = np.resize(phases, size)
        matrix = basis @ np.diag(np.exp(1j * full)) @ basis.conj().T
        for exponent in (0.5, -1 / 3, 2.5):
            wanted = basis @ np.diag(np.exp(1j * exponent * full)) @ basis.conj().T
            assert np.allclose(powers.power(tuple(map(tuple, matrix.tolist())), exponent), wanted, atol=1e-10)


def test_a_power_that_is_not_finite_is_refused():
    with pytest.raises(powers.PowerError, match="finite"):
        powers.power(((1,),), math.inf)


def test_large_clifford_modifiers_reduce_without_matrices():
    steps = clifford_steps("core.mod", {"gate": "x", "controls": 300, "power": 2.0})
    assert steps == ()
    assert clifford_steps("core.mod", {"gate": "x", "controls": 300}) is None


def test_control_of_a_phase_differs_from_the_phase():
    """CRX(pi) is a CNOT with S dagger on the control: Clifford, but not a CNOT."""
    steps = clifford_steps("core.crx", {"theta": math.pi})
    assert steps is not None
    assert clifford_steps("core.mod", {"gate": "rx", "controls": 1, "params": {"theta": math.pi}}) is not None
    assert clifford_steps("core.crx", {"theta": math.pi / 2}) is None
    assert clifford_steps("core.mod", {"gate": "gphase", "controls": 1, "params": {"gamma": math.pi / 4}}) is None


def test_steps_of_what_is_no_unitary():
    with pytest.raises(KeyError):
        clifford_steps("core.mz", {})


def test_quarter_turns_have_a_tolerance_and_a_period():
    assert quarter_turns(math.pi / 2 + 5e-10) == 1
    assert quarter_turns(math.pi / 2 + 5e-9) is None
    assert quarter_turns(-math.pi / 2) == 7
    assert quarter_turns(1e6 * math.pi / 2) == 0
