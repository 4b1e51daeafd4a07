"""PennyLane's device ``qmk`` on a daemon: the results that it has in this process, and how many jobs they take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pennylane
import pytest

from qmk.client import Client
from qmk.integrations.pennylane import QmkDevice

qml: Any = pennylane
pnp: Any = qml.numpy

POINT = pnp.array([0.4, -0.9, 1.3], requires_grad=True)
HAMILTONIAN = qml.Hamiltonian([0.5, -0.7], [qml.Z(0) @ qml.X(2), qml.Y(1)])


def ansatz(x: Any) -> None:
    qml.RX(x[0], 0)
    qml.RY(x[1], 1)
    qml.CNOT([0, 1])
    qml.CRZ(x[2], wires=[1, 2])
    qml.H(2)


def energy(x: Any) -> Any:
    ansatz(x)
    return qml.expval(HAMILTONIAN)


def two_energies(x: Any) -> Any:
    ansatz(x)
    return qml.expval(HAMILTONIAN), qml.expval(qml.Z(1))


def on_the_way(x: Any) -> Any:
    ansatz(x)
    first = qml.measure(0, reset=True)
    qml.cond(first, qml.X)(2)
    return qml.sample(wires=[1, 2]), qml.counts(first), qml.expval(qml.Z(2) + qml.X(1)), qml.probs([0])


@pytest.fixture
def count_jobs(daemon: Any) -> Callable[[], int]:
    """Jobs since the last call."""
    before = [0]

    def count() -> int:
        with Client(daemon.socket) as client:
            now = len(client.jobs().jobs)
        found, before[0] = now - before[0], now
        return found

    count()
    return count


def test_exact_results_are_those_of_default_qubit(daemon: Any) -> None:
    def circuit(x: Any) -> Any:
        ansatz(x)
        return (
            qml.expval(HAMILTONIAN), qml.probs([2, 0]), qml.var(qml.X(1)), qml.density_matrix([0]),
            qml.expval(qml.Hermitian([[1, 2], [2, 0]], 1)),
        )  # fmt: skip

    ours = qml.QNode(circuit, QmkDevice(wires=3, server=str(daemon.socket)))(POINT)
    theirs = qml.QNode(circuit, qml.device("default.qubit", wires=3))(POINT)
    for mine, wanted in zip(ours, theirs, strict=True):
        assert np.allclose(mine, wanted, atol=1e-9)


def test_shots_are_those_of_this_process_by_seed_and_in_parts(daemon: Any) -> None:
    def draw(**options: Any) -> Any:
        device = QmkDevice(wires=3, seed=5, engine="native", **options)
        return qml.set_shots(qml.QNode(on_the_way, device), [200, 50])(POINT)

    here, there = draw(), draw(server=str(daemon.socket))
    for mine, wanted in zip(there, here, strict=True):
        assert np.array_equal(mine[0], wanted[0])
        assert mine[1:3] == wanted[1:3]
        assert np.array_equal(mine[3], wanted[3])
    assert [part[0].shape for part in there] == [(200, 2), (50, 2)]


@pytest.mark.parametrize(("method", "jobs"), [("best", 1), ("adjoint", 1), ("parameter-shift", 2)])
def test_gradients_take_one_job_of_all_points(daemon: Any, count_jobs: Any, method: str, jobs: int) -> None:
    node = qml.QNode(energy, QmkDevice(wires=3, server=str(daemon.socket)), diff_method=method)
    found = qml.grad(node)(POINT)
    assert count_jobs() == jobs  # parameter-shift: the value, and the eight shifted points
    assert np.allclose(found, qml.grad(qml.QNode(energy, qml.device("default.qubit", wires=3)))(POINT))


def test_jacobians_of_a_batch_of_tapes_are_one_job(daemon: Any, count_jobs: Any) -> None:
    def tape(x: Any) -> Any:
        with qml.queuing.AnnotatedQueue() as queue:
            two_energies(x)
        return qml.tape.QuantumScript.from_queue(queue)

    there, here = QmkDevice(wires=3, server=str(daemon.socket)), QmkDevice(wires=3)
    tapes, config = (
        [tape(k * np.array(POINT)) for k in (1, 2, 3)],
        qml.devices.ExecutionConfig(gradient_method="adjoint"),
    )
    found = there.execute_and_compute_derivatives(tapes, config)
    assert count_jobs() == 1
    for mine, wanted in zip(found, here.execute_and_compute_derivatives(tapes, config), strict=True):
        assert np.allclose(np.array(mine), np.array(wanted))
    assert np.allclose(np.array(there.execute(tapes)), np.array(found[0]))


def test_gradients_with_shots_and_with_noise(daemon: Any) -> None:
    """With shots it fails by chance with probability below 1e-8: six standard deviations of at most 1.2 / 50."""
    wanted = qml.grad(qml.QNode(energy, qml.device("default.qubit", wires=3)))(POINT)
    device = QmkDevice(wires=3, seed=2, server=str(daemon.socket))
    found = qml.grad(qml.set_shots(qml.QNode(energy, device), 2500))(POINT)
    assert np.abs(found - wanted).max() < 6 * 1.2 / 50

    noisy = {"noise": "depolarizing=0.02"}
    slopes = [
        qml.grad(qml.QNode(energy, QmkDevice(wires=3, **noisy, **where)))(POINT)
        for where in ({}, {"server": str(daemon.socket)})
    ]
    assert np.allclose(slopes[0], slopes[1], atol=1e-9)
    assert np.abs(slopes[0] - wanted).max() > 1e-3
