"""Results as objects of other frameworks, beside what each framework's own simulator gives for the same circuit: two
registers of different sizes, and a state that is another one when qubits are read in the other order."""

from __future__ import annotations

from typing import Any

import cirq
import numpy as np
import pennylane as qml
import pytest
from braket.circuits import Circuit as BraketCircuit
from braket.devices import LocalSimulator
from pytket.circuit import Bit
from qiskit import QuantumCircuit, QuantumRegister
from qiskit.circuit import ClassicalRegister
from qiskit.primitives import StatevectorEstimator, StatevectorSampler
from qiskit.quantum_info import DensityMatrix as QiskitDensity
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit.result import Result as QiskitResult
from qiskit_aer import AerSimulator

import qmk
from qmk.base.errors import QmkError
from qmk.client import converting
from qmk.client.document import DensityMatrix
from qmk.client.result import Result

FIXED = qmk.Circuit(3, {"low": 2, "high": 1}).x(0).measure(0, "low[0]").measure(1, "low[1]").measure(2, "high")
"""low[0] is always 1, all else 0."""
PURE = qmk.Circuit(3).ry(0.7, 0).cx(0, 1).rx(0.4, 2).p(0.3, 1)


@pytest.fixture(scope="module")
def fixed() -> Result:
    return qmk.run(FIXED, shots=20, seed=1)


@pytest.fixture(scope="module")
def state() -> Result:
    return qmk.run(PURE, outputs=qmk.outputs(PURE, state=True, counts=False)[1])


def _qiskit() -> QuantumCircuit:
    made = QuantumCircuit(QuantumRegister(3, "q"), ClassicalRegister(2, "low"), ClassicalRegister(1, "high"))
    made.x(0)
    made.measure([0, 1, 2], [0, 1, 2])
    return made


def _qiskit_pure() -> QuantumCircuit:
    made = QuantumCircuit(3)
    made.ry(0.7, 0)
    made.cx(0, 1)
    made.rx(0.4, 2)
    made.p(0.3, 1)
    return made


def test_qiskits_primitive_result_is_that_of_its_sampler(fixed: Result) -> None:
    mine, theirs = fixed.to("qiskit")[0].data, StatevectorSampler().run([_qiskit()], shots=20).result()[0].data
    assert list(mine) == list(theirs) == ["low", "high"]
    for name in mine:
        assert mine[name].get_counts() == theirs[name].get_counts()
        assert mine[name].num_bits == theirs[name].num_bits


def test_qiskits_result_is_that_of_aer(fixed: Result) -> None:
    mine, theirs = fixed.to("qiskit", "result"), AerSimulator().run(_qiskit(), shots=20, memory=True).result()
    assert mine.get_counts() == theirs.get_counts() == {"0 01": 20}
    assert mine.get_memory() == theirs.get_memory()
    assert QiskitResult.from_dict(mine.to_dict()).get_counts() == mine.get_counts()


def test_qiskits_states_and_values_are_its_own(state: Result) -> None:
    theirs = Statevector(_qiskit_pure())
    mine = state.to("qiskit", "statevector")
    assert abs(mine.inner(theirs)) == pytest.approx(1)
    state.densities = [DensityMatrix.of(np.outer(_state(state), _state(state).conj()), [0, 1, 2])]
    assert np.allclose(state.to("qiskit", "density_matrix").data, QiskitDensity(theirs).data)
    asked = ["ZII", "IZY", "XXI"]
    found = qmk.run(PURE, outputs=qmk.outputs(PURE, expect=asked, counts=False)[1])
    observables = [SparsePauliOp(text[::-1]) for text in asked]
    assert np.allclose(
        found.to("qiskit")[0].data.evs, StatevectorEstimator().run([(_qiskit_pure(), observables)]).result()[0].data.evs
    )


def _state(result: Result) -> Any:
    assert result.values is not None
    return np.frombuffer(result.values.points[0].state, "<c16")


def test_cirqs_result_is_that_of_its_simulator(fixed: Result, state: Result) -> None:
    a, b, c = cirq.LineQubit.range(3)
    circuit = cirq.Circuit(cirq.X(a), cirq.measure(a, b, key="low"), cirq.measure(c, key="high"))
    assert fixed.to("cirq") == cirq.Simulator().run(circuit, repetitions=20)
    pure = cirq.Circuit(cirq.ry(0.7)(a), cirq.CNOT(a, b), cirq.rx(0.4)(c), cirq.ZPowGate(exponent=0.3 / np.pi)(b))
    theirs = cirq.Simulator(dtype=np.complex128).simulate(pure).final_state_vector
    assert abs(np.vdot(theirs, state.to("cirq", "state_vector"))) == pytest.approx(1)
    found = qmk.run(PURE, outputs=qmk.outputs(PURE, expect=["ZII", "IZY"], counts=False)[1])
    sums = [cirq.PauliString({a: cirq.Z}), cirq.PauliString({b: cirq.Z, c: cirq.Y})]
    theirs_too = cirq.Simulator().simulate_expectation_values(pure, sums)
    assert np.allclose(found.to("cirq", "expectation_values"), [theirs_too], atol=1e-5)


