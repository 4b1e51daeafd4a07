"""Amazon Braket's circuits both ways: the same operator, the same qubits and parameters; what is not carried over is
refused where it stands."""

from __future__ import annotations

import functools
import inspect
import math
import random
from typing import Any

import numpy as np
import pytest
from braket.ahs import AnalogHamiltonianSimulation
from braket.circuits import Circuit, FreeParameter, Gate, Instruction, Noise, Observable
from braket.default_simulator import StateVectorSimulator
from braket.ir.openqasm import Program
from braket.pulse import PulseSequence

import qmk
from qmk.adapters.braket.reader import CHANNELS, DIRECT
from qmk.base.errors import QmkError
from qmk.circuit.flat import flat_text

GATES = {
    kind: (len(inspect.signature(kind.__init__).parameters) - 1, kind.fixed_qubit_count())
    for kind in vars(Gate).values()
    if isinstance(kind, type) and kind not in (Gate.Unitary, Gate.PulseGate)
}
POWERLESS = (Gate.Swap, Gate.CNot, Gate.GPhase)
"""Braket's simulator drops the power of these."""
NOISES = {kind: len(inspect.signature(kind.__init__).parameters) - 1 for kind in CHANNELS}


def random_circuit(seed: int, noisy: bool) -> Circuit:
    """Gates with powers and control states on three qubits whose numbers are not contiguous."""
    rng = random.Random(seed)
    qubits = [0, 3, 7]
    made = Circuit()
    for qubit in qubits:
        made.u(qubit, *(rng.uniform(-3, 3) for _ in range(3)))
    for _ in range(8):
        kind = rng.choice(list(GATES))
        angles, size = GATES[kind]
        chosen = rng.sample(qubits, 3)
        given: dict[str, Any] = {}
        if rng.random() < 0.4 and size < 3:
            given = {"control": chosen[size:], "control_state": [rng.randrange(2) for _ in chosen[size:]]}
            if kind is Gate.GPhase:  # Braket's simulator takes it under controls that hold 1 alone
                given["control_state"] = [1] * len(chosen)
        if rng.random() < 0.3 and kind not in POWERLESS:
            given["power"] = rng.choice([-2, -1, 2, 3])
        made.add_instruction(Instruction(kind(*(rng.uniform(-3, 3) for _ in range(angles))), chosen[:size], **given))
        if noisy:
            noise = rng.choice(list(NOISES))
            made.add_instruction(
                Instruction(noise(*(rng.uniform(0, 0.3) for _ in range(NOISES[noise]))), chosen[: size_of(noise)])
            )
    return made


def size_of(noise: Any) -> int:
    return 2 if noise.__name__.startswith("TwoQubit") else 1


def there_and_back(circuit: Circuit) -> Circuit:
    return qmk.Circuit.from_object(circuit).to("braket")


def state(circuit: Circuit) -> Any:
    """By Braket's simulator; ``to_unitary`` of its SDK takes no notice of control states."""
    program = circuit.copy().state_vector().to_ir("OPENQASM")
    return StateVectorSimulator().run(program).resultTypes[0].value


def density(circuit: Circuit) -> Any:
    """The density matrix by the matrices of its operators; Braket's simulator fails on some of three qubits."""
    qubits = sorted(map(int, circuit.qubits))
    n = len(qubits)
    rho = np.zeros((1 << n, 1 << n), complex)
    rho[0, 0] = 1
    for each in circuit.instructions:
        operator: Any = each.operator
        on = [qubits.index(int(qubit)) for qubit in (*each.control, *each.target)]
        if isinstance(operator, Noise):
            operators = operator.to_matrix()
        else:
            matrix = np.linalg.matrix_power(np.atleast_2d(operator.to_matrix()), int(each.power))
            size, count = len(matrix), len(each.control)
            at = int("".join(map(str, each.control_state.as_tuple)) or "0", 2) * size
            operators = [np.eye(size << count, dtype=complex)]
            operators[0][at : at + size, at : at + size] = matrix
        whole = [embed(matrix, on, n) for matrix in operators]
        rho = sum(each @ rho @ each.conj().T for each in whole)
    return rho


def embed(matrix: Any, on: list[int], n: int) -> Any:
    """The matrix on these of n qubits, the first the highest bit of an index."""
    rest = [q for q in range(n) if q not in on]
    whole = np.kron(matrix, np.eye(1 << len(rest))).reshape([2] * (2 * n))
    axes = [[*on, *rest].index(q) for q in range(n)]
    return whole.transpose([*axes, *(n + a for a in axes)]).reshape(1 << n, 1 << n)


