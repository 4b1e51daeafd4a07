"""Qiskit's circuits are read with their meaning, compared with Qiskit's own and Aer's; what is written reads back."""

from __future__ import annotations

import io
import itertools
import math
from typing import Any

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, qpy
from qiskit.circuit import (
    AnnotatedOperation,
    Clbit,
    ControlModifier,
    Gate,
    Instruction,
    InverseModifier,
    Parameter,
    ParameterVector,
    PowerModifier,
    Qubit,
)
from qiskit.circuit.classical import expr, types
from qiskit.circuit.library import (
    PauliEvolutionGate,
    RYGate,
    SGate,
    UnitaryGate,
    XGate,
    get_standard_gate_name_mapping,
)
from qiskit.quantum_info import Kraus, Operator, SparsePauliOp, Statevector, random_unitary

import qmk
from qmk.adapters.qiskit.read import read
from qmk.adapters.qiskit.write import write
from qmk.circuit.flat import flat_text
from qmk.exact.simulator import exact_distribution
from qmk.ir.lower import lower
from qmk.ir.parameters import decode_name, encode_name
from qmk.ir.resolver import ALL_GATES
from qmk.request import native_text
from qmk.worker.native import circuit_of_graph
from tests.unit.adapters.qiskit_circuits import random_circuit

STANDARD = {
    name: gate
    for name, gate in get_standard_gate_name_mapping().items()
    if name not in ("measure", "reset", "delay", "global_phase")
}


def distribution(circuit: Any) -> dict[str, float]:
    """The exact probabilities of what a circuit of ours prints."""
    return exact_distribution(lower(circuit.to_graph(), ALL_GATES))


def distance(a: dict[str, float], b: dict[str, float]) -> float:
    return sum(abs(a.get(key, 0.0) - b.get(key, 0.0)) for key in a.keys() | b.keys())


def unitary(circuit: QuantumCircuit) -> Any:
    """The matrix of a circuit as we run it, from the states of all bases, with its phase under a control."""
    n = circuit.num_qubits
    columns: list[Any] = []
    for column in range(1 << n):
        whole = QuantumCircuit(n + 1)
        whole.h(n)
        for k in range(n):
            if column >> k & 1:
                whole.x(k)
        whole.append(circuit.to_gate().control(1), [n, *range(n)])
        state = qmk.state(read(whole)).reshape((2,) * (n + 1)).transpose(range(n, -1, -1)).reshape(2, -1)
        reference = state[0][column]
        columns.append(state[1] / reference)
    return np.array(columns).T


@pytest.mark.parametrize("name", STANDARD)
def test_a_standard_gate_has_its_matrix(name: str) -> None:
    gate = STANDARD[name]
    rng = np.random.default_rng(len(name))
    made = type(gate)(*rng.uniform(0.2, 2.8, len(gate.params))) if gate.params else gate
    circuit = QuantumCircuit(gate.num_qubits)
    circuit.append(made, range(gate.num_qubits))
    assert np.allclose(unitary(circuit), Operator(circuit).data, atol=1e-6)
    back = write(read(circuit))
    assert np.allclose(Operator(back).data, Operator(circuit).data, atol=1e-9)


@pytest.mark.parametrize(
    "gate",
    [
        RYGate(0.3).control(2, ctrl_state=1),
        XGate().control(3, ctrl_state=5),
        STANDARD["cu"].__class__(0.1, 0.2, 0.3, 0.4).control(1, ctrl_state=0),
        AnnotatedOperation(SGate(), [ControlModifier(1, 0), InverseModifier()]),
        AnnotatedOperation(RYGate(0.4), [PowerModifier(3), ControlModifier(2, 2)]),
        UnitaryGate(random_unitary(4, seed=1)),
        UnitaryGate(random_unitary(8, seed=2)),
        UnitaryGate(random_unitary(16, seed=3)),
        PauliEvolutionGate(SparsePauliOp(["XZ", "YY"], [0.3, 0.2]), time=0.7),
    ],
    ids=lambda gate: type(gate).__name__,
)
def test_other_gates_have_their_matrix(gate: Any) -> None:
    circuit = QuantumCircuit(gate.num_qubits, global_phase=0.4)
    circuit.append(gate, range(gate.num_qubits))
    wanted = Operator(circuit.decompose() if isinstance(gate, PauliEvolutionGate) else circuit).data
    got = Operator(write(read(circuit))).data
    assert np.allclose(got, wanted, atol=1e-6)


