"""Circuits of qoqo, both ways: every gate, symbol, register and noise pragma arrives or is refused."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import qoqo
from qoqo import operations as lib

import qmk
from qmk.base.errors import QmkError
from qmk.circuit import whole
from qmk.circuit.building import PARAMS
from qmk.exact.simulator import exact_distribution
from qmk.frontends.openqasm.unitary import matrix_of
from qmk.ir.lower import lower
from qmk.ir.resolver import ALL_GATES
from qmk.qvm.families.gates import FIXED_SIZE

ops: Any = lib
CIRCUIT: Any = vars(qoqo)["Circuit"]
GATES = sorted(name for name in dir(ops) if hasattr(getattr(ops, name), "unitary_matrix"))


def circuit_of(*operations: Any) -> Any:
    made = CIRCUIT()
    for each in operations:
        made += each
    return made


def matrix(circuit: Any) -> Any:
    found = circuit if isinstance(circuit, qmk.Circuit) else qmk.Circuit.from_object(circuit)
    return np.array(matrix_of(whole.unitary_of(found), found.n_qubits))


def gate(name: str, rng: random.Random) -> Any:
    """One gate on some of the qubits 0 to 3, with numbers for its parameters."""
    names = getattr(ops, name).__text_signature__.strip("()").split(", ")
    qubits = rng.sample(range(4), 4)
    if name == "SingleQubitGate":
        return ops.SingleQubitGate(0, 0.6, 0.0, 0.0, 0.8, 0.3)
    given: list[Any] = []
    for each in names:
        if each == "qubits":
            given.append(qubits[:3])
        elif each in ("swaps", "inverse"):
            given.append(each == "swaps" or rng.random() < 0.5)
        elif each.startswith(("qubit", "control", "target")):
            given.append(qubits.pop())
        else:
            given.append(rng.uniform(-3, 3))
    return getattr(ops, name)(*given)


def wanted(op: Any, n: int) -> Any:
    """The matrix of an op on n qubits, qubit 0 the highest bit of an index."""
    on = op.qubits() if hasattr(op, "qubits") else [
        getattr(op, key)()
        for key in ("qubit", "control", "control_0", "control_1", "control_2", "target", "target_0", "target_1")
        if hasattr(op, key)
    ]  # fmt: skip
    rest = [q for q in range(n) if q not in on]
    whole_matrix = np.kron(np.array(op.unitary_matrix()), np.eye(1 << len(rest)))
    axes = [[*on, *rest].index(q) for q in range(n)]
    tensor = whole_matrix.reshape([2] * (2 * n)).transpose([*axes, *(n + a for a in axes)])
    return tensor.reshape(1 << n, 1 << n)


@pytest.mark.parametrize("name", GATES)
def test_every_gate_has_its_matrix_and_comes_back(name: str) -> None:
    op = gate(name, random.Random(name))
    found = qmk.Circuit.from_object(circuit_of(op))
    mine, theirs = matrix(found), wanted(op, found.n_qubits)
    assert np.allclose(mine, theirs, atol=1e-7)
    assert np.allclose(matrix(found.to("qoqo")), mine, atol=1e-7)


@pytest.mark.parametrize("qubits", [[0, 1, 2], [2, 0, 1], [1, 0]])
def test_an_inverse_fourier_transform_undoes_one(qubits: list[int]) -> None:
    inverse = ops.QFT(qubits, True, True)
    assert np.allclose(matrix(circuit_of(inverse)), wanted(inverse, len(qubits)), atol=1e-7)
    for swaps in (True, False):
        both = circuit_of(ops.QFT(qubits, swaps, False), ops.QFT(qubits, swaps, True))
        assert np.allclose(matrix(both), np.eye(1 << len(qubits)), atol=1e-7)


@pytest.mark.parametrize(("controls", "power"), [("", 1.0), ("1", 1.0), ("01", 1.0), ("", 0.37), ("0", 0.37)])
def test_every_gate_of_ours_is_written(controls: str, power: float) -> None:
    rng = random.Random(3)
    for name, op in FIXED_SIZE.items():
        n = (op.vqs.high or 0) + len(controls)
        if n > 4 or (power != 1 and not op.vqs.high):
            continue
        circuit = qmk.Circuit(max(n, 1)).id(max(n, 1) - 1)
        angles = tuple(rng.uniform(-3, 3) for _ in PARAMS[name])
        modifiers = () if not controls and power == 1 else (controls, power)
        item: Any = (name, angles, tuple(range(n)), *modifiers)
        whole.append(circuit, [item])
        assert np.allclose(matrix(circuit.to("qoqo")), matrix(circuit), atol=1e-7), name


def test_symbols_become_parameters_and_come_back() -> None:
    given = circuit_of(
        ops.InputSymbolic("c", 0.25),
        ops.RotateX(0, "2*a + 0.25*c"),
        ops.RotateZ(0, "(0-a^2)*sin(b)/(1-b)"),
        ops.MultiQubitZZ([0, 1], "a-b"),
    )
    found = qmk.Circuit.from_object(given)
    assert found.parameters == {"a": None, "b": None}
    back = found.to("qoqo")
    values = {"a": 0.3, "b": 0.8}
    mine = matrix(found.bind(values))
    assert np.allclose(matrix(back.substitute_parameters(values)), mine)
    assert np.allclose(matrix(given.substitute_parameters(values)), mine)
    t = qmk.Parameter("t")
    for value in (-(t**2), 2**t**2, 1 / -t, -2 * t - 3, (t + 1) ** -2, t.arctan().exp().log()):
        written = qmk.Circuit(1).rx(value, 0).to("qoqo").substitute_parameters({"t": 0.7})
        assert np.allclose(matrix(written), matrix(qmk.Circuit(1).rx(value.at({"t": 0.7}), 0))), value


def random_program(rng: random.Random, noisy: bool) -> Any:
    made = circuit_of(ops.DefinitionBit("a", 2, True), ops.DefinitionBit("hidden", 1, False))
    registers = [("a", 0), ("a", 1), ("hidden", 0)]
    for _ in range(12):
        made += gate(rng.choice(GATES), rng)
        match rng.randrange(6):
            case 0:
                made += ops.MeasureQubit(rng.randrange(4), *rng.choice(registers))
            case 1:
                inner = circuit_of(gate(rng.choice(GATES), rng), ops.MeasureQubit(1, *rng.choice(registers)))
                made += ops.PragmaConditional(*rng.choice(registers), inner)
            case 2:
                made += ops.PragmaLoop(rng.randrange(3), circuit_of(gate(rng.choice(GATES), rng)))
            case 3:
                made += ops.PragmaControlledCircuit(3, circuit_of(ops.RotateXY(1, 0.3, 0.4), ops.CNOT(0, 2)))
            case 4:
                made += rng.choice([ops.PragmaActiveReset(1), ops.PragmaStopParallelBlock([0, 2], 0.0)])
            case _ if noisy:
                made += rng.choice([ops.PragmaDamping, ops.PragmaDephasing, ops.PragmaDepolarising])(2, 1.0, 0.1)
    return made


def product(circuit: Any, n: int) -> Any:
    """The matrix of a circuit of gates by qoqo's own matrices."""
    found = np.eye(1 << n, dtype=complex)
    for op in circuit:
        if hasattr(op, "unitary_matrix"):
            found = wanted(op, n) @ found
        elif op.hqslang() == "PragmaControlledCircuit":
            has_one = np.array([index >> (n - 1 - op.controlling_qubit()) & 1 for index in range(1 << n)])
            found = np.where(has_one[:, None], product(op.circuit(), n) @ found, found)
        else:
            assert op.hqslang().startswith("Pragma"), op
    return found


