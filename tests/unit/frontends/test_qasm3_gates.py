"""OpenQASM 3 gates and modifiers against matrices written down here from the specification, phases included."""

from __future__ import annotations

import cmath
import math
import random

import numpy as np
import pytest
from qiskit import qasm3
from qiskit.quantum_info import Operator

from qmk.frontends.openqasm.library import STDGATES

HEAD = 'OPENQASM 3.1;\ninclude "stdgates.inc";\n'
ANGLES = (0.37, -1.21, 2.6, 0.9)
I2 = np.eye(2, dtype=complex)
X = np.array([[0, 1], [1, 0]], dtype=complex)


def U(theta, phi, lam):
    """The built-in U of OpenQASM 3.1, as its gates chapter prints it."""
    e = cmath.exp
    return 0.5 * np.array(
        [
            [1 + e(1j * theta), -1j * e(1j * lam) * (1 - e(1j * theta))],
            [1j * e(1j * phi) * (1 - e(1j * theta)), e(1j * (phi + lam)) * (1 + e(1j * theta))],
        ]
    )


def phase(angle):
    return cmath.exp(1j * angle)


def ctrl(m, value=1):
    out = np.eye(2 * len(m), dtype=complex)
    at = len(m) * value
    out[at : at + len(m), at : at + len(m)] = m
    return out


def power(m, k):
    """Principal branch, eigenvalue by eigenvalue."""
    values, vectors = np.linalg.eig(m)
    vectors, _ = np.linalg.qr(vectors)
    values = np.diag(vectors.conj().T @ m @ vectors)
    return vectors @ np.diag(np.exp(1j * np.angle(values) * k)) @ vectors.conj().T


STANDARD = {  # stdgates.inc of OpenQASM 3.1, bodies composed by hand
    "p": lambda l: np.diag([1, phase(l)]),
    "x": lambda: phase(-math.pi / 2) * U(math.pi, 0, math.pi),
    "y": lambda: phase(-math.pi / 2) * U(math.pi, math.pi / 2, math.pi / 2),
    "z": lambda: np.diag([1, -1]).astype(complex),
    "h": lambda: phase(-math.pi / 4) * U(math.pi / 2, 0, math.pi),
    "s": lambda: np.diag([1, 1j]),
    "sdg": lambda: np.diag([1, -1j]),
    "t": lambda: np.diag([1, phase(math.pi / 4)]),
    "tdg": lambda: np.diag([1, phase(-math.pi / 4)]),
    "sx": lambda: power(X, 0.5),
    "rx": lambda t: phase(-t / 2) * U(t, -math.pi / 2, math.pi / 2),
    "ry": lambda t: phase(-t / 2) * U(t, 0, 0),
    "rz": lambda t: phase(-t / 2) * U(0, 0, t),
    "u1": lambda l: U(0, 0, l),
    "u2": lambda p, l: phase(-(p + l + math.pi / 2) / 2) * U(math.pi / 2, p, l),
    "u3": lambda t, p, l: phase(-(p + l + t) / 2) * U(t, p, l),
    "phase": lambda l: U(0, 0, l),
    "id": lambda: I2,
    "U": U,
}
CONTROLLED = {
    "cx": "x",
    "CX": "x",
    "cy": "y",
    "cz": "z",
    "ch": "h",
    "cp": "p",
    "cphase": "p",
    "crx": "rx",
    "cry": "ry",
    "crz": "rz",
}
SWAP = np.eye(4, dtype=complex)[[0, 2, 1, 3]]


def matrix(name, *params):
    if name in STANDARD:
        return np.array(STANDARD[name](*params), dtype=complex)
    if name in CONTROLLED:
        return ctrl(matrix(CONTROLLED[name], *params))
    if name == "cu":
        theta, _, _, gamma = params
        return np.kron(np.diag([1, phase(gamma - theta / 2)]), I2) @ ctrl(U(*params[:3]))
    return {"swap": SWAP, "cswap": ctrl(SWAP), "ccx": ctrl(ctrl(X))}[name]


def run(text, qubits, read, unitary):
    return unitary(read(f"{HEAD}qubit[{qubits}] q;\n{text}"))


def operands(count):
    return ", ".join(f"q[{k}]" for k in range(count))


