"""PennyLane's tapes and QNodes as circuits, and back. The device is tested in ``tests/unit/integrations``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pennylane
import pytest

import qmk
from qmk.adapters.pennylane.gates import FORMS, GATES
from qmk.circuit import whole
from qmk.circuit.building import PARAMS
from qmk.exact.simulator import exact_distribution
from qmk.frontends.openqasm.unitary import matrix_of
from qmk.ir.lower import lower
from qmk.ir.resolver import ALL_GATES
from qmk.qvm.families.gates import FIXED_SIZE

qml: Any = pennylane


def unitary(circuit: qmk.Circuit) -> np.ndarray[Any, Any]:
    return np.array(matrix_of(whole.unitary_of(circuit), circuit.n_qubits))


def read(*operators: Any) -> qmk.Circuit:
    return qmk.Circuit.from_object(qml.tape.QuantumScript(list(operators)))


def matrix_of_tape(tape: Any, wires: list[Any]) -> np.ndarray[Any, Any]:
    """Its operators multiplied; PennyLane's own function fails for phases on no wire."""
    found = np.eye(1 << len(wires), dtype=complex)
    for op in tape.operations:
        is_phase = isinstance(op, qml.GlobalPhase)
        found = np.exp(-1j * op.data[0]) * found if is_phase else qml.matrix(op, wire_order=wires) @ found
    return found


def gate_of(kind: Any, rng: np.random.Generator) -> tuple[Any, int]:
    if kind is qml.PauliRot:
        return qml.PauliRot(rng.uniform(-3, 3), "XIY", [0, 1, 2]), 3
    if kind is qml.MultiControlledX:
        return qml.MultiControlledX([0, 1, 2], [1, 0]), 3
    size = 2 if kind is qml.MultiRZ else kind.num_wires or 1
    return kind(*rng.uniform(-3, 3, kind.num_params), wires=range(size)), size


KINDS = [kind for kind in (*GATES, *FORMS) if kind is not qml.Barrier]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_gate_has_its_matrix_also_undone_and_under_controls(kind: Any) -> None:
    op, size = gate_of(kind, np.random.default_rng(3))
    first = [qml.Identity(k) for k in range(size)]
    assert np.allclose(unitary(read(*first, op)), qml.matrix(op, wire_order=range(size)))
    assert np.allclose(unitary(read(*first, qml.adjoint(op))), qml.matrix(qml.adjoint(op), wire_order=range(size)))
    for values in ([0], [1, 0]):
        ctrl = qml.ctrl(op, range(size, size + len(values)), control_values=values)
        wires = range(size + len(values))
        assert np.allclose(unitary(read(*map(qml.Identity, wires), ctrl)), qml.matrix(ctrl, wire_order=wires))


OTHERS = [
    lambda: qml.QFT([0, 1, 2]),
    lambda: qml.adjoint(qml.QFT([0, 1])),
    lambda: qml.ctrl(qml.QFT([0, 1]), 2),
    lambda: qml.pow(qml.RX(0.3, 0), 0.5),
    lambda: qml.pow(qml.SX(0) @ qml.X(1), 2),
    lambda: qml.DoubleExcitation(0.3, range(4)),
    lambda: qml.QubitUnitary(qml.matrix(qml.QFT([0, 1, 2])), range(3)),
    lambda: qml.ControlledQubitUnitary(qml.matrix(qml.RX(0.2, 0)), [0, 1]),
    lambda: qml.exp(qml.X(0) @ qml.Y(1), 0.3j),
    lambda: qml.evolve(qml.X(0) @ qml.Z(1) + qml.Y(0), 0.4),
    lambda: qml.prod(qml.X(0), qml.RY(0.2, 1)),
    lambda: qml.TrotterProduct(qml.X(0) @ qml.Y(1) + qml.Z(0), 0.3, n=2),
    lambda: qml.BlockEncode([[0.1, 0.2], [0.3, 0.4]], [0, 1]),
    lambda: qml.Select([qml.X(1), qml.Z(1)], 0),
    lambda: qml.BasicEntanglerLayers([[0.1, 0.2]], wires=[0, 1]),
]


