"""What a circuit refuses, each with the rule and a fix."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import qmk

Build = Callable[[Any], Any]
HOSTILE: Any = qmk.Circuit
OTHER = qmk.Circuit({"other": 2}, {"flags": 2})

REFUSED: dict[str, tuple[Build, str, str]] = {
    "out of range": (lambda c: c.h(3), "qubit 3 is out of range: the circuit has 3", "from 0 to 2"),
    "negative": (lambda c: c.cx(0, -1), "qubit -1 is out of range", "from 0 to 2"),
    "no qubits": (lambda c: qmk.Circuit().h(0), "the circuit has no qubits", "add_qubits"),
    "twice": (lambda c: c.cx(1, 1), "cx: qubit 1 (q[1]) is given twice", "different qubits"),
    "twice in step": (lambda c: c.cx(1, [0, 1]), "cx: qubit 1 (q[1]) is given twice", "different qubits"),
    "control twice": (lambda c: c.x(0, ctrl=[1, 0]), "x: qubit 0 (q[0]) is given twice", "different qubits"),
    "a float": (lambda c: c.h(1.0), "1.0 (float) is not a qubit", "write 1"),
    "a truth value": (lambda c: c.h(True), "True (bool) is not a qubit", "give its number"),
    "nothing": (lambda c: c.h(None), "None (NoneType) is not a qubit", "give its number"),
    "of another": (lambda c: c.h(OTHER.qubits[0]), "qubit 'other[0]' is not a qubit of this circuit", ".qubits"),
    "a bit": (lambda c: c.h(c.bits[0]), "bit 'c[0]' is not a qubit of this circuit", ".qubits"),
    "no such name": (lambda c: c.h("data"), "no register of qubits is named 'data'", "add_qubits(1, 'data')"),
    "no such place": (lambda c: c.h("q[7]"), "there is no qubit 'q[7]': 'q' has 3", "q[0]"),
    "lists": (lambda c: c.cx([0], [1, 2]), "cx: lists of 1 and 2 items do not go in step", "lists of one length"),
    "nested": (lambda c: c.h([[0, 1], 2]), "is several qubits within a list", "flat list"),
    "too few angles": (lambda c: c.rx(0), "rx takes 1 argument and 1 qubit; 1 value given", "rx(theta, qubit)"),
    "too many": (lambda c: c.h(0, 1), "h takes 1 qubit; 2 values given", "h(qubit)"),
    "keyword": (lambda c: c.rx(angle=1, qubit=0), "rx: 'angle' is not one of its arguments", "rx(theta, qubit)"),
    "text": (lambda c: c.rx("pi", 0), "rx: 'pi' (str) is not a number", "qmk.Parameter"),
    "infinite": (lambda c: c.rx(math.inf, 0), "rx: inf is not a finite number", "finite"),
    "complex": (lambda c: c.rx(1j, 0), "1j (complex) is not a number", "0.5"),
    "unknown": (lambda c: c.hh(0), "no gate or method 'hh'", "did you mean 'h'?"),
    "other name": (lambda c: c.hadamard(0), "no gate or method 'hadamard'", "did you mean 'h'?"),
    "unknown by name": (lambda c: c.apply("toffolli", 0, 1, 2), "no gate or method 'toffolli'", "'toffoli'"),
    "state": (lambda c: c.x(0, ctrl=[1, 2], ctrl_state="1"), "ctrl_state '1' does not fit 2", "such as '01'"),
    "state alone": (lambda c: c.x(0, ctrl_state="1"), "ctrl_state is given without ctrl", "ctrl"),
    "power": (lambda c: c.x(0, power=math.nan), "power nan is not a finite number", "0.5"),
    "open power": (lambda c: c.rx(qmk.Parameter("t"), 0, power=0.5), "whose angle has no value yet", "theta/2"),
    "probability": (lambda c: c.depolarize(1.5, 0), "depolarize: p is 1.5", "from 0 to 1"),
    "sum": (lambda c: c.pauli(0, px=0.6, py=0.6), "probabilities add up to 1.2", "correct the numbers"),
    "kraus": (lambda c: c.kraus([np.eye(2), np.eye(2)], 0), "does not preserve the trace", "correct the numbers"),
    "not kraus": (lambda c: c.kraus(["x"], 0), "are not a list of matrices", "numpy"),
    "option": (lambda c: c.pauli(0, p=0.1), "pauli has no keyword 'p'", "pauli(qubit)"),
    "paulis": (lambda c: c.paulirot("XA", 0.1, 0, 1), "'XA' is not a Pauli product", "X, Y, Z"),
    "letters": (lambda c: c.paulirot("XX", 0.1, 0), "'XX' on 1 qubit(s)", "one letter a qubit"),
    "matrix": (lambda c: c.unitary(np.ones((2, 2)), 0), "rows 0 and 0 of the matrix are not orthonormal", "unitary"),
    "no matrix": (lambda c: c.unitary("x", 0), "this is not a matrix of numbers", "numpy"),
    "large matrix": (lambda c: c.unitary(np.eye(4), 0), "4 rows on 1 qubit(s)", "square matrix"),
    "assigned": (lambda c: c.assign(0, 2), "2 is not the value of a bit", "0, 1 or a condition"),
    "no graph": (lambda c: HOSTILE.from_graph("OPENQASM 3.0;"), "is not a graph", "from_text"),
    "no text": (lambda c: HOSTILE.from_text(3), "3 is not the text of a program", "from_file"),
    "no path": (lambda c: HOSTILE.from_file(3), "3 is not the path of a file", "Path"),
    "basis": (lambda c: c.measure(0, basis="W"), "there is no basis 'W'", "'X', 'Y' or 'Z'"),
    "bits": (lambda c: c.measure([0, 1], 0), "2 bit(s) are measured into 1", "give 2 bit(s)"),
    "one bit": (lambda c: c.measure([0, 1], [0, 0]), "a bit is written twice", "once"),
    "no bit": (lambda c: c.measure(0, 2), "bit 2 is out of range: the circuit has 2", "from 0 to 1"),
    "register": (lambda c: c.add_qubits(1, "q"), "there is a register 'q' already", "another name"),
    "name": (lambda c: c.add_bits(1, "a b"), "cannot be named 'a b'", "letters"),
    "size": (lambda c: c.add_bits(-1), "bits must be a number", "{'data': 3"),
    "condition": (lambda c: c.if_([0, 1]), "the condition reads 2 bits", "if_(bits, 3)"),
    "value": (lambda c: c.if_([0, 1], 4), "2 bits never hold the value 4", "0 to 3"),
    "else": (lambda c: c.else_(), "else_ does not follow a branch", "right after"),
    "times": (lambda c: c.repeat(-1), "-1 is not a number of times", "such as 3"),
    "unfinished": (lambda c: (c.if_(0), c.graph), "1 block of the circuit not finished", "with circuit.if_"),
    "unread": (lambda c: c.readout_error(0, p01=0.1).graph, "is read before anything has written it", "measure"),
    "wide part": (lambda c: c.add(qmk.Circuit(4)), "qubit 3 is out of range", "from 0 to 2"),
    "narrow": (lambda c: c.add(qmk.Circuit(2), [0]), "a circuit of 2 qubits is added on 1", "2 different"),
    "not a circuit": (lambda c: c.add("h"), "'h' is not a circuit", "qmk.Circuit"),
    "bits differ": (lambda c: c.add(qmk.Circuit(1, 1)), "register 'c' has 2 bits here and 1", "bits=..."),
    "not a gate": (lambda c: c.measure(0).inverse(), "op 0 (core.mz) is not a gate", "measurements"),
    "open": (lambda c: c.rx(qmk.Parameter("t"), 0).graph, "no value is given for the parameter t", "params="),
    "angle last": (lambda c: c.rx(0, 0.3), "0.3 (float) is not a qubit", "angles come first, such as rx(0.3, 0)"),
    "parameter last": (lambda c: c.rx(0, qmk.Parameter("t")), "is not a qubit", "angles come first"),
    "many values": (lambda c: c.rx(qmk.Parameter("t"), 0).bind(t=np.ones(2)), "'t' is not a number", "points="),
    "sizes of one": (
        lambda c: c.rx(qmk.Parameter("t"), 0).rx(qmk.Parameter("t", 2)[0], 1).parameters,
        "parameter 't' has 2 values here and None there",
        "differently",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str) -> None:
    build, message, fix = REFUSED[name]
    circuit = qmk.Circuit(3, 2)
    with pytest.raises(qmk.QmkError) as caught:
        build(circuit)
    assert message in str(caught.value)
    assert fix in caught.value.fields["help"]


def test_an_unknown_gate_is_an_attribute_error_too() -> None:
    circuit: Any = qmk.Circuit(1)
    assert not hasattr(circuit, "hh")
    with pytest.raises(AttributeError):
        circuit.hh(0)


def test_a_condition_has_no_truth_value() -> None:
    circuit = qmk.Circuit(1, 1)
    with pytest.raises(TypeError, match=r"with circuit\.if_"):
        bool(circuit.bits[0])


def test_too_many_qubits() -> None:
    with pytest.raises(qmk.QmkError, match="exceed the limit 'qubits'"):
        qmk.Circuit(100_001)


def test_nothing_is_left_of_a_refused_gate() -> None:
    circuit = qmk.Circuit(2)
    with pytest.raises(qmk.QmkError):
        circuit.cx([0, 1], [1, 1])
    assert len(circuit) == 0


def test_a_parameter_with_a_word_of_openqasm_for_a_name() -> None:
    circuit = qmk.Circuit(1).rx(qmk.Parameter("pi"), 0).measure_all()
    with pytest.raises(qmk.QmkError, match="the parameter 'pi' has a name that OpenQASM uses itself"):
        circuit.to("qasm3")
    assert qmk.run(circuit, params={"pi": math.pi}, shots=10).counts == {"1": 10}


def test_the_first_bit_that_nothing_has_written_is_next() -> None:
    circuit = qmk.Circuit(2, 2).measure(1, 1).measure(0)
    assert [op.bits for op in circuit.ops] == [(1,), (0,)]
    assert circuit.n_bits == 2
