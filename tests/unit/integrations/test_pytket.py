"""QMK as pytket's backend, beyond what pytket-qulacs' tests ask (``tests/conformance/pytket``)."""

from __future__ import annotations

import numpy as np
import pytest
from pytket import Circuit, Qubit
from pytket.architecture import FullyConnected
from pytket.backends.backend_exceptions import CircuitNotRunError, CircuitNotValidError
from pytket.backends.resulthandle import ResultHandle
from pytket.backends.status import StatusEnum
from pytket.circuit import Bit, CircBox, Node, OpType
from pytket.pauli import Pauli, QubitPauliString
from pytket.utils.operators import QubitPauliOperator
from sympy import Symbol

from qmk.base.errors import QmkError
from qmk.integrations.pytket import QMKBackend
from qmk.models.devices import target_named

BELL = Circuit(2, 2).H(0).CX(0, 1).measure_all()


def test_counts_and_shots_are_in_pytkets_order() -> None:
    backend = QMKBackend()
    circuit = Circuit(3, 3).X(0).measure_all()
    result = backend.run_circuit(circuit, 5)
    assert result.get_counts() == {(1, 0, 0): 5}
    assert result.get_shots().tolist() == [[1, 0, 0]] * 5
    assert result.get_counts([Bit(2), Bit(0)]) == {(0, 1): 5}


def test_a_batch_keeps_its_order_numbers_of_shots_and_seed() -> None:
    backend = QMKBackend()
    circuits = [BELL, Circuit(1, 1).X(0).measure_all(), BELL]
    handles = backend.process_circuits(circuits, [10, 20, 10], seed=3)
    again = backend.process_circuits(circuits, [10, 20, 10], seed=3)
    for handle, other, shots in zip(handles, again, (10, 20, 10), strict=True):
        found = backend.get_result(handle).get_shots()
        assert len(found) == shots
        assert np.array_equal(found, backend.get_result(other).get_shots())
        assert backend.circuit_status(handle).status == StatusEnum.COMPLETED


@pytest.mark.parametrize("seed", range(6))
def test_states_have_their_global_phase(seed: int) -> None:
    rng = np.random.default_rng(seed)
    circuit = Circuit(3).add_phase(rng.uniform())
    for _ in range(15):
        a, b, c = (int(q) for q in rng.permutation(3))
        x, y, z = rng.uniform(-2, 2, 3)
        circuit.TK1(x, y, z, a).ECR(a, b).ISWAP(x, b, c).ESWAP(y, a, c).CU3(x, y, z, a, b).Phase(z).PhasedISWAP(
            x, y, a, b
        )
    state = QMKBackend().run_circuit(circuit).get_state()
    assert np.allclose(state, circuit.get_statevector())


def test_conditions_resets_and_boxes_run_as_they_are() -> None:
    backend = QMKBackend()
    circuit = Circuit(2, 2).X(0).Measure(0, 0).Reset(0).X(1, condition_bits=[0], condition_value=1).Measure(1, 1)
    circuit.add_circbox(CircBox(Circuit(1).X(0)), [0])
    assert backend.valid_circuit(circuit)
    assert backend.run_circuit(circuit, 10).get_counts() == {(1, 1): 10}
    with pytest.raises(QmkError, match="state"):
        backend.run_circuit(circuit)


def test_expectation_values_exact_and_sampled() -> None:
    backend = QMKBackend()
    circuit = Circuit(2).Ry(0.3, 0).CX(0, 1)
    zz = QubitPauliString([Qubit(0), Qubit(1)], [Pauli.Z, Pauli.Z])
    x = QubitPauliString(Qubit(1), Pauli.X)
    assert backend.get_pauli_expectation_value(circuit, zz) == pytest.approx(1)
    operator = QubitPauliOperator({zz: 0.5, x: 2.0, QubitPauliString(): 1j})
    assert backend.get_operator_expectation_value(circuit, operator) == pytest.approx(
        operator.state_expectation(circuit.get_statevector())
    )
    assert backend.get_pauli_expectation_value(circuit, zz, n_shots=100, seed=1) == pytest.approx(1)
    with pytest.raises(QmkError, match="the operator acts on"):
        backend.get_pauli_expectation_value(circuit, QubitPauliString(Qubit(7), Pauli.X))


def test_what_cannot_run_is_told_before() -> None:
    backend = QMKBackend()
    with pytest.raises(CircuitNotValidError, match="NoSymbols"):
        backend.process_circuits([Circuit(1, 1).Rx(Symbol("a"), 0).measure_all()], 10)
    with pytest.raises(CircuitNotRunError):
        backend.get_result(ResultHandle("none", "shots", "[]"))
    with pytest.raises(QmkError, match="optimisation_level"):
        backend.default_compilation_pass(7)
    compiled = backend.get_compiled_circuit(Circuit(3).CCX(0, 1, 2).TK1(0.1, 0.2, 0.3, 0), optimisation_level=2)
    assert backend.valid_circuit(compiled)
    assert QMKBackend.available_devices()[0].supports_midcircuit_measurement


@pytest.mark.parametrize(
    ("name", "level"), [("fake_manila", 0), ("fake_torino", 2), ("heavy-hex:127", 0), ("grid:3x3", 2), ("zoned", 1)]
)
def test_a_circuit_is_compiled_to_a_device_and_runs_there(name: str, level: int) -> None:
    backend = QMKBackend(device=name)
    circuit = Circuit(4).H(0).CX(0, 1).CX(0, 2).CX(0, 3).T(2).measure_all()
    with pytest.raises(CircuitNotValidError):
        backend.process_circuit(circuit, 10)
    written = backend.get_compiled_circuit(circuit, level)
    assert backend.valid_circuit(written)
    counts = backend.run_circuit(written, 2000, seed=1).get_counts()
    right = counts[(0, 0, 0, 0)] + counts[(1, 1, 1, 1)]
    assert 1400 < right < 2000 if target_named_has_errors(name) else right == 2000


def target_named_has_errors(name: str) -> bool:
    return name == "zoned" or bool(target_named(name).facts)


def test_a_device_has_its_architecture_errors_and_values() -> None:
    backend, target = QMKBackend(device="fake_lagos"), target_named("fake_lagos")
    info = backend.backend_info
    assert (info.device_name, info.n_nodes) == ("fake_lagos", 7)
    assert {tuple(sorted(node.index[0] for node in edge)) for edge in info.architecture.coupling} == set(target.pairs())
    assert info.gate_set >= {OpType.CX, OpType.Rz, OpType.SX, OpType.X}
    assert info.averaged_readout_errors[Node(3)] == target.readings[3].readout_error
    first = next(fact for fact in target.facts if len(fact.sites) == 2)
    assert info.averaged_edge_gate_errors[Node(first.sites[0]), Node(first.sites[1])] == first.error
    moved = Circuit()
    for node in (Node(5), Node(6)):
        moved.add_qubit(node)
    moved.X(Node(6))
    value = backend.get_pauli_expectation_value(moved, QubitPauliString([Node(6)], [Pauli.Z]))
    assert -1 < value.real < -0.99
    assert isinstance(QMKBackend(device="zoned").backend_info.architecture, FullyConnected)
    assert "fake_lagos" in {each.device_name for each in QMKBackend.available_devices()}
