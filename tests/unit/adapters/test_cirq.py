"""Cirq's circuits in and out: gates, channels, measurements, conditions, parameters, names, refusals."""

from __future__ import annotations

# Cirq's types are those of operations where its operators give Pauli strings.
# pyright: reportPrivateImportUsage=false, reportOperatorIssue=false, reportArgumentType=false
# pyright: reportAttributeAccessIssue=false
from typing import Any, cast

import cirq
import numpy as np
import pytest
import sympy

import qmk
from qmk.adapters.cirq.reader import read
from qmk.adapters.cirq.writer import write
from qmk.base.errors import QmkError
from qmk.circuit import whole
from qmk.circuit.building import PARAMS
from qmk.integrations.states import exact_state
from qmk.ir.names import base_of
from qmk.qvm.families.gates import FIXED_SIZE
from tests.unit.adapters.circuits_of_cirq import (
    CONTROLLED,
    OTHERS,
    POWERS,
    QUBITS,
    difference,
    distribution,
    random_circuit,
    unitary,
)

A, B, C, D = QUBITS


def refusal(*operations: Any) -> QmkError:
    with pytest.raises(QmkError) as refused:
        read(cirq.Circuit(*operations), None)
    assert refused.value.kind.name == "UNSUPPORTED"
    return refused.value


# -- gates -------------------------------------------------------------------------------------------------------------


def test_every_gate_has_its_matrix_with_its_phase() -> None:
    wrong = [gate for gate in (*POWERS, *OTHERS) if difference(gate.on(*QUBITS[: cirq.num_qubits(gate)])) > 1e-6]
    assert not wrong


def test_a_phase_is_physics_under_controls() -> None:
    wrong = [gate for gate in CONTROLLED if difference(gate.on(*QUBITS[: cirq.num_qubits(gate)])) > 1e-6]
    assert not wrong


def test_operations_that_are_not_a_gate_on_qubits() -> None:
    operations = [
        cirq.PauliString({A: cirq.X, B: cirq.Y}, coefficient=1j),
        cirq.PauliStringPhasor(cirq.PauliString({A: cirq.X, C: cirq.Z}), exponent_neg=0.3),
        cirq.X(A).with_tags("note", cirq.VirtualTag()),
        cirq.CircuitOperation(cirq.FrozenCircuit(cirq.H(A) ** 0.3, cirq.CX(A, B)), repetitions=3, qubit_map={A: D}),
        cirq.CircuitOperation(cirq.FrozenCircuit(cirq.T(A)), repetitions=-2),
        cirq.X(A).controlled_by(B, C, control_values=[0, 1]),
        cirq.global_phase_operation(1j),
    ]
    assert all(difference(operation) < 1e-6 for operation in operations)


def test_every_gate_of_ours_is_written_and_comes_back() -> None:
    rng = np.random.default_rng(1)
    for name, op in FIXED_SIZE.items():
        base, own = base_of(name)
        angles = tuple(map(float, rng.uniform(-3, 3, len(PARAMS[name]))))
        for controls, power in (("", 1.0), ("10", 1.0), ("", 0.5), ("0", -0.3)):
            size = op.vqs.low + len(controls)
            if not 0 < size <= 4:
                continue
            circuit, values = qmk.Circuit(size), controls + "1" * own
            plain = not controls and power == 1.0
            item = (name, angles, tuple(range(size))) if plain else (base, angles, tuple(range(size)), values, power)
            whole.append(circuit, [item])
            written = write(circuit)
            wanted = unitary(circuit)
            assert abs(written.unitary(qubit_order=QUBITS[:size]) - wanted).max() < 1e-6, (name, controls, power)
            assert abs(unitary(read(written, None)) - wanted).max() < 1e-6, (name, controls, power)


# -- channels ----------------------------------------------------------------------------------------------------------