@pytest.mark.parametrize("name", [*sorted(STDGATES), "U"])
def test_gate_under_a_control_has_the_phase_of_its_definition(name, read, unitary):
    """A control turns the gate's global phase into a relative one, so this sees it."""
    count = {**STDGATES}.get(name)
    params = ANGLES[: 3 if count is None else count.params]
    shown = f"({', '.join(map(str, params))})" if params else ""
    want = matrix(name, *params)
    qubits = int(math.log2(len(want)))
    got = run(f"ctrl @ {name}{shown} {operands(qubits + 1)};", qubits + 1, read, unitary)
    np.testing.assert_allclose(got, ctrl(want), atol=1e-12)


@pytest.mark.parametrize("name", sorted(set(STDGATES)))
def test_library_gate_equals_qiskits(name, read, unitary):
    gate = STDGATES[name]
    shown = f"({', '.join(map(str, ANGLES[: gate.params]))})" if gate.params else ""
    text = f"{HEAD}qubit[{gate.qubits}] q;\n{name}{shown} {operands(gate.qubits)};".replace("3.1", "3.0")
    want = Operator(qasm3.loads(text).reverse_bits()).data
    got = unitary(read(text))
    overlap = np.vdot(want, got) / len(got)
    np.testing.assert_allclose(got, overlap * want, atol=1e-9)


MODIFIED = [
    ("ctrl @ rz(0.7) q[0], q[1];", ctrl(matrix("rz", 0.7))),
    ("ctrl @ p(0.7) q[0], q[1];", ctrl(matrix("p", 0.7))),
    ("negctrl @ x q[0], q[1];", ctrl(X, 0)),
    ("ctrl(2) @ x q[0], q[1], q[2];", ctrl(ctrl(X))),
    ("ctrl @ negctrl @ h q[0], q[1], q[2];", ctrl(ctrl(matrix("h"), 0))),
    ("negctrl(2) @ ctrl @ s q[0], q[1], q[2], q[3];", ctrl(ctrl(ctrl(matrix("s")), 0), 0)),
    ("ctrl @ cx q[0], q[1], q[2];", ctrl(ctrl(X))),
    ("ctrl @ gphase(0.9) q[0];", matrix("p", 0.9)),
    ("negctrl @ gphase(0.9) q[0];", np.diag([phase(0.9), 1])),
    ("ctrl(2) @ gphase(0.9) q[0], q[1];", np.diag([1, 1, 1, phase(0.9)])),
    ("negctrl(2) @ gphase(0.9) q[0], q[1];", np.diag([phase(0.9), 1, 1, 1])),
    ("negctrl @ ctrl @ gphase(0.9) q[0], q[1];", np.diag([1, phase(0.9), 1, 1])),
    ("ctrl @ negctrl @ gphase(0.9) q[0], q[1];", np.diag([1, 1, phase(0.9), 1])),
    ("gphase(0.9);", np.array([[phase(0.9)]])),
    ("inv @ gphase(0.9);", np.array([[phase(-0.9)]])),
    ("pow(3) @ gphase(0.9);", np.array([[phase(2.7)]])),
    ("inv @ U(0.3, 0.4, 0.5) q[0];", phase(0.15) * U(0.3, 0.4, 0.5).conj().T),  # nobody can see U's own phase here
    ("ctrl @ inv @ U(0.3, 0.4, 0.5) q[0], q[1];", ctrl(U(0.3, 0.4, 0.5).conj().T)),
    ("inv @ ctrl @ U(0.3, 0.4, 0.5) q[0], q[1];", ctrl(U(0.3, 0.4, 0.5).conj().T)),
    ("ctrl @ pow(0.5) @ U(0.3, 0.4, 0.5) q[0], q[1];", ctrl(power(U(0.3, 0.4, 0.5), 0.5))),
    ("pow(0.5) @ ctrl @ U(0.3, 0.4, 0.5) q[0], q[1];", ctrl(power(U(0.3, 0.4, 0.5), 0.5))),
    (
        "inv @ negctrl @ pow(0.5) @ ctrl @ U(0.3, 0.4, 0.5) q[0], q[1], q[2];",
        ctrl(ctrl(power(U(0.3, 0.4, 0.5), -0.5)), 0),
    ),
    ("pow(0.5) @ x q[0];", power(X, 0.5)),
    ("pow(0.25) @ x q[0];", power(X, 0.25)),
    ("ctrl @ pow(-0.5) @ x q[0], q[1];", ctrl(power(X, -0.5))),
    ("pow(1/3) @ h q[0];", power(matrix("h"), 1 / 3)),
    ("ctrl @ pow(1/3) @ rx(2.0) q[0], q[1];", ctrl(power(matrix("rx", 2.0), 1 / 3))),
    ("ctrl @ pow(0.5) @ rz(7.0) q[0], q[1];", ctrl(power(matrix("rz", 7.0), 0.5))),
    ("ctrl @ pow(0.5) @ p(4.0) q[0], q[1];", ctrl(power(matrix("p", 4.0), 0.5))),
    ("ctrl @ pow(0.5) @ s q[0], q[1];", ctrl(power(matrix("s"), 0.5))),
    ("pow(2) @ s q[0];", matrix("z")),
    ("pow(-3) @ t q[0];", np.linalg.matrix_power(matrix("tdg"), 3)),
    ("pow(5) @ sx q[0];", np.linalg.matrix_power(power(X, 0.5), 5)),
    ("pow(0) @ h q[0];", I2),
    ("pow(2) @ h q[0];", I2),
    ("pow(3) @ cx q[0], q[1];", ctrl(X)),
    ("pow(2) @ pow(0.25) @ swap q[0], q[1];", power(SWAP, 0.5)),
    ("ctrl @ pow(0.5) @ swap q[0], q[1], q[2];", ctrl(power(SWAP, 0.5))),
    ("pow(0.5) @ ctrl @ x q[0], q[1];", ctrl(power(X, 0.5))),
    ("inv @ pow(0.5) @ y q[0];", power(matrix("y"), -0.5)),
    ("ctrl @ u3(0.3, 0.4, 0.5) q[0], q[1];", ctrl(matrix("u3", 0.3, 0.4, 0.5))),
    ("inv @ cu(0.3, 0.4, 0.5, 0.6) q[0], q[1];", matrix("cu", 0.3, 0.4, 0.5, 0.6).conj().T),
    ("ctrl @ crz(0.8) q[0], q[1], q[2];", ctrl(ctrl(matrix("rz", 0.8)))),
]


