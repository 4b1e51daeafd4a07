"""Every gate of qelib1.inc against Qiskit's own reading of the same text."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import qasm2
from qiskit.quantum_info import Operator

from qmk.frontends.openqasm.library import BUILTIN_2, QELIB1

HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
ANGLES = (0.37, -1.21, 2.6, 0.9)


def qiskit_matrix(text: str) -> np.ndarray:
    """Qiskit's matrix with the first qubit most significant."""
    circuit = qasm2.loads(text, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)
    return Operator(circuit.reverse_bits()).data


def assert_equal_up_to_phase(a: np.ndarray, b: np.ndarray) -> None:
    overlap = np.vdot(b, a) / len(a)
    assert abs(overlap) == pytest.approx(1, abs=1e-9)
    np.testing.assert_allclose(a, overlap * b, atol=1e-9)


@pytest.mark.parametrize("name", sorted(QELIB1))
def test_library_gate_equals_qiskits(name, read, unitary):
    gate = QELIB1[name]
    params = "(" + ",".join(map(str, ANGLES[: gate.params])) + ")" if gate.params else ""
    params = "(3)" if name == "u0" else params  # a length in single-qubit delays
    operands = ",".join(f"q[{k}]" for k in reversed(range(gate.qubits)))
    text = f"{HEAD}qreg q[{gate.qubits}];\n{name}{params} {operands};\n"
    oracle = text
    if name == "ryy":  # Qiskit's reader lacks it
        oracle = text.replace(
            "qreg",
            "gate ryy(t) a,b { rx(pi/2) a; rx(pi/2) b; cx a,b; rz(t) b; cx a,b; rx(-pi/2) a; rx(-pi/2) b; }\nqreg",
        )
    assert_equal_up_to_phase(unitary(read(text)), qiskit_matrix(oracle))


@pytest.mark.parametrize("name", sorted(BUILTIN_2))
def test_builtin_gate_needs_no_include(name, read, unitary):
    gate = BUILTIN_2[name]
    params = "(0.37,-1.21,2.6)" if gate.params else ""
    text = (
        f"OPENQASM 2.0;\nqreg q[{gate.qubits}];\n{name}{params} "
        + ",".join(f"q[{k}]" for k in range(gate.qubits))
        + ";"
    )
    assert_equal_up_to_phase(unitary(read(text)), qiskit_matrix(text))


def test_every_gate_that_qiskit_reads_is_known():
    known = {*QELIB1, *BUILTIN_2}
    missing = {c.name for c in qasm2.LEGACY_CUSTOM_INSTRUCTIONS} - known
    assert missing <= {"delay"}


def test_library_gates_keep_their_identity(read):
    text = HEAD + "qreg q[5]; u3(0.1,0.2,0.3) q[0]; cu1(0.4) q[0],q[1]; ccx q[0],q[1],q[2]; c3x q[0],q[1],q[2],q[3];"
    ops = [node.op for node in read(text).nodes]
    assert ops == ["core.alloc", "core.u", "core.cp", "core.toffoli", "core.mod", "core.free"]


def test_custom_gate_expands_in_source_order(read):
    text = HEAD + "gate g(a,b) x,y { u1(a+b) x; cx x,y; barrier x,y; rz(a*b/2^2) y; } qreg q[2]; g(1,3) q[1],q[0];"
    nodes = read(text).nodes[1:-1]
    assert [(n.op, n.args, n.vqs) for n in nodes] == [
        ("core.p", {"lam": 4.0}, ("q_1",)),
        ("core.cnot", {}, ("q_1", "q_0")),
        ("core.barrier", {}, ("q_1", "q_0")),
        ("core.rz", {"theta": 0.75}, ("q_0",)),
    ]


def test_definition_of_a_known_gate_is_read_as_that_gate(read):
    text = HEAD + "gate rzz(theta) a,b { cx a,b; rz(theta) b; cx a,b; } qreg q[2]; rzz(0.3) q[0],q[1];"
    assert [n.op for n in read(text).nodes] == ["core.alloc", "core.rzz", "core.free"]


def test_another_definition_of_a_known_name_is_taken_at_its_word(read):
    text = HEAD + "gate rzz(theta) a,b { cx a,b; u1(theta) b; cx a,b; } qreg q[2]; rzz(0.3) q[0],q[1];"
    assert [n.op for n in read(text).nodes] == ["core.alloc", "core.cnot", "core.p", "core.cnot", "core.free"]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("pi/2", np.pi / 2),
        ("-pi", -np.pi),
        ("3*pi/4", 3 * np.pi / 4),
        ("-0.5*pi", -np.pi / 2),
        ("2^3^0.5", 2**3**0.5),
        ("-2^2", -4.0),
        ("sin(pi/6)", np.sin(np.pi / 6)),
        ("cos(1)+tan(1)", np.cos(1) + np.tan(1)),
        ("exp(-1)", np.exp(-1)),
        ("ln(2)", np.log(2)),
        ("sqrt(2)/2", np.sqrt(2) / 2),
        ("1/2", 0.5),
        ("7/2*2", 7.0),
        ("(1+2)*-3", -9.0),
        (".5e1", 5.0),
        ("1.", 1.0),
        ("pi*2", np.pi * 2),
        ("pi/2/2", np.pi / 4),
        ("1e-3", 1e-3),
        ("+2", 2.0),
        ("2--1", 3.0),
    ],
)
def test_parameter_expressions_are_real_arithmetic(expression, value, read):
    node = read(f"{HEAD}qreg q[1]; rx({expression}) q[0];").nodes[1]
    assert node.args["theta"] == pytest.approx(value, rel=1e-15)