def test_pennylanes_arrays_are_those_of_its_device(fixed: Result, state: Result) -> None:
    device = qml.device("default.qubit", wires=3)

    @qml.set_shots(20)
    @qml.qnode(device)
    def shots() -> Any:
        qml.PauliX(0)
        return qml.sample(), qml.counts(), qml.probs(wires=[0, 1, 2])

    samples, counts, chances = shots()
    assert (fixed.to("pennylane") == samples).all()
    assert fixed.to("pennylane", "counts") == counts
    assert np.allclose(fixed.to("pennylane", "probs"), chances)

    @qml.qnode(device)
    def pure() -> Any:
        qml.RY(0.7, 0)
        qml.CNOT([0, 1])
        qml.RX(0.4, 2)
        qml.PhaseShift(0.3, 1)
        return qml.state(), qml.expval(qml.Z(0)), qml.expval(qml.Z(1) @ qml.Y(2))

    theirs, *values = pure()
    assert abs(np.vdot(theirs, state.to("pennylane", "state"))) == pytest.approx(1)
    found = qmk.run(PURE, outputs=qmk.outputs(PURE, expect=["ZII", "IZY"], counts=False)[1])
    assert np.allclose(found.to("pennylane", "expval"), values)


def test_brakets_result_is_that_of_its_simulator(fixed: Result, state: Result) -> None:
    theirs = LocalSimulator().run(BraketCircuit().x(0).i(1).i(2), shots=20).result()
    mine = fixed.to("braket")
    assert mine.measurement_counts == theirs.measurement_counts == {"100": 20}
    assert mine.measured_qubits == theirs.measured_qubits
    assert mine.measurement_probabilities == theirs.measurement_probabilities
    assert (mine.measurements == theirs.measurements).all()
    pure = BraketCircuit().ry(0, 0.7).cnot(0, 1).rx(2, 0.4).phaseshift(1, 0.3).state_vector()
    vector = LocalSimulator().run(pure, shots=0).result().values[0]
    assert abs(np.vdot(vector, np.array(state.to("braket").values[0]))) == pytest.approx(1)


def test_pytkets_result_has_the_bits_of_its_registers(fixed: Result, state: Result) -> None:
    found = fixed.to("pytket")
    assert found.c_bits == {Bit("low", 0): 0, Bit("low", 1): 1, Bit("high", 0): 2}
    assert found.get_counts([Bit("high", 0), Bit("low", 0)]) == {(0, 1): 20}
    assert found.get_counts() == {(0, 1, 0): 20}, "pytket sorts bits by name: high comes first"
    assert np.allclose(state.to("pytket").get_state(), _state(state))


@pytest.mark.parametrize("framework", ["qiskit", "cirq", "pennylane", "braket", "pytket"])
def test_without_events_the_outcomes_are_those_counted(framework: str) -> None:
    program = qmk.Circuit(2, {"c": 2}).h(0).x(1).measure_all("c")
    kept, counted = (qmk.run(program, shots=50, seed=4, keep_events=kept) for kept in (True, False))
    one, two = (_counts(result.to(framework), framework) for result in (kept, counted))
    assert one == two
    assert sum(one.values()) == 50


def _counts(found: Any, framework: str) -> dict[Any, int]:
    match framework:
        case "qiskit":
            return found[0].data.c.get_counts()
        case "cirq":
            return dict(found.histogram(key="c"))
        case "pennylane":
            return {tuple(row): int(found.tolist().count(row)) for row in found.tolist()}
        case "braket":
            return dict(found.measurement_counts)
        case _:
            return dict(found.get_counts())


def test_what_has_no_place_is_refused(fixed: Result, state: Result) -> None:
    both = qmk.run(PURE, outputs=qmk.outputs(PURE, state=True)[1])
    values = qmk.run(PURE, outputs=qmk.outputs(PURE, expect="ZII", counts=False)[1])
    cases: tuple[tuple[Any, Any, str, str], ...] = (
        (state, "qiskit", "", "there are no expectation values"),
        (state, "cirq", "", "there are no counts"),
        (fixed, "cirq", "state_vector", "there are 0 states, not one"),
        (fixed, "cirq", "stat_vector", "has no form 'stat_vector'"),
        (fixed, "qiskitt", "", "no result of 'qiskitt' is made"),
        (both, "braket", "", "no shots where it has a state"),
        (values, "braket", "", "expectation values, whose observables"),
        (values, "pytket", "", "neither counts nor a state"),
        (fixed, 3, "", "no result of 3 is made"),
    )
    result: Any
    framework: Any
    for result, framework, form, what in cases:
        with pytest.raises(QmkError, match=what):
            result.to(framework, form)


def test_a_framework_that_is_not_installed_is_named(fixed: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "qmk.adapters.results.cirq", None)
    with pytest.raises(QmkError, match="needs") as caught:
        fixed.to("cirq")
    assert "quantum-microkernel[cirq]" in caught.value.fields["help"]


def test_a_program_without_bits_has_a_result_of_none() -> None:
    blank = qmk.run(PURE, shots=5)
    assert list(blank.to("qiskit")[0].data) == []
    assert blank.to("pennylane").shape == (5, 0)


def test_every_module_of_results_has_forms() -> None:
    assert converting.frameworks() == ["braket", "cirq", "pennylane", "pytket", "qiskit"]
