"""PennyLane's device ``qmk`` beside default.qubit, lightning.qubit and default.mixed.

Tests of shots fail by chance with probability below 1e-6: they allow six standard deviations.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pennylane
import pytest

import qmk
from qmk.gateway.app import make_app
from qmk.integrations.pennylane import QmkDevice
from tests.serving import serving

qml: Any = pennylane
pnp: Any = qml.numpy


def ansatz(x: Any, wires: Any = (0, 1, 2)) -> None:
    a, b, c = wires
    qml.RX(x[0], a)
    qml.Rot(x[1], x[2], x[3], wires=b)
    qml.CNOT([a, b])
    qml.IsingXY(x[4], wires=[b, c])
    qml.ctrl(qml.RY, a)(x[5], wires=c)
    qml.PauliRot(x[6], "XY", wires=[a, c])
    qml.adjoint(qml.PhaseShift)(x[7], wires=c)


POINT = np.linspace(0.2, 1.3, 8)
HAMILTONIAN = qml.Hamiltonian([0.5, -0.7, 0.2], [qml.Z(0) @ qml.X(1), qml.Y(2), qml.Z(1) @ qml.Z(2)])


def both(function: Any, *args: Any, reference: str = "default.qubit", **options: Any) -> None:
    """The results on our device and on PennyLane's are the same."""
    ours = qml.QNode(function, QmkDevice(wires=3, **options))(*args)
    theirs = qml.QNode(function, qml.device(reference, wires=3))(*args)
    for mine, wanted in zip(ours, theirs, strict=True):
        assert np.allclose(mine, wanted, atol=1e-9)
        assert np.shape(mine) == np.shape(wanted)


def test_every_exact_measurement_is_that_of_default_qubit() -> None:
    def circuit(x: Any) -> Any:
        ansatz(x)
        return (
            qml.expval(HAMILTONIAN), qml.var(qml.X(0) @ qml.Y(2)), qml.probs(), qml.probs([2, 0]), qml.state(),
            qml.density_matrix([1]), qml.purity([0, 2]), qml.vn_entropy([1]), qml.mutual_info([0], [2]),
            qml.expval(qml.Hermitian([[1, 2], [2, 0]], 1)), qml.expval(qml.Projector([1, 0], [0, 2])),
            qml.probs(op=qml.X(1)), qml.var(qml.Hermitian([[1, 2j], [-2j, 0]], 0)), qml.expval(qml.Z(0) + qml.H(1)),
        )  # fmt: skip

    both(circuit, POINT)
    both(circuit, POINT, engine="native")


def test_states_have_their_phase() -> None:
    def circuit() -> Any:
        qml.H(0)
        qml.ECR([0, 1])
        qml.SISWAP([1, 2])
        qml.GlobalPhase(0.4)
        qml.ctrl(qml.Rot(0.1, 0.2, 0.3, wires=0), [1, 2], control_values=[0, 0])
        qml.DoubleExcitationPlus(0.3, wires=[0, 1, 2, "more"])
        qml.StatePrep(np.array([0.6, 0.8j]), wires="last")
        return qml.state()

    ours, theirs = (qml.QNode(circuit, device)() for device in (QmkDevice(), qml.device("default.qubit")))
    assert np.allclose(ours, theirs)


def test_noise_in_the_program_and_of_the_device_is_exact() -> None:
    def circuit(x: Any) -> Any:
        ansatz(x)
        qml.AmplitudeDamping(0.2, 0)
        qml.DepolarizingChannel(0.1, 1)
        return (
            qml.expval(HAMILTONIAN), qml.var(qml.X(0) @ qml.Y(2)), qml.probs([2, 0]), qml.density_matrix([1, 0]),
            qml.purity([1]), qml.vn_entropy([1]),
        )  # fmt: skip

    both(circuit, POINT, reference="default.mixed")
    both(circuit, POINT, reference="default.mixed", engine="pennylane")

    @qml.qnode(QmkDevice(wires=1, noise="depolarizing=0.1"))
    def noisy(x: Any) -> Any:
        qml.RX(x, 0)
        return qml.expval(qml.Z(0))

    program = qmk.Circuit(1).rx(0.3, 0)
    assert abs(noisy(0.3) - qmk.expectation(program, "Z", noise="depolarizing=0.1").value) < 1e-9
    slope = qml.grad(noisy)(pnp.array(0.3, requires_grad=True))
    assert abs(slope + math.sin(0.3) * noisy(0.0)) < 1e-9  # the parameter-shift rule


