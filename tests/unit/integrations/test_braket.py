"""QMK in the Amazon Braket SDK: every result type as Braket's own simulators have it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from braket.circuits import Circuit, FreeParameter, Observable
from braket.circuits.noise_model import GateCriteria, NoiseModel
from braket.circuits.noises import PauliChannel
from braket.default_simulator import DensityMatrixSimulator, StateVectorSimulator
from braket.devices import LocalSimulator
from braket.ir.openqasm import Program

from qmk.base.errors import QmkError
from qmk.integrations.braket import Device, Simulator
from qmk.models.devices import target_named

HERMITIAN = Observable.Hermitian(np.array([[1, 0.5j], [-0.5j, 2]]))


def base() -> Circuit:
    return Circuit().h(0).cnot(0, 3).ecr(0, 3).gphase(0.4).rx(5, 0.3).xy(3, 5, 0.7).iswap(0, 5)


def noisy() -> Circuit:
    made = base().bit_flip(0, 0.1).amplitude_damping(3, 0.2).two_qubit_depolarizing(0, 5, 0.1).phase_damping(0, 0.2)
    made.two_qubit_dephasing(0, 3, 0.2).generalized_amplitude_damping(5, 0.1, 0.3).pauli_channel(3, 0.1, 0.05, 0.02)
    return made.kraus([5], [np.sqrt(0.8) * np.eye(2), np.sqrt(0.2) * np.array([[0, 1], [1, 0]])]).depolarizing(0, 0.1)


def values(circuit: Circuit, simulator: Any) -> list[Any]:
    found = LocalSimulator(simulator).run(circuit, shots=0).result().values
    return [np.array(list(each.values()) if isinstance(each, dict) else each) for each in found]


def ask_all(made: Circuit) -> Circuit:
    made.probability().probability([3, 0]).expectation(Observable.X() @ Observable.Y(), [0, 5]).variance(HERMITIAN, 3)
    made.expectation(Observable.H()).density_matrix([5, 0]).variance(Observable.Z() @ HERMITIAN, [5, 0])
    return made.density_matrix().expectation(Observable.I(), 3)


def test_result_types_of_a_pure_state() -> None:
    circuit = ask_all(base()).state_vector().amplitude(["010", "111"])
    for mine, theirs in zip(values(circuit, Simulator()), values(circuit, StateVectorSimulator()), strict=True):
        assert np.allclose(mine, theirs)


def test_result_types_of_a_mixed_state() -> None:
    circuit = ask_all(noisy())
    for mine, theirs in zip(values(circuit, Simulator()), values(circuit, DensityMatrixSimulator()), strict=True):
        assert np.allclose(mine, theirs)


def test_a_named_engine_computes_the_same_of_a_mixed_state() -> None:
    circuit = noisy().probability([3, 0]).expectation(Observable.X() @ HERMITIAN, [0, 5]).density_matrix([5])
    named = Device(engine="native:pauli").run(circuit).result().values
    for mine, theirs in zip(named, values(circuit, Simulator()), strict=True):
        assert np.allclose(mine, theirs)


def test_result_types_with_shots() -> None:
    """Standard errors are below 0.01; each comparison fails once in 1e9 runs."""
    circuit = base().expectation(Observable.X() @ HERMITIAN, [0, 5]).variance(HERMITIAN, 5).sample(Observable.H(), 3)
    circuit.expectation(Observable.H(), 3)
    exact = base().expectation(Observable.X() @ HERMITIAN, [0, 5]).variance(HERMITIAN, 5).expectation(Observable.H(), 3)
    wanted = values(exact, Simulator())
    found = Device(seed=3).run(circuit, shots=40_000).result()
    assert abs(found.values[0] - wanted[0]) < 0.08
    assert abs(found.values[1] - wanted[1]) < 0.08
    assert abs(np.mean(found.values[2]) - wanted[2]) < 0.03
    assert found.values[3] == pytest.approx(np.mean(found.values[2]))
    assert set(found.values[2]) == {1.0, -1.0}


def test_measured_qubits_and_counts_are_in_brakets_order() -> None:
    circuit = Circuit().x(7).i(2).measure([7, 2])
    mine, theirs = (LocalSimulator(one).run(circuit, shots=9).result() for one in (Simulator(), StateVectorSimulator()))
    assert mine.measured_qubits == theirs.measured_qubits == [7, 2]
    assert mine.measurement_counts == theirs.measurement_counts == Counter({"10": 9})


def test_gradients() -> None:
    theta = FreeParameter("t")
    observable = 2 * Observable.Z() @ Observable.X() + Observable.Y() @ Observable.I()
    circuit = Circuit().rx(0, theta).ry(1, 2 * theta).cnot(0, 1).adjoint_gradient(observable, [[0, 1], [0, 1]], ["t"])
    (found,) = Device().run(circuit, inputs={"t": 0.3}).result().values
    up, down = (expectation_at(theta, 0.3 + step) for step in (1e-5, -1e-5))
    assert found["gradient"]["t"] == pytest.approx((up - down) / 2e-5, abs=1e-6)
    assert found["expectation"] == pytest.approx(expectation_at(theta, 0.3))


def expectation_at(theta: FreeParameter, at: float) -> float:
    circuit = Circuit().rx(0, theta).ry(1, 2 * theta).cnot(0, 1)
    circuit.expectation(Observable.Z() @ Observable.X(), [0, 1]).expectation(Observable.Y() @ Observable.I(), [0, 1])
    first, second = Device().run(circuit, inputs={"t": at}).result().values
    return 2 * first + second


def test_an_input_without_a_value_is_asked_for_as_braket_has_it() -> None:
    with pytest.raises(QmkError, match=r"the input 't' .*-> inputs=\{'t': 0.5\}"):
        Device().run(Circuit().rx(0, FreeParameter("t")), shots=5)


def test_batches_and_inputs() -> None:
    theta = FreeParameter("t")
    circuits = [Circuit().rx(0, theta), Circuit().x(0).i(1)]
    found = Device(seed=1).run_batch(circuits, shots=5, inputs=[{"t": np.pi}, {}]).results()
    assert [each.measurement_counts for each in found] == [Counter({"1": 5}), Counter({"10": 5})]


def test_a_noise_model_of_brakets() -> None:
    model = NoiseModel().add_noise(PauliChannel(1.0, 0.0, 0.0), GateCriteria())
    assert Device(noise_model=model).run(Circuit().x(0), shots=4).result().measurement_counts == Counter({"0": 4})


def test_feed_forward_and_many_shots() -> None:
    text = "OPENQASM 3.0;\nqubit[2] q;\nbit[2] b;\nh q[0];\nb[0] = measure q[0];\n"
    text += "if (b[0] == 1) { x q[1]; }\nb[1] = measure q[1];"
    found = Device(seed=2).run(Program(source=text), shots=20_000).result()
    assert found.measurement_counts.keys() == {"00", "11"}
    assert sum(found.measurement_counts.values()) == 20_000


@pytest.mark.parametrize(
    ("circuit", "shots", "error"),
    [
        (Circuit().h(0).sample(Observable.Z(), 0), 0, "sample"),
        (Circuit().h(0), 0, "Result types must be specified|No result types"),
        (Circuit().h(0).state_vector(), 5, "state_vector|statevector|StateVector"),
        (Circuit().h(0).amplitude(["00"]), 0, "amplitude"),
    ],
)
def test_results_that_do_not_fit_the_shots_are_refused(circuit: Circuit, shots: int, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        LocalSimulator(Simulator()).run(circuit, shots=shots)


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        ("#pragma braket result expectation x(q[0])\n#pragma braket result expectation y(q[0])", "Conflicting"),
        (
            "#pragma braket result expectation x(q[0])\n"
            "#pragma braket result expectation hermitian([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 2]]) q",
            "incompatible",
        ),
    ],
)
def test_observables_that_cannot_be_measured_together_are_refused(lines: str, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        Simulator().run(Program(source=f"OPENQASM 3.0;\nqubit[2] q;\nh q;\n{lines}"), shots=10)


def test_a_mixed_state_has_no_vector() -> None:
    with pytest.raises(QmkError, match="no statevector"):
        Simulator().run(Program(source="OPENQASM 3.0;\nqubit q;\nh q;\nreset q;\n#pragma braket result state_vector"))


def test_properties_name_what_is_taken() -> None:
    action = Simulator().properties.action["braket.ir.openqasm.program"]
    assert {"ms", "kraus", "unitary", "two_qubit_dephasing"} <= set(action.supportedOperations)
    assert {each.name for each in action.supportedResultTypes} >= {"StateVector", "DensityMatrix", "AdjointGradient"}
    with pytest.raises(TypeError, match="neither"):
        Simulator().run(3, shots=1)


def test_tasks_on_a_daemon_are_found_again(daemon: Any) -> None:
    circuit = Circuit().x(7).i(2).measure([7, 2])
    device = Device(server=str(daemon.socket))
    task = device.run(circuit, shots=2000)
    assert task.result().measurement_counts == Counter({"10": 2000})
    again = Device(server=str(daemon.socket)).task(task.id, circuit)
    assert again.state() == "COMPLETED"
    assert again.result().measurement_counts == Counter({"10": 2000})
    assert again.result().measured_qubits == [7, 2]
    exact = noisy().expectation(Observable.X() @ HERMITIAN, [0, 5]).density_matrix([5, 0])
    for mine, theirs in zip(device.run(exact).result().values, values(exact, Simulator()), strict=True):
        assert np.allclose(mine, theirs)
    batch = device.run_batch([Circuit().x(0), Circuit().i(0)], shots=3).results()
    assert [each.measurement_counts for each in batch] == [Counter({"1": 3}), Counter({"0": 3})]


def test_a_device_says_what_it_couples_and_errs_as_it_does() -> None:
    device = Device(device="fake_lagos", seed=1)
    target = target_named("fake_lagos")
    paradigm = device.properties.paradigm
    assert paradigm.qubitCount == 7
    assert paradigm.connectivity.connectivityGraph["1"] == ["0", "2", "3"]
    assert set(paradigm.nativeGateSet) == {"cnot", "i", "rz", "v", "x"}
    assert {tuple(sorted(edge)) for edge in device.topology_graph.edges} == set(target.pairs())
    assert Device(device="all:5").properties.paradigm.connectivity.fullyConnected
    assert Device().topology_graph is None
    for site in (0, 3):
        program = Program(source=f"OPENQASM 3.0; bit[1] b; x ${site}; b[0] = measure ${site};")
        counts = device.run(program, shots=20_000).result().measurement_counts
        assert counts["0"] / 20_000 == pytest.approx(target.readings[site].p10, abs=0.015)
