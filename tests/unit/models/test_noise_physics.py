"""Channels against density matrices written out here, and against closed forms.

Every statistical comparison fails by chance with probability at most 1e-7.
"""

from __future__ import annotations

import itertools
import math
import random
from typing import Any

import numpy as np
import pytest

from qmk.exact.simulator import exact_distribution
from qmk.ir.lower import lower
from qmk.ir.resolver import ALL_GATES
from qmk.models.noise import NoiseModel, Relaxation, apply
from qmk.models.noise.apply import twirl
from qmk.qvm.families import OPS
from qmk.qvm.families import noise as family
from qmk.qvm.op import KrausChannel, PauliChannel
from qmk.sdk.kit.builder import Builder
from qmk.sdk.kit.statistics import check
from qmk.worker.runner import Runner

RATE = 1e-7 / 64
PAULIS = [
    np.eye(2, dtype=complex),
    np.array([[0, 1], [1, 0]], dtype=complex),
    np.array([[0, -1j], [1j, 0]]),
    np.diag([1, -1]).astype(complex),
]
CLIFFORD = ["h", "s", "sdg", "sx", "x", "y", "z"]
PAIRS = ["cnot", "cz", "swap", "cy"]
SWAP = [[[float(row == (0, 2, 1, 3)[column]), 0.0] for column in range(4)] for row in range(4)]
CHANNELS: list[tuple[str, int, dict[str, Any]]] = [
    ("pauli", 1, {"px": 0.1, "py": 0.05, "pz": 0.2}),
    ("depolarize", 1, {"p": 0.3}),
    ("depolarize", 2, {"p": 0.3}),
    ("pauli2", 2, {"pxz": 0.2, "pyi": 0.1, "pix": 0.15}),
    ("amplitude_damping", 1, {"gamma": 0.35}),
    ("phase_damping", 1, {"lam": 0.6}),
    ("thermal", 1, {"t1": 1.0, "t2": 1.7, "duration": 0.8}),
    ("thermal", 1, {"t1": 1.0, "t2": 2.0, "duration": 0.8}),
    ("thermal", 1, {"t2": 1.7, "duration": 0.8}),
    ("thermal", 1, {"t1": 1.0, "duration": 0.8}),
    ("kraus", 2, {"operators": [SWAP]}),
]


def operators(short: str, qubits: int, args: dict[str, Any]) -> list[np.ndarray]:
    """The Kraus operators of an op, by its declaration."""
    make = OPS[f"noise.{short}"].channel
    assert make is not None
    channel = make(args, qubits)
    if isinstance(channel, KrausChannel):
        return [np.array(k, dtype=complex) for k in channel.operators]
    products = itertools.product(PAULIS, repeat=qubits)
    kron = [p[0] if qubits == 1 else np.kron(*p) for p in products]
    return [math.sqrt(chance) * p for chance, p in zip(channel.chances, kron, strict=True)]


def on(matrix: np.ndarray, qubits: tuple[int, ...], n: int) -> np.ndarray:
    """``matrix`` on some of n qubits, qubit 0 most significant."""
    k = len(qubits)
    full = np.eye(2**n, dtype=complex).reshape((2,) * (2 * n))
    full = np.tensordot(matrix.reshape((2,) * (2 * k)), full, axes=(tuple(range(k, 2 * k)), qubits))
    return np.moveaxis(full, tuple(range(k)), qubits).reshape(2**n, 2**n)


@pytest.mark.parametrize(("short", "qubits", "args"), CHANNELS)
def test_every_channel_preserves_the_trace(short: str, qubits: int, args: dict[str, Any]) -> None:
    total = sum(k.conj().T @ k for k in operators(short, qubits, args))
    assert np.allclose(total, np.eye(2**qubits), atol=1e-12)