@pytest.mark.parametrize("method", ["best", "adjoint", "parameter-shift", "finite-diff"])
def test_gradients_are_those_of_default_qubit(method: str) -> None:
    def circuit(x: Any) -> Any:
        ansatz(x)
        return qml.expval(HAMILTONIAN)

    point = pnp.array(POINT, requires_grad=True)
    wanted = qml.grad(qml.QNode(circuit, qml.device("default.qubit", wires=3), diff_method="backprop"))(point)
    node = qml.QNode(circuit, QmkDevice(wires=3), diff_method=method)
    for _ in range(2):  # the second time from what is kept
        assert np.allclose(qml.grad(node)(point), wanted, atol=1e-6)
    assert np.allclose(qml.grad(node)(0.5 * point), qml.grad(node)(0.5 * point))
    slopes = qml.jacobian(lambda x: pnp.stack(qml.QNode(pair, QmkDevice(wires=3), diff_method=method)(x)))(point)
    assert np.allclose(slopes, [qml.jacobian(lambda x, k=k: reference_pair(x)[k])(point) for k in (0, 1)], atol=1e-6)


def test_operators_that_are_taken_apart_are_differentiated_too() -> None:
    def circuit(x: Any) -> Any:
        qml.BasisState(np.array([1, 0, 1]), wires=range(3))
        qml.SingleExcitation(x[0], wires=[0, 1])
        qml.QubitUnitary(np.diag([1, 1j]), wires=1)
        qml.CRot(x[1], x[2], 0.3, wires=[2, 0])
        return qml.expval(HAMILTONIAN)

    point = pnp.array(POINT[:3], requires_grad=True)
    wanted = qml.grad(qml.QNode(circuit, qml.device("default.qubit", wires=3)))(point)
    assert np.allclose(qml.grad(qml.QNode(circuit, QmkDevice(wires=3), diff_method="adjoint"))(point), wanted)


def pair(x: Any) -> Any:
    ansatz(x)
    return qml.expval(qml.Z(2)), qml.expval(qml.Y(1))


reference_pair = qml.QNode(pair, qml.device("default.qubit", wires=3), diff_method="backprop")


def test_products_with_jacobians() -> None:
    device = QmkDevice(wires=3)
    with qml.queuing.AnnotatedQueue() as queue:
        pair(POINT)
    tape = qml.tape.QuantumScript.from_queue(queue)
    tape.trainable_params = [0, 3, 5]
    config = qml.devices.ExecutionConfig(gradient_method="adjoint")
    values, slopes = device.execute_and_compute_derivatives(tape, config)
    rows = np.array(slopes)
    assert rows.shape == (2, 3)
    assert np.allclose(device.execute(tape), values)
    assert np.allclose(device.compute_derivatives(tape, config), rows)
    assert np.allclose(device.compute_jvp(tape, (1.0, 2.0, -1.0), config), rows @ [1.0, 2.0, -1.0])
    assert np.allclose(device.execute_and_compute_vjp(tape, (0.3, 2.0), config)[1], [0.3, 2.0] @ rows)
    assert device.supports_derivatives(config, tape)
    assert not device.supports_derivatives(config, tape.copy(shots=10))
    assert not QmkDevice(wires=3, noise="depolarizing=0.1").supports_derivatives(config)
    assert QmkDevice(wires=3, server="nowhere.sock").supports_vjp(config)


def test_shots_are_drawn_by_seed_in_parts_and_in_every_form() -> None:
    def circuit() -> Any:
        qml.RY(1.0, 0)
        qml.CNOT([0, 1])
        return (
            qml.expval(qml.Z(0) @ qml.Z(1)), qml.expval(0.5 * qml.X(0) + qml.Z(1)), qml.var(qml.X(0)),
            qml.sample(wires=[1, 0]), qml.sample(qml.Z(1)), qml.counts(), qml.probs([0]),
            qml.expval(qml.Hermitian([[1, 0], [0, -1]], 0)),
        )  # fmt: skip

    def run() -> Any:
        return qml.set_shots(qml.QNode(circuit, QmkDevice(wires=2, seed=5)), [3000, 1000])()

    long, short = run()
    assert long[0] == 1.0
    assert abs(long[1] - math.cos(1.0)) < 6 * 1.5 / math.sqrt(3000)
    assert long[3].shape == (3000, 2)
    assert short[4].shape == (1000,)
    assert sum(long[5].values()) == 3000
    assert set(long[5]) == {"00", "11"}
    assert abs(long[6][0] - math.cos(0.5) ** 2) < 6 * 0.5 / math.sqrt(3000)
    again = run()
    assert np.array_equal(again[0][3], long[3])