@pytest.mark.parametrize("make", OTHERS)
def test_other_operators_are_read_by_what_they_are_made_of(make: Any) -> None:
    op = make()
    wires = list(range(len(op.wires)))
    assert np.allclose(unitary(read(*map(qml.Identity, wires), op)), qml.matrix(op, wire_order=wires))


def test_counts_of_wires_and_of_measurements_are_printed_as_pennylane_prints_them() -> None:
    tape = qml.tape.QuantumScript([qml.X(2), qml.X("a")], [qml.counts(wires=[2, "a", 0]), qml.counts(wires=["a"])])
    assert qmk.run(tape, shots=5).counts == {"110 1": 5}
    assert qmk.Circuit.from_object(tape).qubits[0].name == "w2"
    rotated = qml.tape.QuantumScript([qml.H(0)], [qml.counts(qml.X(0))])
    assert qmk.run(rotated, shots=5).counts == {"0": 5}
    with qml.queuing.AnnotatedQueue() as queue:
        qml.X(0)
        first = qml.measure(0, reset=True)
        second = qml.measure(0)
        qml.cond(first & ~second, qml.X, qml.Z)(1)
        qml.counts([first, second])
        qml.counts(wires=1)
    tape = qml.tape.QuantumScript.from_queue(queue, shots=7)
    found = qmk.Circuit.from_object(tape)
    assert qmk.run(found, shots=5).counts == {"10 1": 5}
    without = qmk.Circuit.from_object(qml.tape.QuantumScript(tape.operations))
    assert [bit.name for bit in without.bits] == ["m0", "m1"]


def test_a_qnode_is_a_function_of_its_arguments_by_name() -> None:
    @qml.qnode(qml.device("default.qubit", wires=3))
    def node(x: Any, turns: int = 1) -> Any:
        for _ in range(turns):
            qml.RX(x[0], 0)
        qml.RY(2 * x[1], 1)
        return qml.expval(qml.Z(0))

    assert qmk.Circuit.from_object(node, {"x": [0.3, 0.1], "turns": 2}).n_qubits == 3  # idle wires of its device too
    assert (
        abs(qmk.expectation(node, "Z0 Z1", params={"x": [0.3, 0.1], "turns": 2}).value - math.cos(0.6) * math.cos(0.2))
        < 1e-9
    )
    curve = qmk.expectation(node, "Z1", [{"x": [0.0, y]} for y in (0.1, 0.2)], params={"turns": 1})
    assert np.allclose(curve.values, [math.cos(0.2), math.cos(0.4)])
    assert abs(qmk.gradient(node, "Z1", params={"x": [0.3, 0.1]}).by["x[1]"] + 2 * math.sin(0.2)) < 1e-9
    with pytest.raises(qmk.QmkError, match="missing 1 required positional argument"):
        qmk.expectation(node, "Z0")

    @qml.qnode(qml.device("default.qubit", wires=1))
    def plain() -> Any:
        qml.X(0)
        return qml.counts()

    assert qmk.run(plain, shots=3).counts == {"1": 3}


def test_channels_are_noise_of_the_program() -> None:
    channels = [
        qml.BitFlip(0.1, 0), qml.PhaseFlip(0.2, 1), qml.DepolarizingChannel(0.1, 0), qml.AmplitudeDamping(0.2, 1),
        qml.PhaseDamping(0.3, 0), qml.GeneralizedAmplitudeDamping(0.2, 0.4, 1), qml.ResetError(0.1, 0.2, 0),
        qml.PauliError("XY", 0.2, [0, 1]), qml.ThermalRelaxationError(0.1, 1.2, 1.3, 0.4, 0),
    ]  # fmt: skip
    before = [qml.RX(0.4, 0), qml.CNOT([0, 1]), qml.RY(0.7, 1)]
    tape = qml.tape.QuantumScript([*before, *channels], [qml.expval(qml.X(0) @ qml.Y(1)), qml.expval(qml.Z(1))])
    wanted = qml.device("default.mixed", wires=2).execute(tape)
    program = qmk.Circuit.from_object(tape)
    found = [qmk.expectation(program, each).value for each in ("XY", "IZ")]
    assert np.allclose(found, wanted)
    again = qml.device("default.mixed", wires=2).execute(program.to("pennylane").copy(measurements=tape.measurements))
    assert np.allclose(again, wanted)