def test_registers_and_loose_bits_keep_names_and_order() -> None:
    odd = ClassicalRegister(1, "a b")
    circuit = QuantumCircuit(QuantumRegister(2, "data"), [Qubit()], odd, ClassicalRegister(2, "c"), [Clbit()])
    circuit.x([0, 2])
    circuit.measure([0, 2, 1], [0, 2, 3])
    ours = read(circuit)
    assert qmk.run(circuit, shots=3).counts == {"0 10 1": 3}
    back = write(ours)
    assert [register.name for register in back.cregs] == ["a b", "c"]
    assert [register.name for register in back.qregs] == ["data"]
    assert (back.num_qubits, back.num_clbits) == (3, 4)
    loose = QuantumCircuit([Qubit(), Qubit()], [Clbit(), Clbit()])
    loose.x(0)
    loose.measure([0, 1], [0, 1])
    assert qmk.run(loose, shots=3).counts == {"01": 3}
    assert not write(read(loose)).cregs


def test_parameters_keep_names_and_expressions() -> None:
    theta, odd = ParameterVector("θ", 3), Parameter("a b")
    circuit = QuantumCircuit(2, global_phase=odd)
    circuit.rx(theta[0] * 2 + odd, 0)
    circuit.ry((theta[1] - odd / 3).sin() + abs(theta[2]) ** 2, 1)
    circuit.cx(0, 1)
    assert read(circuit).parameters == {encode_name("a b"): None, "θ": 3}
    wanted = Statevector(circuit.assign_parameters({theta: [0.1, 0.2, 0.3], odd: 0.4})).expectation_value(
        SparsePauliOp("ZZ")
    )
    by_element = {**{theta[k]: 0.1 + 0.1 * k for k in range(3)}, odd: 0.4}
    for params in (
        {theta: [0.1, 0.2, 0.3], odd: 0.4},
        {"θ": [0.1, 0.2, 0.3], "a b": 0.4},
        by_element,
        {key.name: value for key, value in by_element.items()},
    ):
        assert qmk.expectation(circuit, "ZZ", params=params).value == pytest.approx(wanted)
    back = write(read(circuit))
    assert {p.name for p in back.parameters} == {"θ[0]", "θ[1]", "θ[2]", "a b"}
    swept = qmk.sweep(circuit, {theta: [[0.1, 0.2, 0.3]] * 2, odd: [0.4, 0.5]}, "ZZ")
    assert swept.values[0, 0] == pytest.approx(wanted)


@pytest.mark.parametrize("name", ["a", "a b", "θ", "1a", "$\\theta$", "", "x-y", "٣", "☃"])
def test_names_are_encoded_as_identifiers_and_back(name: str) -> None:
    found = encode_name(name)
    assert found.isidentifier()
    assert decode_name(found) == name
    assert encode_name(found) == found


def jumps() -> QuantumCircuit:
    circuit = QuantumCircuit(2, 3)
    with circuit.for_loop(range(4)) as k:
        circuit.rx(k * 0.3, 0)
        circuit.measure(0, 0)
        with circuit.if_test((0, 1)):
            circuit.break_loop()
        circuit.ry(k * 0.2 + 0.1, 1)
        circuit.measure(1, 1)
        with circuit.if_test((1, 1)):
            circuit.continue_loop()
        circuit.h(0)
    circuit.measure(1, 2)
    return circuit


def test_jumps_switches_and_registers_agree_with_aer() -> None:
    """A distance beyond the bound has probability 1e-9 at most."""
    from qiskit_aer import AerSimulator

    switch = QuantumCircuit(3, 3)
    switch.h([0, 1])
    switch.measure([0, 1], [0, 1])
    with switch.switch(switch.cregs[0]) as case:
        with case(0):
            switch.x(2)
        with case(1, 2):
            switch.h(2)
            switch.measure(2, 0)
        with case(case.DEFAULT):
            switch.ry(0.3, 2)
    switch.measure(2, 2)
    shots = 4000
    for circuit in (jumps(), switch):
        counts = AerSimulator().run(circuit, shots=shots, seed_simulator=7).result().get_counts()
        wanted = distribution(read(circuit))
        bound = math.sqrt(2 * (8 * math.log(2) + 9 * math.log(10)) / shots)
        assert distance(wanted, {key: n / shots for key, n in counts.items()}) < bound


def evaluate(op: str, a: int, b: int) -> int:
    found = {
        "add": (a + b) % 8, "sub": (a - b) % 8, "mul": (a * b) % 8, "bit_and": a & b, "bit_or": a | b, "bit_xor": a ^ b,
        "less": a < b, "less_equal": a <= b, "greater": a > b, "greater_equal": a >= b, "equal": a == b,
        "not_equal": a != b, "shift_left": (a << b) % 8, "shift_right": a >> b,
    }  # fmt: skip
    return int(found[op])