def test_measurements_on_the_way_steer_reset_and_postselect() -> None:
    def circuit() -> Any:
        qml.RY(1.2, 0)
        first = qml.measure(0, reset=True)
        qml.cond(first, qml.X)(1)
        second = qml.measure(1)
        counts = (qml.counts([first, second]),) if counted else ()
        return *counts, qml.expval(first + 2 * second), qml.expval(qml.Z(0)), qml.probs([1])

    counted = True
    shots = qml.set_shots(qml.QNode(circuit, QmkDevice(wires=2, seed=1)), 4000)()
    ones = math.sin(0.6) ** 2
    assert set(shots[0]) == {"00", "11"}
    assert abs(shots[1] - 3 * ones) < 6 * 1.5 / math.sqrt(4000)
    assert shots[2] == 1.0
    counted = False
    exact = qml.QNode(circuit, QmkDevice(wires=4))()
    assert np.allclose([exact[0], exact[1], exact[2][1]], [3 * ones, 1.0, ones])

    @qml.set_shots(500)
    @qml.qnode(QmkDevice(wires=2, seed=1))
    def selected() -> Any:
        qml.H(0)
        qml.CNOT([0, 1])
        qml.measure(0, postselect=1)
        return qml.sample(wires=1)

    found = selected()
    assert found.all()
    assert 160 < len(found) < 340
    with pytest.raises(qml.exceptions.DeviceError, match="fill-shots not supported"):
        selected.update(postselect_mode="fill-shots")()


@pytest.mark.parametrize("options", [{}, {"noise": "depolarizing=1e-6"}])
def test_classical_shadows(options: dict[str, Any]) -> None:
    @qml.set_shots(2000)
    @qml.qnode(QmkDevice(wires=2, seed=3, **options))
    def shadow() -> Any:
        qml.H(0)
        qml.CNOT([0, 1])
        return qml.shadow_expval(qml.X(0) @ qml.X(1), seed=4)

    assert abs(shadow() - 1.0) < 6 * 3 / math.sqrt(2000)

    @qml.set_shots(30)
    @qml.qnode(QmkDevice(wires=2, seed=3, **options))
    def raw() -> Any:
        qml.X(1)
        return qml.classical_shadow([1])

    bits, recipes = raw()
    assert bits[recipes == 2].all()


def test_batches_broadcast_and_wires_of_any_kind() -> None:
    @qml.qnode(QmkDevice(wires=["b", 3, (1, 2)]))
    def circuit(x: Any) -> Any:
        qml.RX(x, [(1, 2)])
        qml.CNOT([(1, 2), "b"])
        return qml.expval(qml.Z("b")), qml.probs()

    values, chances = circuit(np.array([0.1, 0.2, 0.3]))
    assert np.allclose(values, np.cos([0.1, 0.2, 0.3]))
    assert chances.shape == (3, 8)
    assert np.allclose(chances[0][[0, 5]], [math.cos(0.05) ** 2, math.sin(0.05) ** 2])


def test_the_tracker_counts() -> None:
    device = QmkDevice(wires=3)
    node = qml.QNode(circuit_of_one, device, diff_method="parameter-shift")
    with qml.Tracker(device) as tracker:
        qml.grad(node)(pnp.array(0.3, requires_grad=True))
    assert tracker.totals["executions"] == 3
    assert tracker.totals["batches"] == 2


def circuit_of_one(x: Any) -> Any:
    qml.RX(x, 0)
    return qml.expval(qml.Z(0))


def test_wide_circuits_go_to_simulators_that_hold_them() -> None:
    @qml.qnode(QmkDevice(wires=60))
    def ghz() -> Any:
        qml.H(0)
        for k in range(59):
            qml.CNOT([k, k + 1])
        return qml.expval(qml.Z(0) @ qml.Z(59)), qml.var(qml.Z(3)), qml.probs([0, 59])

    value, variance, chances = ghz()
    assert np.allclose([value, variance], 1.0)
    assert np.allclose(chances, [0.5, 0, 0, 0.5])


def test_what_it_does_not_do_is_refused() -> None:
    def fails(
        process: Any, match: str, error: Any = qml.exceptions.DeviceError, shots: int | None = None, **options: Any
    ) -> None:
        node = qml.set_shots(qml.QNode(lambda: process(), QmkDevice(wires=7, **options)), shots)
        with pytest.raises(error, match=match):
            node()

    fails(lambda: qml.vn_entropy([0]), "not accepted with finite shots", shots=10)
    fails(lambda: qml.sample(wires=0), "not accepted for analytic simulation")
    fails(lambda: qml.density_matrix(range(6)), "density matrix of 6 wires", qmk.QmkError, noise="depolarizing=0.1")
    with pytest.raises(qml.exceptions.WireError):
        qml.QNode(lambda: circuit_of_one(0.1), QmkDevice(wires=["a"]))()
    with pytest.raises(qml.exceptions.DeviceError, match="device option"):
        QmkDevice(wires=1).setup_execution_config(qml.devices.ExecutionConfig(device_options={"max_workers": 2}))


def test_a_server_by_its_url(daemon: Any, tmp_path: Path) -> None:
    with serving(make_app(daemon.socket, tmp_path / "gateway.db", needs_token=False)) as url:

        @pennylane.qnode(pennylane.device("qmk", wires=2, server=url))
        def value(angle: float) -> Any:
            pennylane.RX(angle, wires=0)
            pennylane.CNOT(wires=[0, 1])
            return pennylane.expval(pennylane.Z(1))

        assert float(value(0.3)) == pytest.approx(np.cos(0.3))
