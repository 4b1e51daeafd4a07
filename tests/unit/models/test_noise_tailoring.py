"""Twirling: programs stay what they are, and errors become Pauli errors."""

from __future__ import annotations

import cmath
import itertools

import numpy as np
import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.models import noise
from qmk.models.noise import tailoring
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node
from qmk.qvm.matrices import PAULI
from qmk.sdk.kit import pass_kit
from qmk.sdk.passes import Pass, Rewritten

CLIFFORD_PAIRS = [
    name for name, op in OPS.items() if op.op_class == "unitary" and op.flow and op.vqs.low == op.vqs.high == 2
]


@pytest.mark.parametrize("gate", CLIFFORD_PAIRS)
def test_paulis_come_out_of_a_gate_as_its_flow_says(gate: str) -> None:
    op = OPS[gate]
    assert op.matrix is not None
    matrix = np.array(op.matrix({}))
    paulis = {a + b: np.kron(PAULI[a], PAULI[b]) for a in "IXYZ" for b in "IXYZ"}
    for name, pauli in paulis.items():
        left = matrix @ pauli @ matrix.conj().T
        assert abs(np.trace(left @ paulis[tailoring.image(op, name)])) == pytest.approx(4.0)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_twirled_program_means_the_same(seed: int) -> None:
    """The kit of passes: exact distributions on fixed and random programs, guards and feed-forward included."""
    tailored = Pass("twirl", "random Paulis", lambda graph: Rewritten(noise.twirl(graph, seed=seed)))
    report = pass_kit.run(tailored, programs=10)
    assert report.ok, report.text()


def over_rotation(angle: float) -> noise.Kraus:
    """exp(-i angle/2 (ZZ + XI)), by its series: a coherent error that is no Clifford."""
    generator = np.kron(np.diag([1.0, -1.0]), np.diag([1.0, -1.0])) + np.kron([[0, 1], [1, 0]], np.eye(2))
    values, vectors = np.linalg.eigh(generator)
    matrix = vectors @ np.diag([cmath.exp(-0.5j * angle * value) for value in values]) @ vectors.conj().T
    return noise.Kraus((tuple(tuple((float(z.real), float(z.imag)) for z in row) for row in matrix),))


def transfer(node: Node) -> np.ndarray:
    """Of a node on qubits a and b, or one of them."""
    op = OPS[node.op]
    channel = None if op.channel is None else op.channel(node.args, len(node.vqs))
    operators = [op.matrix(node.args)] if op.matrix else list(channel.operators)  # type: ignore[union-attr]
    if node.vqs in (("a",), ("b",)):
        pair = (lambda k: np.kron(k, np.eye(2))) if node.vqs == ("a",) else (lambda k: np.kron(np.eye(2), k))
        operators = [tuple(map(tuple, pair(np.array(k)))) for k in operators]
    return np.array(noise.transfer_matrix(operators))


@pytest.mark.parametrize("gate", ["core.cnot", "core.cz", "core.swap"])
@pytest.mark.parametrize("kind", ["over-rotation", "amplitude damping"])
def test_the_average_error_of_a_twirled_gate_is_a_pauli_channel(gate: str, kind: str) -> None:
    error = over_rotation(0.3) if kind == "over-rotation" else noise.AmplitudeDamping(0.2)
    model = noise.NoiseModel(gates=(noise.GateRule((error,), gates=(gate,)),))
    graph = Graph(nodes=(Node("g", gate, vqs=("a", "b")),), vqs=("a", "b"))
    noisy = noise.apply(model, graph)
    found: dict[tuple[str, ...], np.ndarray] = {}
    for seed in itertools.count():
        nodes = noise.twirl(noisy, seed=seed).nodes
        before = tuple(f"{n.op}{n.vqs}" for n in nodes if "_before_" in n.id)
        assert [n.id for n in nodes] == [n.id for n in noise.twirl(noisy, seed=seed).nodes]
        if before not in found:
            whole = np.eye(16)
            for node in nodes:
                whole = transfer(node) @ whole
            found[before] = whole
        if len(found) == 16:
            break
        assert seed < 1000
    ideal = transfer(graph.nodes[0])
    bare = np.eye(16)
    for node in noisy.nodes[1:]:
        bare = transfer(node) @ bare
    assert np.abs(bare - np.diag(np.diag(bare))).max() > 0.1
    mean = sum(found.values()) / 16 @ np.linalg.inv(ideal)
    assert np.abs(mean - np.diag(np.diag(mean))).max() < 1e-12
    assert np.allclose(np.diag(mean), np.diag(bare), atol=1e-12)


@pytest.mark.parametrize("error", [noise.AmplitudeDamping(0.3), noise.PhaseDamping(0.2), over_rotation(0.4)])
def test_the_twirl_of_a_channel_has_its_diagonal_and_no_more(error: noise.Error) -> None:
    width = 2 if error.pair else 1
    before = np.array(noise.transfer_matrix(tailoring.kraus_of(error, width)))
    after = np.array(noise.transfer_matrix(tailoring.kraus_of(noise.pauli_twirl(error), width)))
    assert np.allclose(after, np.diag(np.diag(before)), atol=1e-12)


def test_known_twirls_and_what_has_none() -> None:
    gamma = 0.1
    made = noise.pauli_twirl(noise.AmplitudeDamping(gamma))
    assert isinstance(made, noise.Pauli)
    assert made.px == pytest.approx(gamma / 4)
    assert made.pz == pytest.approx((1 - (1 - gamma) ** 0.5) ** 2 / 4)
    assert noise.pauli_twirl(noise.Pauli(px=0.1)) == noise.Pauli(px=0.1)
    assert noise.pauli_twirl(noise.Depolarize(0.3)).px == pytest.approx(0.1)  # type: ignore[union-attr]
    with pytest.raises(QmkError, match=r"noise\.loss is not a channel"):
        noise.pauli_twirl(noise.Loss(0.1))


def test_programs_with_lost_atoms_can_be_twirled() -> None:
    bell = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;'
    from qmk.frontends import load

    graph = noise.twirl(load(bell.encode()).graph, seed=3)
    assert set(qmk.run(graph, shots=200, seed=1).counts) == {"00", "11"}
    assert any("L" in key for key in qmk.run(graph, shots=200, seed=1, noise="loss=0.2").counts)