@pytest.mark.parametrize(
    "op",
    ["add", "sub", "mul", "bit_and", "bit_or", "bit_xor", "less", "less_equal", "greater", "greater_equal", "equal",
     "not_equal", "shift_left", "shift_right"],
)  # fmt: skip
def test_classical_expressions_of_measured_bits(op: str) -> None:
    """Every pair of values, in one circuit whose bits are all random."""
    circuit = QuantumCircuit(6)
    a, b, out = ClassicalRegister(3, "a"), ClassicalRegister(3, "b"), ClassicalRegister(3, "out")
    for register in (a, b, out):
        circuit.add_register(register)
    circuit.h(range(6))
    circuit.measure(range(6), [*a, *b])
    made = getattr(expr, op)(a, b)
    circuit.store(out, made if made.type != types.Bool() else expr.cast(made, types.Uint(3)))
    found = distribution(read(circuit))
    wanted = {f"{evaluate(op, x, y):03b} {y:03b} {x:03b}": 1 / 64 for x, y in itertools.product(range(8), repeat=2)}
    assert distance(found, wanted) < 1e-9


def test_variables_loops_over_them_and_indexes() -> None:
    circuit = QuantumCircuit(3, 3)
    count = circuit.add_var("count", expr.lift(0, types.Uint(4)))
    flag = circuit.add_var("flag", expr.lift(True))
    with circuit.while_loop(expr.less(count, 5)):
        circuit.rx(math.pi / 3, 0)
        circuit.store(count, expr.add(count, expr.lift(2, types.Uint(4))))
    circuit.measure(0, 0)
    circuit.store(flag, expr.logic_not(circuit.clbits[0]))
    with circuit.if_test(expr.logic_not(flag)):
        circuit.x(1)
    circuit.measure(1, 1)
    with circuit.if_test(expr.index(circuit.cregs[0], expr.lift(1, types.Uint(2)))), circuit.box():
        circuit.x(2)
    circuit.measure(2, 2)
    assert distribution(read(circuit)) == pytest.approx({"111": 1.0})
    assert distribution(read(write(read(circuit)))) == pytest.approx({"111": 1.0})


def test_instructions_with_bits_initialisation_and_delays() -> None:
    inner = QuantumCircuit(1, 1, global_phase=0.4)
    inner.h(0)
    inner.measure(0, 0)
    circuit = QuantumCircuit(2, 2)
    circuit.append(inner.to_instruction(), [0], [1])
    circuit.initialize([0.6, 0.8], 1)
    circuit.delay(100, 1)
    circuit.measure(1, 0)
    ours = read(circuit)
    assert distribution(ours) == pytest.approx({"00": 0.18, "01": 0.32, "10": 0.18, "11": 0.32})
    with pytest.warns(UserWarning, match="the delay only keeps its order"):
        qmk.run(circuit, shots=1)


def test_channels_arrive_and_are_written() -> None:
    flip = Kraus([np.sqrt(0.9) * np.eye(2), np.sqrt(0.1) * np.array([[0, 1], [1, 0]])])
    circuit = QuantumCircuit(1, 1)
    circuit.append(flip.to_instruction(), [0])
    circuit.measure(0, 0)
    assert distribution(read(circuit)) == pytest.approx({"0": 0.9, "1": 0.1})
    noisy = qmk.Circuit(2, 1).depolarize(0.3, 0, 1).measure(0, 0)
    assert distance(distribution(read(write(noisy))), distribution(noisy)) < 1e-9


def refused(circuit: Any) -> str:
    with pytest.raises(qmk.QmkError) as caught:
        read(circuit)
    assert caught.value.kind.name == "UNSUPPORTED"
    return caught.value.message


def test_what_is_refused_is_named_with_its_place() -> None:
    circuit = QuantumCircuit(1, 1)
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.while_loop((0, 1)):
        circuit.measure(0, 0)
    assert refused(circuit) == (
        "qiskit: instruction 2 (while_loop): a while loop that ends by a measurement, so its length is not known"
    )
    opaque = QuantumCircuit(1)
    opaque.append(Gate("mystery", 1, []), [0])
    assert "instruction 0 (mystery): the instruction 'mystery' (Gate) without a definition" in refused(opaque)
    inputs = QuantumCircuit(1, inputs=[expr.Var.new("x", types.Bool())])
    assert "the input variable 'x'" in refused(inputs)
    floats = QuantumCircuit(1, declarations=[(expr.Var.new("f", types.Float()), expr.lift(0.5))])
    assert "the variable 'f' of type Float" in refused(floats)
    sign = QuantumCircuit(1)
    sign.rx(Parameter("s").sign(), 0)
    assert "sign in the expression" in refused(sign)
    a, b = ClassicalRegister(2, "a"), ClassicalRegister(2, "b")
    divided = QuantumCircuit(QuantumRegister(1), a, b)
    divided.measure([0, 0], [0, 2])
    divided.store(a, expr.div(a, b))
    assert "a division of measured values" in refused(divided)
    assert "a Kraus is not a program" in refused(Kraus(np.eye(2)))
    names = QuantumCircuit(1)
    names.rx(Parameter("a_0x20_b"), 0)
    assert "a name that stands for another here" in refused(names)
    assert "instruction 0 (box), instruction 0 (deep)" in refused(nested())
    with pytest.raises(qmk.QmkError, match=r"there is no instruction for 'core\.mpauli'"):
        write(qmk.Circuit(2).measure_pauli("ZZ", 0, 1))