CHANNELS: list[Any] = [
    cirq.depolarize(0.2).on(A),
    cirq.depolarize(0.2, n_qubits=2).on(A, B),
    cirq.asymmetric_depolarize(0.1, 0.2, 0.3).on(A),
    cirq.asymmetric_depolarize(error_probabilities={"II": 0.7, "XY": 0.1, "ZI": 0.2}).on(A, B),
    cirq.amplitude_damp(0.3).on(A),
    cirq.generalized_amplitude_damp(0.2, 0.3).on(A),
    cirq.phase_damp(0.3).on(A),
    cirq.phase_flip(0.3).on(A),
    cirq.bit_flip(0.3).on(A),
    cirq.bit_flip().on(A),
    cirq.reset(A),
    cirq.KrausChannel([np.diag([1, 0.6]), np.array([[0, 0.8], [0, 0]])]).on(A),
    cirq.MixedUnitaryChannel([(0.3, cirq.unitary(cirq.X)), (0.7, cirq.unitary(cirq.H))]).on(A),
    cirq.RandomGateChannel(sub_gate=cirq.CX, probability=0.3).on(A, B),
]


@pytest.mark.parametrize("channel", CHANNELS, ids=str)
def test_a_channel_has_its_effect_and_comes_back(channel: Any) -> None:
    prepared = cirq.Circuit(cirq.ry(0.7)(A), cirq.rx(0.4)(B), cirq.CX(A, B) ** 0.5, channel)
    strings = ["".join(pair) for pair in np.array(np.meshgrid(list("IXYZ"), list("IXYZ"))).T.reshape(-1, 2)]
    rho = cirq.DensityMatrixSimulator(dtype=np.complex128).simulate(prepared).final_density_matrix
    wanted = [np.trace(rho @ cirq.unitary(cirq.DensePauliString(text))).real for text in strings]
    observables: list[Any] = [{text: 1.0} for text in strings]
    found: Any = qmk.expectation(prepared, observables)
    assert [each.value for each in found] == pytest.approx(wanted, abs=1e-6)
    again = write(read(prepared, None))
    assert abs(cirq.DensityMatrixSimulator(dtype=np.complex128).simulate(again).final_density_matrix - rho).max() < 1e-6


def test_thermal_noise_of_ours_is_written_as_kraus_operators() -> None:
    circuit = qmk.Circuit(1).x(0).thermal(1e-5, 0, t1=1e-4, t2=5e-5)
    rho = cirq.DensityMatrixSimulator().simulate(write(circuit)).final_density_matrix
    assert rho[1, 1] == pytest.approx(np.exp(-0.1), abs=1e-5)


# -- measurements ------------------------------------------------------------------------------------------------------


def test_registers_print_as_cirq_counts() -> None:
    circuit = cirq.Circuit(cirq.X(A), cirq.measure(A, B, C, key="m"), cirq.measure(D, A, key="n"))
    assert qmk.run(circuit, shots=10, seed=1).counts == {"100 01": 10}
    made = read(circuit, None)
    assert [(out.name, len(out.bits)) for out in made.graph.outputs or ()] == [("m", 3), ("n", 2)]
    assert write(made) == circuit


def test_masks_confusion_and_pauli_measurements_come_back() -> None:
    confusion = {(1,): np.array([[0.9, 0.1], [0.3, 0.7]])}
    circuit = cirq.Circuit(
        cirq.measure(A, B, key="m", invert_mask=(True, False), confusion_map=confusion),
        cirq.measure_single_paulistring(-cirq.X(C) * cirq.Z(D), key="p"),
        cirq.X(A).with_classical_controls("m"),
        cirq.measure_single_paulistring(cirq.X(C) * cirq.Z(D), key="r"),
    )
    made = read(circuit, None)
    again = write(made)
    assert cirq.measurement_key_names(again) == {"m", "p", "r"}
    assert read(again, None).digest == made.digest
    counts = qmk.run(circuit, shots=2000, seed=1).counts
    assert {key[0] for key in counts} == {"1"}, "the first qubit reads 0, inverted"
    assert 100 < sum(n for key, n in counts.items() if key[1] == "1") < 320, "a 0 is read as 1 in a tenth"
    assert all(key[3] != key[5] for key in counts), "the same product, once negated"


