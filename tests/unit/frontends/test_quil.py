"""Quil: what is read, what is refused and where, and what is written."""

from __future__ import annotations

import random

import numpy as np
import pytest

import qmk
from qmk import frontends
from qmk.base.errors import QmkError
from qmk.circuit.building import PARAMS
from qmk.frontends.quil import QUIL_RULES
from qmk.qvm.families.gates import FIXED_SIZE

BRANCH = """DECLARE ro BIT[2]
DECLARE theta REAL[2]
RX(2*theta[1]+pi/2) 0
MEASURE 0 ro[0]
JUMP-WHEN @THEN ro[0]
I 1
JUMP @END
LABEL @THEN
X 1
LABEL @END
MEASURE 1 ro[1]
"""


def counts(text: str, **params: object) -> dict[str, int]:
    return dict(qmk.run(text + "\n", shots=200, seed=1, format="quil", params=params or None).counts)


def test_it_is_recognised() -> None:
    assert frontends.recognise(BRANCH.encode()) == "quil"
    assert frontends.recognise(b"H 0\nCNOT 0 1\nRZ(0.3) 1\n") == "quil"
    assert frontends.recognise(b"H 0\nCNOT 0 1\nM 0 1\n") == "stim"


def test_jumps_are_branches_and_memory_is_a_parameter() -> None:
    assert set(counts(BRANCH, theta=[0.0, 0.2])) == {"00", "11"}
    assert counts(BRANCH, theta=[0.0, np.pi / 4]) == {"11": 200}
    inputs = frontends.inputs(BRANCH.encode())
    assert inputs is not None
    assert inputs.shapes == {"theta": (2,)}
    assert inputs.only_angles
    with pytest.raises(QmkError, match="theta"):
        counts(BRANCH)
    assert qmk.sweep(BRANCH, {"theta": [[0, 0.1], [0, 0.2]]}, "ZZ").values.shape == (2, 1)


def test_gates_with_modifiers_and_definitions() -> None:
    program = """DEFGATE HALF(%a) AS MATRIX:
    cos(%a/2), -i*sin(%a/2)
    -i*sin(%a/2), cos(%a/2)

DEFGATE PERM AS PERMUTATION:
    0, 1, 3, 2
DEFGATE ZZS(%t) p q AS PAULI-SUM:
    ZZ(%t/2) p q
    X(0.0*%t) p
DEFGATE BOTH(%t) p q AS PAULI-SUM:
    ZZ(%t) p q
    XX(%t) p q
DEFCIRCUIT PAIR(%a) q r:
    H q
    CONTROLLED RX(%a) q r
"""
    body = "HALF(0.7) 0\nPERM 0 1\nZZS(0.3) 1 2\nBOTH(0.2) 0 2\nPAIR(0.4) 2 0\nFORKED RX(0.1, 0.9) 1 0\n"
    undo = (
        "FORKED RX(-0.1, -0.9) 1 0\nCONTROLLED DAGGER RX(0.4) 2 0\nH 2\nDAGGER BOTH(0.2) 0 2\nDAGGER ZZS(0.3) 1 2\n"
        "CNOT 0 1\nRX(-0.7) 0\n"
    )
    state = qmk.state(program + body + undo, format="quil")
    assert abs(state[0]) == pytest.approx(1)
    assert abs(qmk.state(program + body, format="quil")[0]) < 0.99


def test_bits_are_computed_with() -> None:
    program = """DECLARE a BIT[4]
DECLARE b BIT[3]
X 0
MEASURE 0 a[0]
MEASURE 1 a[1]
MOVE a[2] a[0]
AND a[2] a[1]
MOVE a[3] 1
XOR a[3] a[0]
NOT a[3]
EQ b[0] a[0] a[3]
GT b[1] a[0] a[1]
IOR b[2] a[2]
EXCHANGE a[1] a[0]
"""
    assert counts(program) == {"011 1010": 200}


def test_loops_are_known_while_the_program_is_read() -> None:
    loop = "DECLARE n INTEGER\nDECLARE ro BIT\nLABEL @a\nX 0\nSUB n 1\nGT ro n 0\nJUMP-WHEN @a ro\nMEASURE 0 ro\n"
    assert counts(loop, n=3) == {"1": 200}
    assert counts(loop, n=4) == {"0": 200}
    numbers = "DECLARE t REAL[2]\nDECLARE ro BIT\nMOVE t[0] 1.5\nADD t[0] 0.5\nMUL t[0] pi_2\nMEASURE 0 ro\n"
    with pytest.raises(QmkError, match="QUIL-04"):
        counts(numbers)
    numbers = "DECLARE t REAL\nDECLARE ro BIT\nMOVE t 0.5\nADD t 0.25\nMUL t 4\nNEG t\nRX(-t*pi/3) 0\nMEASURE 0 ro\n"
    assert counts(numbers) == {"1": 200}


def test_halt_ends_the_shots_that_reach_it() -> None:
    program = "DECLARE ro BIT[2]\nH 0\nMEASURE 0 ro[0]\nJUMP-UNLESS @on ro[0]\nHALT\nLABEL @on\nX 1\nMEASURE 1 ro[1]\n"
    assert set(counts(program)) == {"01", "10"}