def check_round_trip(seed: int) -> None:
    """The same state, with its phase, of the same qubits; measurements of the same qubits into the same bits."""
    before = random_circuit(seed, noisy=False)
    after = there_and_back(before)
    assert sorted(map(int, after.qubits)) == [0, 3, 7]
    wanted = state(before)
    assert np.allclose(state(after), wanted, atol=1e-7)
    assert abs(abs(np.vdot(qmk.state(before), wanted)) - 1) < 1e-7
    rng = random.Random(seed)
    before.measure(rng.sample([0, 3, 7], rng.randint(1, 3)))
    assert measurements(there_and_back(before)) == measurements(before)


def check_noise(seed: int) -> None:
    """The same density matrix."""
    before = random_circuit(seed, noisy=True)
    assert np.allclose(density(there_and_back(before)), density(before), atol=1e-7)


def measurements(circuit: Circuit) -> list[str]:
    return [line for line in circuit.to_ir("OPENQASM").source.splitlines() if "measure" in line]


@pytest.mark.parametrize("seed", range(25))
def test_random_circuits_come_back_the_same(seed: int) -> None:
    check_round_trip(seed)


@pytest.mark.parametrize("seed", range(12))
def test_random_circuits_with_noise_come_back_the_same(seed: int) -> None:
    check_noise(seed)


@pytest.mark.parametrize("kind", NOISES)
def test_noise_comes_back_as_the_same_channel(kind: Any) -> None:
    noise = kind(*[0.1 * (k + 1) for k in range(NOISES[kind])])
    circuit = Circuit().h(0).rx(1, 0.4).cnot(0, 1)
    circuit.add_instruction(Instruction(noise, range(size_of(kind))))
    after = there_and_back(circuit)
    (made,) = [each.operator for each in after.instructions if isinstance(each.operator, Noise)]
    assert np.allclose(choi(made), choi(noise))


def choi(noise: Any) -> Any:
    """The channel as a matrix, whatever its operators are."""
    return sum(np.kron(k, np.conj(k)) for k in noise.to_matrix())


def test_other_channels_come_back() -> None:
    kraus = [np.sqrt(0.9) * np.eye(4), np.sqrt(0.1) * np.kron([[0, 1], [1, 0]], [[1, 0], [0, -1]])]
    circuit = Circuit().h(0).cnot(0, 1).kraus([0, 1], kraus).two_qubit_pauli_channel(0, 1, {"XY": 0.1, "IZ": 0.2})
    assert "kraus" in there_and_back(circuit).to_ir("OPENQASM").source
    before = [choi(each.operator) for each in circuit.instructions if isinstance(each.operator, Noise)]
    after = [choi(each.operator) for each in there_and_back(circuit).instructions if isinstance(each.operator, Noise)]
    assert all(np.allclose(a, b) for a, b in zip(before, after, strict=True))


def test_every_gate_is_read_with_its_phase() -> None:
    assert set(DIRECT) <= set(GATES)
    for kind, (angles, size) in GATES.items():
        circuit = functools.reduce(lambda made, qubit: made.u(qubit, 0.3, 0.4, 0.5 + qubit), range(3), Circuit())
        gate = kind(*(0.3 + 0.2 * k for k in range(angles)))
        circuit.add_instruction(
            Instruction(gate, range(1, size + 1) if size < 3 else range(3), control=[0][: size < 3])
        )
        assert np.allclose(state(there_and_back(circuit)), state(circuit), atol=1e-9), kind


def test_parameters_stay_open_under_their_names() -> None:
    a, b = FreeParameter("alpha"), FreeParameter("beta")
    circuit = Circuit().rx(0, 2 * a + 1).ry(1, a / b - 0.5).rz(0, a**2).bit_flip(0, b).xy(0, 1, b)
    found = qmk.Circuit.from_object(circuit)
    assert found.parameters == {"alpha": None, "beta": None}
    values = {"alpha": 0.3, "beta": 0.2}
    bound = circuit.make_bound_circuit(values)
    assert np.allclose(density(there_and_back(circuit).make_bound_circuit(values)), density(bound))
    value = qmk.expectation(Circuit().rx(0, 2 * a), "Z", params={"alpha": 0.2}).value
    assert value == pytest.approx(math.cos(0.4))


def test_qubits_keep_their_numbers_and_measurements_their_bits() -> None:
    circuit = Circuit().x(9).h(4).measure([9, 4])
    found = qmk.Circuit.from_object(circuit)
    assert (found.n_qubits, found.n_bits) == (2, 2)
    assert set(qmk.run(circuit, shots=100, seed=1).counts) == {"01", "11"}  # register b, its bit 0 rightmost
    assert there_and_back(circuit) == circuit


def test_a_circuit_without_measurements_is_measured_as_a_whole() -> None:
    circuit = Circuit().x(0).i(5)
    assert qmk.run(circuit, shots=5).counts == {"01": 5}
    assert there_and_back(circuit) == circuit