def test_a_key_measured_again_has_its_records_side_by_side() -> None:
    circuit = cirq.Circuit(cirq.measure(A, B, key="m"), cirq.X(A), cirq.measure(A, B, key="m"))
    assert qmk.run(circuit, shots=5, seed=1).counts == {"0010": 5}
    assert write(read(circuit, None)) == circuit
    inner = cirq.FrozenCircuit(cirq.measure(A, key="m"), cirq.X(A))
    loop = cirq.CircuitOperation(inner, repetitions=3, use_repetition_ids=False)
    assert qmk.run(cirq.Circuit(loop), shots=5, seed=1).counts == {"010": 5}
    named = cirq.CircuitOperation(inner, repetitions=2, measurement_key_map={"m": "k"}, use_repetition_ids=True)
    made = read(cirq.Circuit(named), None)
    assert cirq.measurement_key_names(write(made)) == {"0:k", "1:k"}


# -- conditions --------------------------------------------------------------------------------------------------------


def check_control(seed: int) -> None:
    """The same keys, and the same exact distribution of all measurements."""
    circuit = random_circuit(seed)
    again = write(read(circuit, None))
    assert cirq.measurement_key_names(again) == cirq.measurement_key_names(circuit)
    wanted, found = distribution(circuit), distribution(again)
    assert found.keys() == wanted.keys()
    assert all(abs(found[key] - wanted[key]) < 1e-6 for key in wanted)


def check_gates(seed: int) -> None:
    """The same unitary with its phase."""
    circuit = cirq.Circuit(cirq.I.on_each(*QUBITS), cirq.testing.random_circuit(QUBITS, 12, 0.8, random_state=seed))
    wanted = circuit.unitary(qubit_order=QUBITS)
    assert np.allclose(write(read(circuit, None)).unitary(qubit_order=QUBITS), wanted, atol=1e-6)


@pytest.mark.parametrize("seed", range(25))
def test_a_random_circuit_with_classical_control_comes_back(seed: int) -> None:
    check_control(seed)


def test_a_random_circuit_draws_what_cirq_computes() -> None:
    circuit = random_circuit(3)
    wanted, shots = distribution(circuit), 20_000
    counts = qmk.run(circuit, shots=shots, seed=1).counts
    keys = sorted(cirq.measurement_key_names(circuit))
    assert keys == ["a", "b", "the end"]
    for text, count in counts.items():
        chance = wanted[tuple(int(part, 2) for part in text.split())]
        assert abs(count - shots * chance) < 6 * (shots * chance) ** 0.5 + 10


def test_a_condition_reads_the_record_that_it_names() -> None:
    circuit = cirq.Circuit(
        cirq.measure(A, key="m"),
        cirq.X(A),
        cirq.measure(A, key="m"),
        cirq.X(B).with_classical_controls(cirq.KeyCondition(cirq.MeasurementKey("m"), 0)),
        cirq.X(C).with_classical_controls(cirq.KeyCondition(cirq.MeasurementKey("m"))),
        cirq.measure(B, C, key="n"),
    )
    assert qmk.run(circuit, shots=5, seed=1).counts == {"01 01": 5}
    assert qmk.run(write(read(circuit, None)), shots=5, seed=1).counts == {"01 01": 5}


def test_branches_of_ours_are_written() -> None:
    circuit = qmk.Circuit(3, {"m": 2, "n": None})
    circuit.h(0).h(1).measure([0, 1], "m")
    with circuit.if_(circuit.bits[0] ^ circuit.bits[1]):
        circuit.x(2)
    with circuit.else_():
        circuit.h(2)
    circuit.measure(2, "n")
    written = write(circuit)
    assert distribution(written)[(1, 1)] == pytest.approx(0.25)
    assert distribution(written)[(0, 1)] == pytest.approx(0.125)