def test_noise_of_the_pragmas_is_run() -> None:
    noisy = """DECLARE ro BIT[2]
PRAGMA ADD-KRAUS X 0 "(0.0 0.6 0.6 0.0)"
PRAGMA ADD-KRAUS X 0 "(0.8 0.0 0.0 0.8)"
PRAGMA READOUT-POVM 1 "(0.0 0.0 1.0 1.0)"
PRAGMA PRESERVE_BLOCK
X 0
I 1
MEASURE 0 ro[0]
MEASURE 1 ro[1]
"""
    found = counts(noisy)
    assert set(found) == {"10", "11"}
    assert 30 < found["11"] < 120


def test_qubits_with_gaps_and_bits_that_go_nowhere() -> None:
    circuit = qmk.Circuit.from_text("DECLARE ro BIT\nX 7\nMEASURE 3\nMEASURE 7 ro\n")
    assert [q.name for q in circuit.qubits] == ["q3", "q7"]
    assert qmk.run(circuit, shots=3).counts == {"1": 3}
    assert "MEASURE 7 ro" in circuit.to("quil")


REFUSED = [
    ("QUIL-01", "DECLARE ro BIT\nJUMP @nowhere", 2),
    ("QUIL-02", "H 0\nFOO 1", 2),
    ("QUIL-03", "CNOT 0 0", 1),
    ("QUIL-03", "H q", 1),
    ("QUIL-03", "RX(1, 2) 0", 1),
    ("QUIL-04", "DECLARE ro BIT[2]\nMEASURE 0 ro[2]", 2),
    ("QUIL-04", "DECLARE t REAL\nMEASURE 0 t", 2),
    ("QUIL-05", "RX(1+2*i) 0", 1),
    ("QUIL-05", "RX(__import__('os')) 0", 1),
    ("QUIL-06", 'H 0\nPULSE 0 "rf" flat(duration: 1e-6, iq: 1)', 2),
    ("QUIL-06", "DEFCAL X 0:\n    NOP", 1),
    ("QUIL-07", "DECLARE ro BIT\nLABEL @a\nMEASURE 0 ro\nJUMP-WHEN @a ro", 4),
    ("QUIL-07", "DECLARE ro BIT\nDECLARE n INTEGER\nH 0\nMEASURE 0 ro\nMOVE n ro", 5),
    ("QUIL-07", "DECLARE ro BIT\nRX(ro) 0", 2),
    ("QUIL-08", "DEFGATE A AS MATRIX:\n    1, 1\n    0, 1\n\nA 0", 1),
    ("QUIL-08", "DEFGATE A AS PERMUTATION:\n    0, 0\n\nA 0", 2),
    ("QUIL-08", "DEFCIRCUIT A q:\n    A q\n\nA 0", 1),
    ("QUIL-09", "DECLARE a BIT[2]\nDECLARE b BIT SHARING a", 2),
    ("QUIL-09", "LOAD a b c", 1),
    ("QUIL-09", "PRAGMA SOMETHING", 1),
    ("QUIL-10", "H 999999999", 1),
]


@pytest.mark.parametrize(("rule", "text", "line"), REFUSED)
def test_refusals_name_rule_and_line(rule: str, text: str, line: int) -> None:
    with pytest.raises(QmkError) as refused:
        counts(text)
    (finding,) = refused.value.findings
    assert (finding.rule, finding.line) == (rule, line)
    assert finding.help


def test_every_rule_has_a_program_that_breaks_it() -> None:
    assert {rule for rule, _, _ in REFUSED} | {"QUIL-11"} == set(QUIL_RULES)
    with pytest.raises(QmkError, match="QUIL-11"):
        qmk.Circuit(1).depolarize(0.1, 0).to("quil")


@pytest.mark.parametrize("modifiers", [(), ("1", 1.0), ("01", 1.0), ("", 0.37)])
def test_every_gate_is_written_and_read(modifiers: tuple[str, float]) -> None:
    rng = random.Random(3)
    for name, op in FIXED_SIZE.items():
        n = (op.vqs.high or 0) + len(modifiers[0] if modifiers else "")
        if n > 4 or not op.vqs.high:
            continue
        circuit = qmk.Circuit(n)
        for q in range(n):
            circuit.ry(rng.uniform(0, 3), q).rz(rng.uniform(0, 3), q)
        angles = [rng.uniform(-3, 3) for _ in PARAMS[name]]
        controls = len(modifiers[0]) if modifiers else 0
        more = {"ctrl": range(controls), "ctrl_state": modifiers[0]} if controls else {}
        power = {"power": modifiers[1]} if modifiers and not controls else {}
        circuit.apply(name, *angles, *range(controls, n), **more, **power)
        again = qmk.state(circuit.to("quil"))
        assert abs(np.vdot(qmk.state(circuit), again)) == pytest.approx(1, abs=1e-9), name


def test_branches_tables_and_parameters_are_written() -> None:
    c = qmk.Circuit(3, 3).h([0, 1]).measure([0, 1], [0, 1]).measure(2, 2, basis="X")
    a, b, d = c.bits
    with c.if_((a ^ b) | d):
        c.x(2)
    with c.if_(a & b):
        c.y(1)
    with c.else_():
        c.z(0)
    c.assign("parity", a ^ b ^ d).measure_pauli("XZ", 0, 1, bit=0).reset(1)
    c.rx(2 * qmk.Parameter("w", 2)[1], 0)
    text = c.to("quil")
    assert "DECLARE w REAL[2]" in text
    given = {"w": [0.1, 0.2]}
    first, second = (qmk.run(each, shots=300, seed=5, params=given) for each in (c, text))
    assert all(np.array_equal(first.bits(r.name), second.bits(r.name)) for r in first.registers)