def test_channels_do_what_their_names_say() -> None:
    rho = np.array([[0.3, 0.2 - 0.1j], [0.2 + 0.1j, 0.7]])
    after = lambda short, args: sum(k @ rho @ k.conj().T for k in operators(short, 1, args))  # noqa: E731
    damped = after("amplitude_damping", {"gamma": 0.35})
    assert np.allclose(damped, [[0.3 + 0.35 * 0.7, rho[0, 1] * math.sqrt(0.65)], [rho[1, 0] * math.sqrt(0.65), 0.455]])
    assert np.allclose(after("phase_damping", {"lam": 0.36}), [[0.3, 0.8 * rho[0, 1]], [0.8 * rho[1, 0], 0.7]])
    assert np.allclose(after("depolarize", {"p": 0.75}), np.eye(2) / 2)
    relaxed = after("thermal", {"t1": 2.0, "t2": 3.0, "duration": 1.5})
    assert np.isclose(relaxed[1, 1], 0.7 * math.exp(-0.75))  # pyright: ignore[reportIndexIssue]
    assert np.isclose(relaxed[0, 1], rho[0, 1] * math.exp(-0.5))  # pyright: ignore[reportIndexIssue]


def test_the_twirl_keeps_the_diagonal_of_the_channel() -> None:
    """Twirling over the Paulis leaves what a channel does to X, Y and Z themselves."""
    t1, t2, t = 3.0, 4.0, 0.9
    kraus = operators("thermal", 1, {"t1": t1, "t2": t2, "duration": t})
    error = twirl(Relaxation(t1, t2), t)
    mixed = operators("pauli", 1, error.args())
    for pauli in PAULIS:
        diagonal = [np.trace(pauli @ sum(k @ pauli @ k.conj().T for k in found)).real / 2 for found in (kraus, mixed)]
        assert math.isclose(diagonal[0], diagonal[1], abs_tol=1e-12)


def noisy_circuit(dice: random.Random, n: int, channels: list[tuple[str, int, dict[str, Any]]]) -> Builder:
    b = Builder(n)
    for _ in range(14):
        b.op(dice.choice(CLIFFORD), dice.randrange(n))
        b.op(dice.choice(PAIRS), *dice.sample(range(n), 2))
        short, qubits, args = dice.choice(channels)
        b.op(short, *dice.sample(range(n), qubits), family="noise", **args)
    return b


def density(b: Builder, n: int) -> dict[str, float]:
    """The outcomes of measuring all qubits at the end, by a density matrix."""
    rho = np.zeros((2**n, 2**n), dtype=complex)
    rho[0, 0] = 1
    for node in b.nodes:
        if node.op == "core.alloc":
            continue
        qubits = tuple(int(q[1:]) for q in node.vqs)
        op = OPS[node.op]
        if op.op_class == "noise":
            kraus = operators(op.short, len(qubits), node.args)
        else:
            assert op.matrix is not None
            kraus = [np.array(op.matrix(node.args), dtype=complex)]
        rho = sum((m := on(k, qubits, n)) @ rho @ m.conj().T for k in kraus)
    chances = np.diag(rho).real  # pyright: ignore[reportAttributeAccessIssue]
    return {format(k, f"0{n}b"): float(p) for k, p in enumerate(chances) if p > 1e-14}


PAULI_ENGINES = ["reference", "stabilizer", "native:auto", "native:frame", "native:dense", "aer:density_matrix"]
KRAUS_ENGINES = ["reference", "aer:density_matrix", "aer:statevector", "aer:matrix_product_state"]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("pauli", "engines"), [(True, PAULI_ENGINES), (False, KRAUS_ENGINES)])
def test_random_noisy_circuits_agree_with_a_density_matrix(seed: int, pauli: bool, engines: list[str]) -> None:
    n, dice = 3, random.Random(seed)
    channels = [row for row in CHANNELS if not pauli or row[0] in ("pauli", "pauli2", "depolarize", "phase_damping")]
    b = noisy_circuit(dice, n, channels)
    wanted = density(b, n)
    graph = b.measure_all().graph()
    exact = exact_distribution(lower(graph, ALL_GATES)) if pauli and seed == 0 and len(b.nodes) < 10 else wanted
    assert max(abs(exact.get(key, 0) - wanted.get(key, 0)) for key in {*exact, *wanted}) < 1e-9
    for name in engines:
        engine, _, method = name.partition(":")
        found = Runner(engine).execute(graph, method, 1500 if engine == "reference" else 4000, 5 + seed).counts
        assert not check(found, wanted, RATE), name