# -- parameters --------------------------------------------------------------------------------------------------------


def test_expressions_stay_open_and_come_back() -> None:
    t, u = sympy.symbols("t u")
    circuit = cirq.Circuit(
        cirq.H.on_each(*QUBITS),
        cirq.rx(2 * t + 1)(A),
        cirq.Y(B) ** (sympy.sin(t) / u),
        cirq.CZ(A, B) ** (t**2 - sympy.sqrt(u)),
        cirq.FSimGate(t * u, sympy.cos(u))(A, C),
        cirq.PhasedXZGate(x_exponent=t, z_exponent=u, axis_phase_exponent=t - u)(D),
        cirq.X(C) ** -t,
        cirq.PauliStringPhasor(cirq.X(A) * cirq.Z(B), exponent_neg=t),
        cirq.H(A) ** t,
        cirq.SWAP(A, B) ** u,
        cirq.ControlledGate(cirq.X**t).on(A, B),
    )
    made, values = read(circuit, None), {"t": 0.3, "u": 0.7}
    assert made.parameters == {"t": None, "u": None}
    wanted = cirq.resolve_parameters(circuit, values).final_state_vector(dtype=np.complex128)
    assert abs(exact_state(made.bind(values)) - wanted).max() < 1e-6
    again = cirq.resolve_parameters(write(made), values)
    assert abs(again.final_state_vector(dtype=np.complex128) - wanted).max() < 1e-6


def test_an_rx_of_a_symbol_is_that_symbol() -> None:
    made = read(cirq.Circuit(cirq.rx(sympy.Symbol("t"))(A)), None)
    assert made.ops[0].args["theta"] == qmk.Parameter("t")
    assert made.inputs.only_angles


# -- names -------------------------------------------------------------------------------------------------------------


def test_qubits_of_every_kind_keep_their_names_and_order() -> None:
    qubits = [
        cirq.GridQubit(1, -2),
        cirq.GridQubit(0, 3),
        cirq.NamedQubit("alice"),
        cirq.NamedQubit("q_1"),
        cirq.LineQubit(7),
    ]
    readout = [cirq.measure(qubit, key=f"k{k}") for k, qubit in enumerate(sorted(qubits))]
    circuit = cirq.Circuit(cirq.X(qubits[0]), readout)
    made = read(circuit, None)
    assert [qubit.name for qubit in made.qubits] == ["q_0_3", "q_1_m2", "q_7", "alice", "q_1"]
    assert write(made) == circuit
    assert list(qmk.run(circuit, shots=5, seed=1).counts) == ["0 0 0 0 1"], "in the order of measurement"


def test_a_line_is_one_register_and_registers_of_ours_keep_their_order() -> None:
    assert [str(qubit.name) for qubit in read(cirq.Circuit(cirq.CX(A, B)), None).qubits] == ["q[0]", "q[1]"]
    ours = qmk.Circuit({"z": 1, "a": 1}).x(0)
    assert write(ours).all_qubits() == {A, B}, "sorted by name they would change places"
    named = write(qmk.Circuit({"a": 1, "z": None}).x(0))
    assert sorted(map(str, named.all_qubits())) == ["a[0]", "z"]


def test_a_barrier_begins_a_moment() -> None:
    circuit = qmk.Circuit(2).x(0)
    circuit.barrier().x(1)
    assert len(write(circuit)) == 2


# -- refusals ----------------------------------------------------------------------------------------------------------