@pytest.mark.parametrize(("text", "want"), MODIFIED, ids=[text for text, _ in MODIFIED])
def test_modifiers(text, want, read, unitary):
    qubits = int(math.log2(len(want)))
    got = unitary(read(HEAD + (f"qubit[{qubits}] q;\n" if qubits else "") + text))
    np.testing.assert_allclose(got, want, atol=1e-12)


PARTS = (
    "h {0};", "sx {1};", "U(0.3, -1.1, 2.0) {2};", "cx {0}, {1};", "swap {1}, {2};", "ctrl @ gphase(0.7) {2};",
    "negctrl @ pow(0.3) @ y {2}, {0};", "gphase(-0.4);", "barrier {0}, {1};", "ccx {0}, {2}, {1};",
)  # fmt: skip
"""Operations of random gates on three qubits."""


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("exponent", [0.5, -1 / 3, 2.25])
def test_a_fractional_power_of_several_operations_is_that_of_their_matrix(seed, exponent, read, unitary):
    dice = random.Random(seed)
    body = " ".join(dice.choice(PARTS).format(*dice.sample("abc", 3)) for _ in range(dice.randrange(2, 9)))
    define = f"{HEAD}gate g a, b, c {{ {body} }} qubit[4] q;\n"
    once, root = (unitary(read(f"{define}{call} q[0], q[2], q[3], q[1];"))
                  for call in ("ctrl @ g", f"ctrl @ pow({exponent!r}) @ g"))  # fmt: skip
    np.testing.assert_allclose(root, power(once, exponent), atol=1e-9)


@pytest.mark.parametrize(
    ("body", "want"),
    [
        ("cx a, b; h a;", np.kron(matrix("h"), I2) @ ctrl(X)),
        ("x a; x b;", np.kron(X, X)),
        ("swap a, b; gphase(0.8);", phase(0.8) * SWAP),
        ("z a; z b; gphase(pi / 2);", 1j * np.kron(matrix("z"), matrix("z"))),
        ("barrier a, b; h b; barrier b; h b;", np.eye(4)),
    ],
)
def test_the_square_of_a_square_root_is_the_gate(body, want, read, unitary):
    define = f"{HEAD}gate g a, b {{ {body} }} gate root a, b {{ pow(0.5) @ g a, b; }} qubit[3] q;\n"
    root = unitary(read(f"{define}ctrl @ root q[0], q[1], q[2];"))
    np.testing.assert_allclose(root @ root, ctrl(want), atol=1e-12)
    np.testing.assert_allclose(root, ctrl(power(want, 0.5)), atol=1e-9)
    assert np.all(np.abs(np.angle(np.linalg.eigvals(root))) <= math.pi / 2 + 1e-9), "the principal branch"


