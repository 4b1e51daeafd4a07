"""The native rewrites against exact distributions: random circuits with everything, and families with known widths."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import qmk_native

from tests.unit.native.rewrite_cases import NUMBER, Case, distance, distribution, final_state, random_case

ERROR = 1e-9

OFF: dict[str, Any] = dict.fromkeys(("constants", "peephole", "relabel", "dead", "schedule", "reuse"), False)
WAYS: dict[str, dict[str, Any]] = {
    "all": {},
    "all, narrow": {"narrow": True},
    "all, every cbit": {"keep_cbits": True},
    "fusion": OFF,
    "constants": {**OFF, "constants": True},
    "peephole": {**OFF, "peephole": True},
    "relabel": {**OFF, "relabel": True},
    "dead": {**OFF, "dead": True},
    "schedule": {**OFF, "schedule": True, "narrow": True},
    "schedule without hoisting": {**OFF, "schedule": True, "narrow": True, "hoist": False},
    "schedule and conditions": {**OFF, "schedule": True, "narrow": True, "constants": True},
    "reuse": {**OFF, "reuse": True},
}


@pytest.mark.parametrize("way", WAYS)
def test_a_rewrite_keeps_the_distribution(way):
    for seed in range(70):
        case = random_case(seed + 1000 * list(WAYS).index(way))
        circuit = case.circuit()
        made, _ = qmk_native.rewrite(circuit, **WAYS[way])
        assert distance(distribution(circuit), distribution(made)) < ERROR, f"seed {seed}"


def test_without_measurements_the_state_is_kept():
    dice = np.random.default_rng(5)
    for seed in range(250):
        circuit = random_case(seed, classical=False, noise=False, measured=False).circuit()
        shape = (2,) * circuit.n_qubits
        start = dice.normal(size=shape) + 1j * dice.normal(size=shape)
        zeros = np.zeros(shape, dtype=complex)
        zeros[(0,) * circuit.n_qubits] = 1
        for constants, begin in ((False, start / np.linalg.norm(start)), (True, zeros)):
            made, _ = qmk_native.rewrite(circuit, keep_state=True, constants=constants)
            before, after = final_state(circuit, begin), final_state(made, begin)
            assert abs(abs(np.vdot(before, after)) - 1) < ERROR, f"seed {seed}"


def kinds(circuit: Any) -> dict[str, int]:
    return qmk_native.features(circuit)["by_kind"]


def measured(case: Case) -> Any:
    for qubit in range(case.n_qubits):
        case.measure(qubit)
    return case.circuit()


def qft(case: Case, *, decomposed: bool) -> None:
    n = case.n_qubits
    for a in reversed(range(n)):
        case.gate("h", a)
        for b in reversed(range(a)):
            angle = math.pi / 2 ** (a - b)
            if decomposed:
                case.gate("rz", a, params=(angle / 2,))
                case.gate("cnot", a, b)
                case.gate("rz", b, params=(-angle / 2,))
                case.gate("cnot", a, b)
                case.gate("rz", b, params=(angle / 2,))
            else:
                case.gate("cp", a, b, params=(angle,))


@pytest.mark.parametrize("decomposed", [False, True])
def test_a_fourier_transform_needs_one_qubit_at_a_time(decomposed):
    case = Case(14)
    for qubit in range(14):
        case.gate("ry", qubit, params=(0.1 + 0.2 * qubit,))
    qft(case, decomposed=decomposed)
    circuit = measured(case)
    made, report = qmk_native.rewrite(circuit, explain=True)
    assert report["width_before"] == 14
    assert report["width_after"] == made.n_qubits == 1
    assert report["controls_made_classical"] == 14 * 13 // 2
    assert "cnot" not in kinds(made)


def test_controlled_phases_are_put_together_again():
    case = Case(5)
    for qubit in range(5):
        case.gate("ry", qubit, params=(0.3 + qubit / 2,))
    qft(case, decomposed=True)
    made, report = qmk_native.rewrite(measured(case), schedule=False)
    assert kinds(made) == {"ry": 5, "h": 4, "cp": 10, "measure": 5}  # the first h joins an ry
    assert report["resynthesized"] == report["phases"] == 10


def test_basis_states_are_computed_and_their_gates_vanish():
    case = Case(6)
    case.gate("x", 0)
    case.gate("x", 1)
    case.gate("toffoli", 0, 1, 2)
    case.gate("cnot", 2, 3)
    case.gate("cswap", 3, 4, 2)
    case.gate("h", 5)
    case.gate("cnot", 0, 5)
    case.gate("h", 5)
    circuit = measured(case)
    made, _ = qmk_native.rewrite(circuit)
    assert made.n_qubits == 0
    assert set(kinds(made)) == {"logic"}
    assert distribution(made) == pytest.approx({"110110": 1.0})


def test_swaps_become_another_numbering():
    case = Case(3)
    for qubit in range(3):
        case.gate("ry", qubit, params=(0.4 + qubit,))
    case.gate("swap", 0, 1)
    case.gate("cnot", 1, 2)
    case.gate("cnot", 2, 1)
    case.gate("cnot", 1, 2)
    circuit = measured(case)
    made, report = qmk_native.rewrite(circuit)
    assert set(kinds(made)) == {"ry", "measure"}
    assert report["relabelled"] >= 2
    assert distance(distribution(circuit), distribution(made)) < ERROR


def test_a_measured_control_becomes_a_condition():
    case = Case(2)
    case.gate("ry", 0, params=(0.7,))
    case.gate("ry", 1, params=(0.7,))
    case.measure(0)
    case.gate("crx", 0, 1, params=(0.5,))
    case.measure(1)
    made, report = qmk_native.rewrite(case.circuit())
    assert report["controls_made_classical"] == 1
    assert kinds(made) == {"ry": 2, "rx": 1, "measure": 2}


def ladder(n: int, layers: int) -> Any:
    """Layers of rotations and a staircase of CNOTs: each qubit's cone is short."""
    case = Case(n)
    for layer in range(layers):
        for qubit in range(n):
            case.gate("ry", qubit, params=(0.2 + qubit + layer,))
            case.gate("rz", qubit, params=(0.1 + 2 * qubit + layer,))
        for qubit in reversed(range(n - 1)):
            case.gate("cnot", qubit, qubit + 1)
    return measured(case)