def test_what_has_no_place_is_refused_by_name_and_moment() -> None:
    loop = cirq.FrozenCircuit(cirq.measure(A, key="m"))
    times = sympy.Symbol("n")
    refused = [
        refusal(cirq.IdentityGate(qid_shape=(3,)).on(cirq.LineQid(0, 3))),
        refusal(
            cirq.CircuitOperation(
                loop, use_repetition_ids=False, repeat_until=cirq.KeyCondition(cirq.MeasurementKey("m"))
            )
        ),
        refusal(cirq.CircuitOperation(cirq.FrozenCircuit(cirq.X(A)), repetitions=times)),
        refusal(cirq.measure(A, B, key="m", confusion_map={(0, 1): np.eye(4)})),
        refusal(cirq.KrausChannel([np.eye(2)], key="k").on(A)),
        refusal(cirq.depolarize(0.1, n_qubits=3).on(A, B, C)),
        refusal(cirq.rx(sympy.Symbol("a b"))(A)),
        refusal(cirq.rx(sympy.Abs(sympy.Symbol("t")))(A)),
        refusal(cirq.measure(A, key="m"), cirq.measure(A, B, key="m")),
        refusal(cirq.X(A).with_classical_controls("missing")),
    ]
    words = [
        "qudit",
        "no bound",
        "parameter",
        "confusion",
        "key",
        "depolarize",
        "symbol",
        "function",
        "measured on",
        "nothing has measured",
    ]
    for error, word in zip(refused, words, strict=True):
        assert word in error.message, error.message
        assert error.fields["help"]
    assert "moment 0" in refused[1].message


def test_what_cirq_cannot_say_is_refused_by_its_place() -> None:
    again = qmk.Circuit(1, 1).measure(0, 0).measure(0, 0)
    under = qmk.Circuit(2, 2).measure(0, 0)
    with under.if_(under.bits[0]):
        under.measure(1, 1)
    assigned = qmk.Circuit(1, 2).measure(0, 0)
    assigned.assign(1, assigned.bits[0])
    lost = qmk.Circuit(1).loss(0.1, 0)
    late = qmk.Circuit(1, 1).measure(0, 0).x(0).readout_error(0, p01=0.1)
    for circuit, words in (
        (again, "again"),
        (under, "under a condition"),
        (assigned, "written"),
        (lost, "loss"),
        (late, "apart"),
    ):
        with pytest.raises(QmkError, match=words) as refused:
            circuit.to("cirq")
        assert "op " in refused.value.message


def test_a_gate_is_not_a_program() -> None:
    with pytest.raises(QmkError, match="is not a program"):
        qmk.run(cast("Any", cirq.X))


def test_open_angles_under_controls_have_derivatives() -> None:
    t = sympy.Symbol("t")
    gates: list[Any] = [cirq.Z**t, cirq.X**t, cirq.ry(t), cirq.rz(2 * t), cirq.ZZ**t]
    for gate in gates:
        size = cirq.num_qubits(gate)
        for values in ([1], [0], [0, 1], [1, 0], [0, 0, 1][: 4 - size]):
            operation = gate.on(*QUBITS[:size]).controlled_by(*QUBITS[size : size + len(values)], control_values=values)
            circuit = cirq.Circuit(cirq.ry(0.4).on_each(*QUBITS), cirq.rx(0.9).on_each(*QUBITS), operation)
            made = read(circuit, None)
            assert made.inputs.only_angles
            wanted = cirq.resolve_parameters(circuit, {"t": 0.3}).final_state_vector(dtype=np.complex128)
            assert abs(exact_state(made.bind({"t": 0.3})) - wanted).max() < 1e-6
            values_at = [qmk.expectation(circuit, "XYZX", params={"t": 0.3 + step}).value for step in (-1e-4, 1e-4)]
            slope = qmk.gradient(circuit, "XYZX", params={"t": 0.3}).by["t"]
            assert slope == pytest.approx((values_at[1] - values_at[0]) / 2e-4, abs=1e-5)


def test_elements_of_vectors_are_symbols_of_their_own() -> None:
    vector = qmk.Parameter("w", 2)
    circuit = qmk.Circuit(2).rx(vector, [0, 1])
    again = qmk.Circuit.from_object(circuit.to("cirq"))
    assert again.parameters == {"w_0": None, "w_1": None}
    with pytest.raises(QmkError, match="element 1 of parameter 'w' would have the name of another"):
        circuit.rz(qmk.Parameter("w_1"), 0).to("cirq")