@pytest.mark.parametrize(("short", "qubits", "args"), CHANNELS)
def test_branches_are_the_density_matrix_exactly(short: str, qubits: int, args: dict[str, Any]) -> None:
    b = Builder(2).op("u", 0, theta=1.1, phi=0.4, lam=0.0).op("cnot", 0, 1).op("ry", 1, theta=0.7)
    b.op(short, *range(qubits), family="noise", **args).op("u", 0, theta=0.6, phi=0.2, lam=0.9).op("cnot", 1, 0)
    wanted = density(b, 2)
    found = exact_distribution(lower(b.measure_all().graph(), ALL_GATES))
    assert max(abs(found.get(key, 0) - wanted.get(key, 0)) for key in {*found, *wanted}) < 1e-10


@pytest.mark.parametrize("time", [0.0, 0.3, 1.0, 2.5])
def test_relaxation_follows_t1_and_t2(time: float) -> None:
    """Exact curves: |1> decays by exp(-t/T1), the fringe of |+> by exp(-t/T2)."""
    args: dict[str, Any] = {"t1": 1.0, "t2": 1.4, "duration": time}
    decay = Builder(1).op("x", 0).op("thermal", 0, family="noise", **args).measure_all().graph()
    assert math.isclose(exact_distribution(lower(decay, ALL_GATES))["1"], math.exp(-time), abs_tol=1e-12)
    fringe = Builder(1).op("h", 0).op("thermal", 0, family="noise", **args).op("h", 0).measure_all().graph()
    wanted = (1 + math.exp(-time / 1.4)) / 2
    assert math.isclose(exact_distribution(lower(fringe, ALL_GATES))["0"], wanted, abs_tol=1e-12)


def test_a_model_relaxes_qubits_that_wait() -> None:
    """Qubit 1 waits in |1> for three gates of qubit 0."""
    b = Builder(2).op("x", 1).op("x", 0).op("h", 0).op("h", 0).op("h", 0).op("cz", 0, 1).measure_all()
    model = NoiseModel(relaxation=(Relaxation(t1=1.0),), durations={"h": 0.2})
    found = exact_distribution(lower(apply(model, b.graph()), ALL_GATES))
    assert math.isclose(sum(p for key, p in found.items() if key[1] == "1"), math.exp(-0.6), abs_tol=1e-12)


def test_readings_follow_their_confusion_matrix() -> None:
    b = Builder(2).op("ry", 0, theta=1.0).op("cnot", 0, 1).measure_all()
    noisy = apply(NoiseModel.from_json('{"readout": [{"p01": 0.1, "p10": 0.3}]}'), b.graph())
    one = math.sin(0.5) ** 2
    confusion = np.array([[0.9, 0.1], [0.3, 0.7]])  # row: what happened, column: what is read
    wanted = {
        f"{a}{c}": float((1 - one) * confusion[0, a] * confusion[0, c] + one * confusion[1, a] * confusion[1, c])
        for a in (0, 1)
        for c in (0, 1)
    }
    exact = exact_distribution(lower(noisy, ALL_GATES))
    assert all(math.isclose(exact[key], wanted[key], abs_tol=1e-12) for key in wanted)
    for engine, method in (("qsim", ""), ("native", "auto"), ("aer", "statevector"), ("qulacs", "")):
        assert not check(Runner(engine).execute(noisy, method, 20_000, 3).counts, wanted, RATE), engine


def test_every_noise_op_says_what_it_is() -> None:
    for op in family.FAMILY.ops:
        assert not op.reversible
        assert (op.channel is None) == (op.name in ("noise.loss", "noise.leak", "noise.readout"))
    identity = OPS["noise.pauli"].channel
    assert identity is not None
    assert identity({}, 1) == PauliChannel((1.0, 0.0, 0.0, 0.0))