def test_a_staircase_is_swept():
    _, report = qmk_native.rewrite(ladder(40, 3), explain=True)
    assert report["width_before"] == 40
    assert report["width_after"] <= 5
    assert report["cost_after"] < report["cost_before"]
    _, plain = qmk_native.rewrite(ladder(40, 3), schedule=False)
    assert plain["order"] == "input"
    small, narrow = qmk_native.rewrite(ladder(5, 1), narrow=True, explain=True)
    assert narrow["width_after"] <= 2
    assert distance(distribution(small), distribution(ladder(5, 1))) < ERROR


def test_a_swap_test_holds_three_qubits():
    case = Case(41)
    case.gate("h", 0)
    for qubit in range(1, 41):
        case.gate("u", qubit, params=(0.3 + qubit, 0.2 * qubit, 0.0))
    for pair in range(1, 41, 2):
        case.gate("cswap", 0, pair, pair + 1)
    case.gate("h", 0)
    case.measure(0)
    made, _ = qmk_native.rewrite(case.circuit())
    assert made.n_qubits == 3


def test_an_order_is_never_priced_above_the_input():
    for seed in range(200):
        _, report = qmk_native.rewrite(random_case(seed).circuit())
        assert report["cost_after"] <= report["cost_before"]


def test_conditions_that_nobody_could_write_out_are_no_circuit():
    case = Case(1)
    early = case.cond("bit", 0)
    for _ in range(16):
        early = case.cond("xor", early, early)
    case.gate("x", 0, cond=early)
    case.measure(0)
    with pytest.raises(ValueError, match="written out has more than 65536 parts"):
        case.circuit()


def test_features_of_a_small_circuit():
    case = Case(4)
    case.gate("h", 0)
    case.gate("cnot", 0, 1)
    case.gate("rz", 1, params=(math.pi / 2,))
    case.gate("t", 1)
    case.gate("toffoli", 0, 1, 2)
    bit = case.measure(2)
    case.gate("x", 3, cond=case.cond("bit", bit))
    case.ops.append((NUMBER["noise"], [3], [0.1, 0.0, 0.0], -1, -1, -1))
    case.ops.append((NUMBER["reset"], [3], [], -1, -1, -1))
    found = qmk_native.features(case.circuit())
    expected = {
        "qubits": 4,
        "two_qubit": 1,
        "three_qubit": 1,
        "clifford_prefix": 3,
        "non_clifford": 2,
        "t_gates": 1,
        "rotations": 1,
        "resets": 1,
        "noise": 1,
        "feed_forward": "pauli",
        "mid_circuit": True,
        "measured": 0.25,
        "treewidth": 2,
        "parts": 1,
        "light_cone": 3,
        "joined": 3,
        "classical": False,
        "depth": 6,
    }
    assert {name: found[name] for name in expected} == expected
    assert qmk_native.features(qmk_native.rewrite(case.circuit())[0])["noise"] == 0


def test_the_light_cone_and_what_gates_have_joined():
    """Six qubits in a line of gates; the first is measured early and used again, the last two are never read."""
    case = Case(6)
    for a in range(5):
        case.gate("cz", a, a + 1)
    case.measure(0)
    case.gate("cnot", 0, 1)
    case.measure(2)
    found = qmk_native.features(case.circuit())
    assert found["joined"] == 6
    assert found["light_cone"] == 4, "qubits 0 to 3: later gates of the line cannot be seen"

    case = Case(6)
    for _ in range(3):
        case.gate("h", 0)
        case.gate("cnot", 0, 1)
        case.measure(0)
        case.measure(1)
        case.gate("cnot", 2, 3)
        case.gate("cnot", 1, 2)
    found = qmk_native.features(case.circuit())
    assert found["joined"] == 4, "a measurement takes 0 and 1 out of the set again"


def test_a_classical_circuit_is_called_so():
    case = Case(3)
    case.gate("x", 0)
    case.gate("cnot", 0, 1)
    case.gate("toffoli", 0, 1, 2)
    case.gate("t", 2)
    found = qmk_native.features(measured(case))
    assert found["classical"]
    assert found["feed_forward"] == "none"
    assert not found["mid_circuit"]


def test_what_a_rewrite_cannot_speed_up_is_not_promising():
    assert qmk_native.promising(ladder(20, 2))
    assert not qmk_native.promising(ladder(8, 4))  # a small state
    case = Case(30)
    for qubit in range(29):
        case.gate("h", qubit)
        case.gate("cnot", qubit, qubit + 1)
        case.gate("t", qubit)
    assert not qmk_native.promising(measured(case))  # few non-Clifford gates
    case = Case(1)
    for turn in range(6):
        case.gate("ry", 0, params=(0.3 + turn,))
        case.measure(0)
    assert qmk_native.promising(case.circuit())  # measured on the way