def nested() -> QuantumCircuit:
    inner = QuantumCircuit(1)
    inner.append(Instruction("deep", 1, 0, []), [0])
    circuit = QuantumCircuit(1)
    with circuit.box():
        circuit.append(Instruction("deep", 1, 0, []), [0])
    return circuit


def test_qpy_is_a_format() -> None:
    theta = Parameter("theta")
    circuit = QuantumCircuit(2, 2)
    circuit.rx(theta, 0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    file = io.BytesIO()
    qpy.dump(circuit, file)
    assert qmk.run(file.getvalue(), shots=5, params={"theta": math.pi}).counts == {"11": 5}
    with pytest.raises(qmk.QmkError, match="QPY-01"):
        qmk.run(file.getvalue()[:60], shots=5)
    file = io.BytesIO()
    qpy.dump([circuit, circuit], file)
    with pytest.raises(qmk.QmkError, match="the file has 2 circuits"):
        qmk.run(file.getvalue(), shots=5)


def check_gates(seed: int) -> None:
    """The same matrix, with its phase, by Qiskit's own account of it."""
    rng = np.random.default_rng(seed)
    circuit = QuantumCircuit(4, global_phase=rng.uniform(-3, 3))
    for name in rng.choice(sorted(STANDARD), 12):
        gate = STANDARD[name]
        angles = rng.uniform(-3, 3, len(gate.params))
        circuit.append(type(gate)(*angles) if gate.params else gate, rng.permutation(4)[: gate.num_qubits].tolist())
    assert np.allclose(Operator(write(read(circuit))).data, Operator(circuit).data, atol=1e-6)


def check_round_trip(seed: int) -> None:
    """A random circuit with control flow: its registers, parameters and distribution survive, twice."""
    circuit = random_circuit(seed)
    ours = read(circuit)
    back = write(ours)
    assert [(r.name, r.size) for r in back.cregs] == [(r.name, r.size) for r in circuit.cregs]
    assert [(r.name, r.size) for r in back.qregs] == [(r.name, r.size) for r in circuit.qregs]
    assert distance(distribution(read(back)), distribution(ours)) < 1e-9


@pytest.mark.parametrize("seed", range(25))
def test_random_circuits_come_back(seed: int) -> None:
    check_gates(seed)
    check_round_trip(seed)


@pytest.mark.parametrize("seed", range(10))
def test_flat_text_says_what_the_graph_says(seed: int) -> None:
    """The core's circuit of the text is that of the graph, for gates that both have as they are."""
    rng = np.random.default_rng(seed)
    circuit = qmk.Circuit({"a": 2, "b": None, "d": 3}, {"m": 2, "single": None, "w": 1})
    names = ["x", "sxdg", "rzz", "ryy", "iswap", "ccz", "fsim", "siswap", "u", "ecr"]
    for name in rng.permutation(names):
        method = getattr(circuit, name)
        angles = {"rzz": 1, "ryy": 1, "fsim": 2, "u": 3}.get(name, 0)
        qubits = {"x": 1, "sxdg": 1, "u": 1, "ccz": 3}.get(name, 2)
        method(*rng.uniform(-3, 3, angles), *map(int, rng.permutation(6)[:qubits]))
    circuit.barrier(0, 1).reset(2).measure([0, 1], "m").measure(2, "single")
    text = flat_text(circuit)
    assert text is not None
    assert native_text.read(text) == circuit_of_graph(circuit.graph)[0]


def test_circuits_that_no_flat_text_has() -> None:
    assert flat_text(qmk.Circuit(3).x(2, ctrl=[0, 1], ctrl_state="01")) is None
    assert flat_text(qmk.Circuit({"pi": 1})) is None
    assert flat_text(qmk.Circuit({"x": 2}, {"y": 2})) is None
    branch = qmk.Circuit(1, 1).measure(0, 0)
    with branch.if_(0):
        branch.x(0)
    assert flat_text(branch) is None
