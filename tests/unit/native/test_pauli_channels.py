"""Values of Pauli propagation through every error channel: density matrices, and bounds of what is left out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import qmk_native

import qmk
from qmk.ir.lower import lower
from qmk.ir.native_circuit import GATES
from qmk.ir.propagation import plan_of
from qmk.ir.transfer import transfer_matrix
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node
from qmk.qvm.matrices import PAULI
from qmk.qvm.op import KrausChannel, PauliChannel
from qmk.sdk.kit.builder import Builder

Array = np.ndarray[Any, Any]
Rng = np.random.Generator
LETTERS = "IXYZ"


def random_kraus(rng: Rng, qubits: int, count: int) -> list[Any]:
    """A channel by the first columns of a random unitary matrix; entries [re, im]."""
    size = 1 << qubits
    normal = rng.normal(size=(count * size, size)) + 1j * rng.normal(size=(count * size, size))
    columns: Array = np.linalg.qr(normal)[0].reshape(count, size, size)
    return np.stack([columns.real, columns.imag], -1).tolist()


def err(b: Builder, rng: Rng, kind: str, n: int) -> None:
    """Appends an error of this kind, or a reset, or a measurement that nobody reads."""
    q, other = (int(q) for q in rng.permutation(n)[:2])
    p = float(rng.uniform(0, 0.8))
    match kind:
        case "reset":
            b.op("reset", q)
        case "measure":
            b.measure(q)
        case "kraus":
            b.op(kind, q, family="noise", operators=random_kraus(rng, 1, int(rng.integers(1, 4))))
        case "kraus2":
            b.op("kraus", q, other, family="noise", operators=random_kraus(rng, 2, int(rng.integers(1, 5))))
        case "thermal":
            b.op(kind, q, family="noise", t1=1.0, t2=float(rng.uniform(0.1, 2)), duration=p)
        case "amplitude_damping":
            b.op(kind, q, family="noise", gamma=p)
        case "phase_damping":
            b.op(kind, q, family="noise", lam=p)
        case "depolarize":
            b.op(kind, q, family="noise", p=p)
        case "depolarize2":
            b.op("depolarize", q, other, family="noise", p=p)
        case "pauli":
            b.op(kind, q, family="noise", px=p / 2, py=p / 3, pz=p / 6)
        case _:
            b.op("pauli2", q, other, family="noise", pxy=p / 2, pzi=p / 3, pyy=p / 6)


KINDS = (
    "reset", "measure", "kraus", "kraus2", "thermal", "amplitude_damping", "phase_damping", "depolarize", "depolarize2",
    "pauli", "pauli2",
)  # fmt: skip


def program(seed: int, n: int, errors: int, kinds: Sequence[str] = KINDS) -> Graph:
    """Random gates with errors between them; gates end it, so that no measurement is final."""
    rng = np.random.default_rng(seed)
    b = Builder(n)

    def gates() -> None:
        for _ in range(int(rng.integers(0, 4))):
            q, other = (int(q) for q in rng.permutation(n)[:2])
            short = rng.choice(["h", "s", "rx", "ry", "rz", "cnot", "cz", "crx", "rxx"])
            angle: dict[str, Any] = {"theta": float(rng.choice([0.3, 1.7, math.pi / 2]))} if "r" in short else {}
            b.op(short, *((q, other) if OPS[f"core.{short}"].vqs.low == 2 else (q,)), **angle)

    for _ in range(errors):
        gates()
        err(b, rng, str(rng.choice(kinds)), n)
    for q in range(n):
        b.op("u", q, theta=0.4 + q, phi=0.2, lam=0.1)
    return b.graph()


def operators(node: Node) -> list[Array]:
    """Kraus operators of a node on its qubits."""
    op = OPS[node.op]
    if node.op == "core.reset":
        return [np.array([[1, 0], [0, 0]]), np.array([[0, 1], [0, 0]])]
    if node.op == "core.mz":
        return [np.diag([1, 0]), np.diag([0, 1])]
    if op.matrix is not None:
        return [np.array(op.matrix(node.args))]
    assert op.channel is not None
    channel = op.channel(node.args, len(node.vqs))
    if isinstance(channel, KrausChannel):
        return [np.array(k) for k in channel.operators]
    assert isinstance(channel, PauliChannel)
    names = itertools.product(LETTERS, repeat=len(node.vqs))
    return [math.sqrt(p) * pauli("".join(name)) for name, p in zip(names, channel.chances, strict=True)]


def pauli(text: str) -> Array:
    made = np.eye(1)
    for letter in text:
        made = np.kron(made, np.array(PAULI[letter]))
    return made


def density(graph: Graph, n: int) -> Array:
    """The final density matrix, qubit 0 the highest bit of an index."""
    rho = np.zeros((2,) * (2 * n), dtype=complex)
    rho[(0,) * (2 * n)] = 1
    for node in graph.nodes[1:]:
        on = [int(name[1:]) for name in node.vqs]
        k = len(on)
        total = np.zeros_like(rho)
        for operator in operators(node):
            square = operator.reshape((2,) * (2 * k))
            left = np.tensordot(square, rho, (range(k, 2 * k), on))
            both = np.tensordot(left, square.conj(), ([n + q for q in on], range(k, 2 * k)))
            rest = [q for q in range(n) if q not in on]
            order = [*on, *rest, *(n + q for q in rest), *(n + q for q in on)]
            total += np.transpose(both, np.argsort(order))
        rho = total
    return rho.reshape(1 << n, 1 << n)


def observables(seed: int, n: int, count: int) -> list[list[tuple[str, float]]]:
    rng = np.random.default_rng([seed, 1])
    strings = ["".join(row) for row in rng.choice(list(LETTERS), size=(3 * count, n))]
    factors = rng.uniform(-1, 1, size=3 * count)
    return [list(zip(strings[3 * k : 3 * k + 3], factors[3 * k : 3 * k + 3], strict=True)) for k in range(count)]


def plan(graph: Graph) -> qmk_native.PauliPlan:
    return plan_of(lower(graph, GATES | {"gphase"}, whole=True))


def mean(rho: Array, observable: Sequence[tuple[str, float]]) -> float:
    return sum(factor * float(np.trace(rho @ pauli(text)).real) for text, factor in observable)


@pytest.mark.parametrize("kind", KINDS)
def test_every_channel_agrees_with_the_density_matrix(kind: str) -> None:
    for seed in range(6):
        n = 2 + seed % 3
        graph = program(seed, n, 4, (kind,))
        rho, known = density(graph, n), plan(graph)
        for observable in observables(seed, n, 4):
            assert abs(known.value(observable)["value"] - mean(rho, observable)) < 1e-12


@pytest.mark.parametrize("seed", range(20))
def test_random_programs_with_all_channels_agree_with_the_density_matrix(seed: int) -> None:
    n = 3 + seed % 4
    graph = program(100 + seed, n, 8)
    rho, known = density(graph, n), plan(graph)
    for observable in observables(seed, n, 3):
        found = known.value(observable)
        assert abs(found["value"] - mean(rho, observable)) < 1e-12
        assert found["bound"] == 0.0


def test_bounds_hold_where_strings_are_left_out() -> None:
    """Also of channels that are not unital, and within what ``within`` says."""
    left_out = 0
    for seed in range(12):
        n = 4 + seed % 3
        graph = program(200 + seed, n, 10)
        rho, known = density(graph, n), plan(graph)
        (observable,) = observables(seed, n, 1)
        true = mean(rho, observable)
        for cut in (0.3, 0.1, 0.03, 0.01):
            found = known.value(observable, cut=cut, weight=None if cut < 0.1 else 3)
            assert abs(found["value"] - true) <= found["bound"] + 1e-12
            left_out += found["bound"] > 0
        stated = known.within(observable, 0.05)
        assert abs(stated["value"] - true) <= stated["error"] + 1e-12
    assert left_out > 30


def test_transfer_matrices_that_are_none_are_refused() -> None:
    circuit = qmk_native.read_qasm('OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; h q[0];')
    damping = [[1, 0, 0, 0], [0, 0.8, 0, 0], [0, 0, 0.8, 0], [0.36, 0, 0, 0.64]]
    assert qmk_native.PauliPlan(circuit, [(1, [1], 0)], [damping]).value([("IZ", 1.0)])["value"] == pytest.approx(1.0)
    for channels, matrix, why in [
        ([(0, [0, 1], 0)], damping, "not one for the 2 qubits of a channel"),
        ([(0, [0], 1)], damping, "matrix 1: not one for the 1 qubits"),
        ([(0, [2], 0)], damping, "on no qubits of 2"),
        ([(2, [0], 0)], damping, "before op 2, out of order"),
        ([(0, [0], 0)], damping[::-1], "the first row of a transfer matrix is 1, 0"),
        ([(0, [0], 0)], damping[1:], "4 rows of 4, or 16 of 16"),
        ([(0, [0], 0)], [*damping[:3], [0, 0, 0, math.nan]], "a number from -1 to 1"),
    ]:
        with pytest.raises(ValueError, match=why):
            qmk_native.PauliPlan(circuit, channels, [matrix])


def test_a_transfer_matrix_is_by_its_definition() -> None:
    rng = np.random.default_rng(5)
    kraus = [np.array(k)[..., 0] + 1j * np.array(k)[..., 1] for k in random_kraus(rng, 2, 3)]
    names = list(map("".join, itertools.product(LETTERS, repeat=2)))
    images = [sum(k @ pauli(name) @ k.conj().T for k in kraus) for name in names]
    wanted = [[np.trace(pauli(row) @ image).real / 4 for image in images] for row in names]
    assert np.allclose(transfer_matrix([tuple(map(tuple, k)) for k in kraus]), wanted, rtol=0, atol=1e-14)


@pytest.mark.parametrize("engine", ["native:pauli", "aer:density_matrix"])
def test_a_measurement_that_nobody_reads_is_exact_for_every_method_of_noisy_values(engine: str) -> None:
    text = """OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[3] c;
    ry(0.7) q[0]; cx q[0], q[1]; c[0] = measure q[0]; ry(0.4) q[0]; cx q[1], q[0]; c[1] = measure q[0];"""
    found = qmk.expectation(text, ["ZI", "XX", "ZZ", "YY"], engine=engine)
    b = Builder(2).op("ry", 0, theta=0.7).op("cnot", 0, 1)
    b.measure(0)
    rho = density(b.op("ry", 0, theta=0.4).op("cnot", 1, 0).graph(), 2)
    for one, letters in zip(found, ["ZI", "XX", "ZZ", "YY"], strict=True):
        assert one.exact
        assert one.value == pytest.approx(mean(rho, [(letters, 1.0)]), abs=1e-12)