def test_the_qubits_that_a_gate_leaves_alone_do_not_count_for_its_power(read, unitary):
    text = HEAD + "gate g a, b, c, d { cx a, d; h d; } qubit[4] q; pow(0.5) @ g q[0], q[1], q[2], q[3];"
    once = HEAD + "gate g a, d { cx a, d; h d; } qubit[4] q; pow(0.5) @ g q[0], q[3];"
    np.testing.assert_allclose(unitary(read(text)), unitary(read(once)), atol=1e-12)


@pytest.mark.parametrize(
    "define",
    [
        "gate g a, b, c, d { ccx a, b, c; cx c, d; }",
        f"gate g a, b, c, d {{ {'cx a, b; h a; ' * 2049} }}",
    ],
    ids=["four qubits", "4,098 operations"],
)
def test_a_fractional_power_of_a_larger_gate_is_refused_with_the_bound(define, findings):
    found = findings(f"{HEAD}{define} qubit[4] q; pow(0.5) @ g q[0], q[1], q[2], q[3];")
    assert [f.rule for f in found] == ["QASM3-023"]
    assert "at most 3 qubits and 4096 operations" in found[0].message


GATES = """
gate phased(a) q { gphase(a); rx(a) q; }
gate both(a, b) q, r { U(a, b, 0.1) q; ctrl @ phased(b) q, r; gphase(-b); inv @ s r; }
gate turned(a) q { pow(2) @ phased(a) q; for int i in [1:2] { t q; } }
"""


def phased(a):
    return phase(a) * matrix("rx", a)


def both(a, b):
    steps = [np.kron(U(a, b, 0.1), I2), ctrl(phased(b)), phase(-b) * np.eye(4), np.kron(I2, matrix("sdg"))]
    out = np.eye(4)
    for step in steps:
        out = step @ out
    return out


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("ctrl @ phased(0.4) q[0], q[1];", ctrl(phased(0.4))),
        ("negctrl @ phased(0.4) q[0], q[1];", ctrl(phased(0.4), 0)),
        ("ctrl @ pow(0.5) @ phased(0.4) q[0], q[1];", ctrl(power(phased(0.4), 0.5))),
        ("ctrl @ inv @ phased(0.4) q[0], q[1];", ctrl(phased(0.4).conj().T)),
        ("ctrl @ both(0.4, 0.9) q[0], q[1], q[2];", ctrl(both(0.4, 0.9))),
        ("ctrl @ pow(-2) @ both(0.4, 0.9) q[0], q[1], q[2];", ctrl(np.linalg.inv(both(0.4, 0.9) @ both(0.4, 0.9)))),
        ("negctrl @ ctrl @ turned(0.3) q[0], q[1], q[2];", ctrl(ctrl(matrix("s") @ phased(0.3) @ phased(0.3)), 0)),
    ],
)
def test_custom_gates_keep_their_phase_under_control(text, want, read, unitary):
    qubits = int(math.log2(len(want)))
    got = unitary(read(f"{HEAD}{GATES}qubit[{qubits}] q;\n{text}"))
    np.testing.assert_allclose(got, want, atol=1e-12)


@pytest.mark.parametrize("seed", range(60))
def test_random_towers_of_modifiers(seed, read, unitary):
    dice = random.Random(seed)
    name = dice.choice(["x", "h", "sx", "t", "rx", "rz", "p", "U", "u3", "ry", "cx", "swap", "crz"])
    count = STDGATES[name].params if name in STDGATES else 3
    params = [round(dice.uniform(-3, 3), 3) for _ in range(count)]
    m = matrix(name, *params)
    words: list[str] = []
    for _ in range(dice.randint(1, 4)):
        kind = dice.choice(["ctrl", "negctrl", "inv", "pow"])
        if kind == "pow":
            k = dice.choice([-2, -1, 0, 2, 3])
            m, word = np.linalg.matrix_power(m, k) if k >= 0 else np.linalg.matrix_power(m.conj().T, -k), f"pow({k})"
        elif kind == "inv":
            m, word = m.conj().T, "inv"
        elif len(m) < 32:
            m, word = ctrl(m, 1 if kind == "ctrl" else 0), kind
        else:
            continue
        words.insert(0, word)
    qubits = int(math.log2(len(m)))
    shown = f"({', '.join(map(str, params))})" if params else ""
    text = " @ ".join([*words, name]) + f"{shown} {operands(qubits)};"
    # an uncontrolled global phase is not kept: compare under one more control
    got = run(
        f"ctrl @ {text.replace('q[', 'q[').replace(operands(qubits), operands(qubits + 1))}", qubits + 1, read, unitary
    )
    np.testing.assert_allclose(got, ctrl(m), atol=1e-10)