REFUSED = {
    "postselection": lambda: [qml.ops.MidMeasure(0, postselect=1)],
    "batch of several": lambda: [qml.RX(np.array([0.1, 0.2]), 0)],
    "not a finite number": lambda: [qml.RX(math.nan, 0)],
    "snapshot": lambda: [qml.Snapshot()],
    "place of a cut": lambda: [qml.WireCut(0)],
    "not on the tape before it": lambda: [qml.ops.Conditional(qml.measure(0), qml.X(1))],
    "more than two qubits": lambda: [qml.QubitChannel([np.eye(8)], [0, 1, 2])],
    "neither a decomposition nor a matrix": lambda: [qml.Displacement(0.1, 0.2, wires=0)],
    "not orthonormal": lambda: [qml.QubitUnitary(np.ones((2, 2)), 0, unitary_check=False)],
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_has_no_form_is_refused_with_its_place(what: str) -> None:
    with pytest.raises(qmk.QmkError, match=rf"operator 0.*{what}") as refused:
        read(*REFUSED[what]())
    assert refused.value.fields["help"]


def test_measurements_that_give_no_bits_of_a_program_are_refused() -> None:
    for process, what in (
        (qml.classical_shadow([0]), "shadows"),
        (qml.counts(qml.Hermitian(np.eye(2), 0)), "not a product of Paulis"),
    ):
        with pytest.raises(qmk.QmkError, match=what):
            qmk.Circuit.from_object(qml.tape.QuantumScript([qml.H(0)], [process]))
    with pytest.raises(qmk.QmkError, match="measured in two bases"):
        qmk.Circuit.from_object(qml.tape.QuantumScript([qml.H(0)], [qml.counts(qml.X(0)), qml.counts(wires=0)]))
    with pytest.raises(qmk.QmkError, match="a Wires is not a program"):
        qmk.Circuit.from_object(qml.wires.Wires([0]))


@pytest.mark.parametrize("short", list(PARAMS))
def test_every_gate_is_written_and_read_back(short: str) -> None:
    rng, size = np.random.default_rng(5), FIXED_SIZE[short].vqs.low
    for controls, power in (("", 1.0), ("0", 1.0), ("10", -1.0), ("1", 0.5)):
        n = len(controls) + max(size, 1)
        circuit = qmk.Circuit(n).id(range(n))
        angles = rng.uniform(-3, 3, len(PARAMS[short])).tolist()
        modifiers = {"ctrl": list(range(len(controls))), "ctrl_state": controls} if controls else {}
        qubits = range(len(controls), len(controls) + size)
        try:
            circuit.apply(short, *angles, *qubits, power=power, **modifiers)
        except qmk.QmkError:
            continue  # it has no such power
        tape = circuit.to("pennylane")
        assert np.allclose(matrix_of_tape(tape, list(range(n))), unitary(circuit))
        assert np.allclose(unitary(qmk.Circuit.from_object(tape)), unitary(circuit))


def test_registers_branches_and_bases_are_written() -> None:
    circuit = qmk.Circuit({"data": 2, "anc": None}, 2).h(0).measure(0, 0).measure("anc", "x", basis="Y").sdg("anc")
    with circuit.if_(circuit.bits[0]):
        circuit.x(1)
        with circuit.if_("x"):
            circuit.z(1)
    with circuit.else_():
        circuit.y("anc")
    circuit.measure(1, 1).assign("odd", circuit.bits[0] ^ circuit.bits[1]).reset("anc")
    tape = circuit.to("pennylane")
    assert list(tape.wires.labels) == ["data[0]", "anc", "data[1]"]
    wanted = qmk.run(circuit, shots=400, seed=2).counts
    assert qmk.run(tape, shots=400, seed=2).counts == wanted


def test_registers_come_back_in_the_order_in_which_they_are_printed() -> None:
    circuit = qmk.Circuit(2, {"low": 1, "high": 1}).x(0).measure(0, "high").measure(1, "low")
    tape = circuit.to("pennylane")
    assert [process.wires.tolist() for process in tape.measurements] == [[0], [1]]
    assert qmk.run(tape, shots=5).counts == qmk.run(circuit, shots=5).counts == {"1 0": 5}


def test_what_pennylane_cannot_say_is_refused_by_name() -> None:
    branched = qmk.Circuit(2, 2).measure(0, 0)
    with branched.if_(0):
        branched.measure(1, 1)
    for circuit, what in (
        (qmk.Circuit(1).rx(qmk.Parameter("x"), 0), "no value yet"),
        (branched, "under a condition"),
        (qmk.Circuit(1).fence(), "fence"),
        (qmk.Circuit(2, 2).measure(0, 0), "never written"),
        (qmk.Circuit(1).measure(0).readout_error(0, p01=0.1), "readout"),
    ):
        with pytest.raises(qmk.QmkError, match=what):
            circuit.to("pennylane")


def random_tape(rng: np.random.Generator) -> Any:
    """Gates under conditions and controls, measurements on the way, counts of all wires and of some of these."""
    wires: list[Any] = [0, 1, 2, 3] if rng.random() < 0.5 else ["a", "b", "c", "d"]
    operators: list[Any] = []
    values: list[Any] = []
    for _ in range(12):
        op, size = gate_of(KINDS[rng.integers(len(KINDS))], rng)
        op = qml.map_wires(op, dict(enumerate(rng.permutation(4).tolist())))
        choice = rng.random()
        if choice < 0.2 and size < 4:
            free = [wire for wire in range(4) if wire not in op.wires]
            op = qml.ctrl(op, free[:1], control_values=[bool(rng.integers(2))])
        elif choice < 0.3:
            op = qml.adjoint(op)
        if rng.random() < 0.15:
            value = qml.measure(int(rng.integers(4)), reset=bool(rng.integers(2)))
            operators += value.measurements
            values.append(value)
        if values and rng.random() < 0.3:
            op = qml.ops.Conditional(values[rng.integers(len(values))] ^ values[-1], op)
        operators.append(op)
    moved = dict(enumerate(wires))
    shown = [qml.counts(wires=wires), *(qml.counts(op=value) for value in values[:2])]
    tape = qml.tape.QuantumScript(operators, shown, shots=100)
    return qml.map_wires(tape, moved)[0][0] if wires[0] == "a" else tape


def check_round_trip(seed: int) -> None:
    tape = random_tape(np.random.default_rng(seed))
    circuit = qmk.Circuit.from_object(tape)
    back = circuit.to("pennylane")
    assert [m.wires.tolist() for m in back.measurements] == [m.wires.tolist() for m in tape.measurements]
    assert back.shots == tape.shots
    wires = tape.measurements[0].wires.tolist()
    if not any(isinstance(op, (qml.ops.MidMeasure, qml.ops.Conditional)) for op in tape.operations):
        assert np.allclose(matrix_of_tape(back, wires), matrix_of_tape(tape, wires))
        return
    assert len(back.measurements) == len(tape.measurements)
    first, second = (
        exact_distribution(lower(each.graph, ALL_GATES)) for each in (circuit, qmk.Circuit.from_object(back))
    )
    assert all(abs(first.get(key, 0.0) - second.get(key, 0.0)) < 1e-12 for key in {*first, *second}), seed
    mine = np.zeros(16)
    for key, chance in first.items():
        mine[int(key.split()[0], 2)] += chance
    (deferred,), _ = qml.defer_measurements(tape.copy(measurements=[qml.probs(wires=wires)], shots=None))
    assert np.allclose(mine, qml.device("default.qubit").execute(deferred), atol=1e-9), seed


@pytest.mark.parametrize("seed", range(25))
def test_round_trips(seed: int) -> None:
    check_round_trip(seed)