def check_gates(seed: int) -> None:
    """The same matrix up to a phase, by qoqo's own account of both circuits."""
    rng = random.Random(seed)
    given = circuit_of(*(ops.Identity(k) for k in range(4)), *(gate(rng.choice(GATES), rng) for _ in range(10)))
    overlap = np.vdot(product(given, 4), product(qmk.Circuit.from_object(given).to("qoqo"), 4))
    assert abs(overlap) == pytest.approx(16, abs=1e-6)


def there_and_back(seed: int) -> None:
    """Distributions are compared, as both circuits have other gates: the core may choose another method, and its draws
    are then others too."""
    found = qmk.Circuit.from_object(random_program(random.Random(seed), noisy=seed % 3 == 0))
    back = qmk.Circuit.from_object(found.to("qoqo"))
    assert [(r.name, len(r.bits)) for r in found._bit_registers] == [(r.name, len(r.bits)) for r in back._bit_registers]
    first, second = (exact_distribution(lower(each.graph, ALL_GATES)) for each in (found, back))
    assert all(abs(first.get(key, 0.0) - second.get(key, 0.0)) < 1e-12 for key in {*first, *second}), seed


@pytest.mark.parametrize("seed", range(12))
def test_there_and_back(seed: int) -> None:
    check_gates(seed)
    there_and_back(seed)


