"""Observables of other frameworks stand wherever an observable does, on the qubits that their programs have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import braket.circuits
import cirq as cirq_module
import numpy as np
import pennylane
import pytest
import qiskit
import stim
from pyquil import Program, paulis
from pytket import Circuit as TketCircuit
from pytket import Qubit
from pytket.pauli import Pauli, QubitPauliString
from pytket.utils.operators import QubitPauliOperator
from qiskit.quantum_info import Operator, SparseObservable, SparsePauliOp
from qiskit.quantum_info import Pauli as QiskitPauli

import qmk
from qmk.base.errors import QmkError

cirq: Any = cirq_module
qml: Any = pennylane
brk: Any = braket.circuits
obs: Any = brk.observables
lib: Any = paulis
LINE = cirq.LineQubit.range(3)
WANTED = qmk.Observable("0.5*Z0 X2 - 2*Y1")
CIRCUIT = qmk.Circuit(3).rx(0.3, 0).ry(0.4, 1).cx(0, 1).rz(0.7, 1).h(2).cry(0.3, 1, 2).sx(1)


def pauli_string(letters: dict[Any, str]) -> QubitPauliString:
    return QubitPauliString(list(letters), [getattr(Pauli, letter) for letter in letters.values()])


Q = [Qubit(k) for k in range(3)]
FORMS: dict[str, Callable[[], Any]] = {
    "pennylane": lambda: 0.5 * (qml.Z(0) @ qml.X(2)) - 2 * qml.Y(1),
    "pennylane sentence": lambda: (0.5 * (qml.Z(0) @ qml.X(2)) - 2 * qml.Y(1)).pauli_rep,
    "pennylane hamiltonian": lambda: qml.Hamiltonian([-2, 0.5], [qml.Y(1), qml.Z(0) @ qml.X(2)]),
    "pennylane matrix": lambda: qml.Hermitian(qml.matrix(qml.Z(0) @ qml.X(2)) / 2, [0, 2]) - 2 * qml.Y(1),
    "qiskit": lambda: SparsePauliOp(["XIZ", "IYI"], [0.5, -2]),
    "qiskit terms": lambda: SparseObservable.from_list([("XIZ", 0.5), ("IYI", -2)]),
    "qiskit matrix": lambda: Operator(SparsePauliOp(["XIZ", "IYI"], [0.5, -2])),
    "cirq": lambda: 0.5 * cirq.Z(LINE[0]) * cirq.X(LINE[2]) - 2 * cirq.Y(LINE[1]),
    "braket": lambda: 0.5 * obs.Z(0) @ obs.X(2) - 2 * obs.Y(1),
    "pytket": lambda: QubitPauliOperator({pauli_string({Q[0]: "Z", Q[2]: "X"}): 0.5, pauli_string({Q[1]: "Y"}): -2}),
    "pyquil": lambda: 0.5 * lib.sZ(0) * lib.sX(2) - 2 * lib.sY(1),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_observable(form: str) -> None:
    found = qmk.Observable(FORMS[form]())
    assert (found - WANTED).simplify(1e-12) == qmk.Observable([("I", 0.0)]).simplify()
    assert qmk.expectation(CIRCUIT, FORMS[form]()).value == pytest.approx(qmk.expectation(CIRCUIT, WANTED).value)


SINGLE: list[tuple[Callable[[], Any], str]] = [
    (lambda: qml.X(1), "X1"), (lambda: QiskitPauli("XI"), "X1"), (lambda: QiskitPauli("-ZX"), "-1*X0 Z1"),
    (lambda: cirq.X(LINE[1]), "X1"), (lambda: lib.sX(1), "X1"), (lambda: pauli_string({Q[1]: "X"}), "X1"),
    (lambda: stim.PauliString("-X_Z"), "-1*X0 Z2"), (lambda: obs.X(), "X0"),
    (lambda: obs.I() @ obs.Z() @ obs.Y(), "Z1 Y2"),
    (lambda: 2**0.5 * obs.H(1), "X1 + Z1"),
    (lambda: obs.Hermitian(np.array([[1, 2j], [-2j, 3]]), targets=[1]), "2 - Z1 - 2*Y1"),
    (lambda: qml.Identity(), "1"), (lambda: cirq.PauliSum() + 2, "2"), (lambda: qml.Projector([1], 1), "0.5 - 0.5*Z1"),
]  # fmt: skip


@pytest.mark.parametrize("at", range(len(SINGLE)))
def test_single_letters_matrices_and_numbers(at: int) -> None:
    make, text = SINGLE[at]
    values = qmk.expectation(CIRCUIT, [make(), text])
    assert values[0].value == pytest.approx(values[1].value, abs=1e-12)


def string(text: str) -> Any:
    return stim.PauliString(text)


def test_a_string_of_stims_stands_on_the_qubits_of_its_numbers() -> None:
    circuit = stim.Circuit("H 3\nX 5")
    for program in (circuit, qmk.Circuit.from_object(circuit)):
        assert qmk.expectation(program, string("___X_Z")).value == -1
        with pytest.raises(QmkError, match="acts on 'q0'"):
            qmk.expectation(program, string("X"))


def test_a_string_of_stims_with_an_imaginary_sign_is_refused() -> None:
    with pytest.raises(QmkError, match="imaginary"):
        qmk.expectation(CIRCUIT, string("iX"))


def tape(*wires: Any) -> Any:
    return qml.tape.QuantumScript([qml.RX(0.3, wires[0]), qml.CRY(0.8, list(wires))])


A, B = Qubit("a", 2), Qubit("b", 5)
NAMED: list[tuple[Callable[[], Any], Callable[[], Any], str]] = [
    (lambda: tape(1, 2), lambda: qml.Y(1) @ qml.Z(2), "YZ"),
    (lambda: tape(2, 1), lambda: qml.Y(2) @ qml.X(1), "YX"),
    (lambda: tape("b", "a"), lambda: qml.Y("b") @ qml.X("a"), "YX"),
    (
        lambda: cirq.Circuit(cirq.rx(0.3)(LINE[1]), cirq.CNOT(LINE[1], cirq.LineQubit(7))),
        lambda: cirq.Y(LINE[1]) * cirq.X(cirq.LineQubit(7)),
        "YX",
    ),
    (
        lambda: cirq.Circuit(cirq.rx(0.3)(cirq.GridQubit(2, 1)), cirq.CNOT(cirq.GridQubit(2, 1), cirq.NamedQubit("z"))),
        lambda: cirq.Y(cirq.GridQubit(2, 1)) * cirq.X(cirq.NamedQubit("z")),
        "YX",
    ),
    (lambda: Program("RX(0.3) 3\nCNOT 3 5"), lambda: lib.sY(3) * lib.sX(5), "YX"),
    (lambda: _tket(), lambda: pauli_string({A: "Y", B: "X"}), "YX"),
    (lambda: _qiskit(), lambda: SparsePauliOp(["XY"]), "YX"),
]


def _tket() -> Any:
    made = TketCircuit()
    for qubit in (A, B):
        made.add_qubit(qubit)
    return made.Rx(0.1, A).CX(A, B)


def _qiskit() -> Any:
    made = qiskit.QuantumCircuit(qiskit.QuantumRegister(1, "x"), qiskit.QuantumRegister(1, "y"))
    made.rx(0.3, 0)
    made.cx(0, 1)
    return made


@pytest.mark.parametrize("at", range(len(NAMED)))
def test_qubits_are_those_of_the_program(at: int) -> None:
    program, observable, text = NAMED[at]
    value = qmk.expectation(program(), text).value
    assert abs(value) > 0.05
    assert qmk.expectation(program(), observable()).value == pytest.approx(value)
    assert [each.value for each in qmk.expectation(program(), ["ZI", observable()])][1] == pytest.approx(value)


def test_every_call_takes_one() -> None:
    x = qmk.Parameter("x")
    circuit = qmk.Circuit(2).rx(x, 0).cx(0, 1)
    theirs, ours = qml.Z(0) @ qml.Z(1) + qml.Y(0) @ qml.X(1), "ZZ + YX"
    points = {"x": [0.1, 0.2]}
    assert np.allclose(qmk.sweep(circuit, points, theirs).values, qmk.sweep(circuit, points, ours).values)
    assert np.allclose(qmk.expectation(circuit, theirs, points).values, qmk.expectation(circuit, ours, points).values)
    assert qmk.gradient(circuit, theirs, params={"x": 0.3}).by == qmk.gradient(circuit, ours, params={"x": 0.3}).by
    assert np.allclose(qmk.value_and_grad(circuit, theirs)([0.3])[1], qmk.value_and_grad(circuit, ours)([0.3])[1])
    assert (
        qmk.outputs(circuit, expect=theirs, params={"x": 0.3})[1]
        == qmk.outputs(circuit, expect=ours, params={"x": 0.3})[1]
    )
    program = 'OPENQASM 3.0; include "stdgates.inc"; qubit[1] a; qubit[1] b; h a[0]; cx a[0], b[0];'
    assert qmk.expectation(program, qml.X(0) @ qml.X(1)).value == pytest.approx(1)


WRONG: list[tuple[Callable[[], Any], Callable[[], Any], str]] = [
    (lambda: tape(1, 2), lambda: qml.Z(0), "acts on 'w0', and the program's qubits are w1, w2"),
    (lambda: CIRCUIT, lambda: qml.Z("a"), "acts on 'a'"),
    (lambda: CIRCUIT, lambda: qml.Z(3), "3"),
    (lambda: CIRCUIT, lambda: 1j * qml.Z(0), "real"),
    (lambda: CIRCUIT, lambda: SparsePauliOp(["ZI"], [1j]), "real"),
    (lambda: CIRCUIT, lambda: cirq.X(cirq.GridQubit(0, 1)), "acts on 'q_0_1'"),
    (lambda: CIRCUIT, lambda: qml.wires.Wires([0]), "neither text nor pairs"),
    (lambda: CIRCUIT, lambda: qiskit.QuantumCircuit(1), "neither text nor pairs"),
]


@pytest.mark.parametrize("at", range(len(WRONG)))
def test_what_does_not_fit_is_refused(at: int) -> None:
    program, observable, said = WRONG[at]
    with pytest.raises(QmkError, match=said) as refused:
        qmk.expectation(program(), [observable()])
    assert refused.value.fields["help"]


class SymbolicOperator:
    """As OpenFermion has it; the suite runs without OpenFermion."""

    terms: dict[Any, complex]


def operator(name: str, terms: dict[Any, complex]) -> Any:
    found = type(name, (SymbolicOperator,), {"__module__": "openfermion.ops.operators"})()
    found.terms = terms
    return found


def test_openfermion() -> None:
    terms = {((0, "Z"), (2, "X")): 0.5, ((1, "Y"),): -2, (): 3}
    assert qmk.Observable(operator("QubitOperator", terms)) == WANTED + 3
    for what in (operator("FermionOperator", {((0, 1), (1, 0)): 1.0}), operator("QubitOperator", {((0, "X"),): 1j})):
        with pytest.raises(QmkError, match=r"is not of qubits|not real"):
            qmk.expectation(CIRCUIT, what)
    with pytest.raises(QmkError, match="is not a program"):
        qmk.run(operator("QubitOperator", terms))


def test_real_openfermion() -> None:
    lib = pytest.importorskip("openfermion", reason="OpenFermion is not installed")
    found = lib.jordan_wigner(lib.FermionOperator("1^ 0", 0.5) + lib.FermionOperator("0^ 1", 0.5))
    assert qmk.Observable(found) == qmk.Observable("0.25*X0 X1 + 0.25*Y0 Y1")


def test_names_need_a_program() -> None:
    with pytest.raises(QmkError, match="a qubit by itself has a number only"):
        qmk.Observable(qml.Z("a"))