def test_the_native_core_reads_gates_and_measurements_without_a_graph() -> None:
    circuit = Circuit().h(0).cnot(0, 5).rx(7, FreeParameter("a"))
    text = flat_text(qmk.Circuit.from_object(circuit))
    assert text is not None
    for params in ({"a": 0.4}, {"a": 2.0}):
        of_text = qmk.run(text.decode(), params=params, shots=200, seed=5).counts
        assert qmk.run(circuit, params=params, shots=200, seed=5).counts == of_text
    assert flat_text(qmk.Circuit.from_object(circuit.bit_flip(0, 0.1))) is None


def test_result_types_barriers_and_boxes() -> None:
    hermitian = Observable.Hermitian(np.array([[1, 0.5j], [-0.5j, 2]]))
    circuit = Circuit().h(0).barrier([0]).add_verbatim_box(Circuit().cnot(0, 3))
    circuit.expectation(Observable.X() @ hermitian, [0, 3]).probability([3]).variance(Observable.H()).density_matrix(
        [0]
    )
    after = there_and_back(circuit)
    assert after.result_types == circuit.result_types
    plain = Circuit().rx(0, FreeParameter("a")).adjoint_gradient(2 * Observable.Z() + Observable.X(), [[0], [0]], ["a"])
    assert there_and_back(plain).result_types == plain.result_types
    names = [each.operator.name for each in after.instructions]
    assert names[:4] == ["H", "Barrier", "Barrier", "CNot"]


def test_our_gates_become_theirs() -> None:
    made = qmk.Circuit(3).ch(0, 1).fsim(0.1, 0.2, 0, 1).iswapdg(0, 2).rzx(0.3, 1, 2).ccz(0, 1, 2).p(0.2, 0, ctrl=1)
    made.sx(0, ctrl=[1, 2], ctrl_state="01").rx(0.3, 0, power=0.5).unitary([[0, 1], [1, 0]], 2).cu(
        0.1, 0.2, 0.3, 0.4, 0, 1
    )
    assert abs(abs(np.vdot(state(made.to("braket")), qmk.state(made))) - 1) < 1e-9


REFUSED = {
    "a unitary on 4 qubits": lambda: Circuit().unitary(matrix=np.eye(16), targets=range(4)),
    "PulseGate": lambda: Circuit().pulse_gate(0, PulseSequence()),
    "'floor(a)'": lambda: Circuit().rx(0, floor(FreeParameter("a"))),
}


def floor(parameter: Any) -> Any:
    import sympy
    from braket.circuits import FreeParameterExpression

    return FreeParameterExpression(sympy.floor(parameter.expression))


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_read_is_refused_where_it_stands(what: str) -> None:
    with pytest.raises(QmkError, match="instruction 0") as caught:
        qmk.Circuit.from_object(REFUSED[what]())
    assert what in caught.value.message
    assert caught.value.kind.name == "UNSUPPORTED"


@pytest.mark.parametrize(
    ("made", "what"),
    [
        (qmk.Circuit(1).measure_all().readout_error(0, p01=0.1), "noise.readout"),
        (qmk.Circuit(1).rx(qmk.Parameter("w", 2)[0], 0), "vector"),
    ],
)
def test_what_is_not_written_is_refused_where_it_stands(made: qmk.Circuit, what: str) -> None:
    with pytest.raises(QmkError, match="op ") as caught:
        made.to("braket")
    assert what in caught.value.message


def test_programs_of_text() -> None:
    text = "OPENQASM 3.0;\ninput float a;\nqubit[2] q;\nrx(a) q[0];\ncnot q[0], q[1];"
    assert qmk.run(Program(source=text, inputs={"a": math.pi}), shots=3).counts == {"11": 3}
    assert qmk.run(Program(source=text), shots=3, params={"a": math.pi}).counts == {"11": 3}
    two = text.replace("input", "input float b;\ninput", 1)
    with pytest.raises(QmkError, match="no value for b"):
        qmk.run(Program(source=two, inputs={"a": 1.0}), shots=1)


def test_an_analog_program_goes_to_its_front_end() -> None:
    from braket.ahs import AtomArrangement, DrivingField
    from braket.timings import TimeSeries

    register = AtomArrangement().add([0, 0])
    series = functools.reduce(lambda made, row: made.put(*row), [(0, 2.5e6), (1e-6, 2.5e6)], TimeSeries())
    still = TimeSeries().put(0, 0).put(1e-6, 0)
    program = AnalogHamiltonianSimulation(register, DrivingField(series, still, still))
    assert qmk.run(program, shots=20, seed=1).shots == 20


def test_other_objects_are_refused() -> None:
    with pytest.raises(QmkError, match="not a program"):
        qmk.run(Gate.H(), shots=1)


def test_bits_that_nothing_writes_are_left_out() -> None:
    made = qmk.Circuit(2, 8).x(1).measure([0, 1], [7, 3])
    source = made.to("braket").to_ir("OPENQASM").source
    assert "bit[2] b;" in source
    assert "b[1] = measure q[0];" in source
    assert "b[0] = measure q[1];" in source