def test_registers_shots_and_bits_are_kept() -> None:
    given = circuit_of(
        ops.DefinitionBit("a", 2, True),
        ops.DefinitionBit("b", 2, True),
        ops.InputBit("a", 1, True),
        ops.PauliX(1),
        ops.PragmaLoop(3, circuit_of(ops.PauliX(2))),
        ops.PragmaRepeatedMeasurement("b", 30, {1: 1, 0: 0}),
    )
    found = qmk.Circuit.from_object(given)
    assert qmk.run(found).counts == qmk.run(found.to("qoqo")).counts == {"10 10": 30}
    plain = circuit_of(ops.DefinitionBit("c", 3, True), ops.PauliX(2), ops.PragmaRepeatedMeasurement("c", 7, None))
    assert qmk.run(plain).counts == {"100": 7}


def test_noise_is_that_of_qoqo() -> None:
    theta, phi = 2 * np.arccos(0.3**0.5), 0.7
    ket = np.array([np.cos(theta / 2), np.sin(theta / 2) * np.exp(1j * phi)])
    rho = np.outer(ket, ket.conj())
    for pragma in (ops.PragmaDamping, ops.PragmaDephasing, ops.PragmaDepolarising):
        op = pragma(0, 2.0, 0.15)
        after = (np.array(op.superoperator()) @ rho.reshape(-1)).reshape(2, 2)
        circuit = circuit_of(ops.RotateY(0, theta), ops.RotateZ(0, phi), op)
        for each in (circuit, qmk.Circuit.from_object(circuit).to("qoqo")):
            values = [one.value for one in qmk.expectation(each, ["X", "Y", "Z"])]
            paulis = ([[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]])
            assert np.allclose(values, [np.trace(after @ np.array(p)).real for p in paulis]), op


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        (ops.PragmaSetStateVector(np.array([1, 0])), "operation 0: PragmaSetStateVector has no form"),
        (ops.PragmaGetStateVector("s", None), "operation 0: PragmaGetStateVector has no form"),
        (ops.PragmaSleep([0], 1.0), "PragmaSleep has no form"),
        (ops.PragmaRandomNoise(0, 1.0, 0.1, 0.1), "PragmaRandomNoise has no form"),
        (ops.Squeezing(0, 0.1, 0.2), "Squeezing has no form"),
        (ops.DefinitionComplex("s", 2, True), "definition 0: DefinitionComplex 's'"),
        (ops.MeasureQubit(0, "ro", 0), "bit 0 of register 'ro', which is not defined"),
        (ops.GPi(0, "a"), "GPi with an open parameter"),
        (ops.PragmaDamping(0, 1.0, "g"), "PragmaDamping with an open parameter"),
        (ops.RotateX(0, "-a^2"), "has a sign and a power"),
        (ops.RotateX(0, "2*pi"), "a symbol named pi"),
        (ops.RotateX(0, "sinh(a)"), "operation 0: "),
        (ops.PragmaLoop("n", CIRCUIT()), "a loop whose length is open"),
        (ops.PragmaLoop(1e9, CIRCUIT()), "a loop of 1e"),
        (ops.PragmaControlledCircuit(0, circuit_of(ops.PauliX(0))), "qubit 0 controls itself"),
        (
            ops.PragmaLoop(2, circuit_of(ops.PauliX(0), ops.PragmaSleep([0], 1.0))),
            r"operation 0 \(PragmaLoop\): operation 1: PragmaSleep",
        ),
    ],
)
def test_refusals_name_the_operation_and_its_place(operation: Any, said: str) -> None:
    with pytest.raises(QmkError, match=f"qoqo: .*{said}"):
        qmk.Circuit.from_object(circuit_of(operation))


def test_what_is_not_a_circuit_is_refused() -> None:
    with pytest.raises(QmkError, match=r"is not a program|cannot be read|program"):
        qmk.Circuit.from_object(ops.PauliX(0))


def test_what_qoqo_has_not_is_refused() -> None:
    bits = qmk.Circuit(1, 2).measure(0, 0)
    with bits.if_(~bits.bits[0]):
        bits.x(0)
    for circuit in (
        bits,
        qmk.Circuit(1, 2).measure(0, 0).assign(1, qmk.Circuit(1, 2).bits[0]),
        qmk.Circuit(2).depolarize(0.1, 0, 1),
        qmk.Circuit(1).fence(),
        qmk.Circuit(1).rx(qmk.Parameter("t", 2)[0], 0),
        whole.append(qmk.Circuit(1), [("rx", (qmk.Parameter("t"),), (0,), "", 0.5)]),
    ):
        with pytest.raises(QmkError, match="qoqo: op "):
            circuit.to("qoqo")
