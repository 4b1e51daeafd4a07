"""Angles that depend on measurements: every value that the bits may take, against the same program with that value."""

from __future__ import annotations

import cmath
import itertools
import math

import pytest

HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'
MEASURED = f"{HEAD}qubit[4] q; output bit[4] out; angle[3] c; bit[3] b; "
"""q[0] to q[2] are set to a value and measured into b; q[3] shows what was turned"""

EXPRESSIONS = [
    ("c", lambda k: k),
    ("-c", lambda k: -k),
    ("c << 1", lambda k: 2 * k),
    ("c >> 1", lambda k: k >> 1),
    ("(c << 1) >> 1", lambda k: k & 3),
    ("~c", lambda k: 7 - k),
    ("c & d", lambda k: k & 5),
    ("c | d", lambda k: k | 5),
    ("c ^ d", lambda k: k ^ 5),
    ("c + c", lambda k: 2 * k),
    ("3 * c - d", lambda k: 3 * k - 5),
    ("c * uint[3](5)", lambda k: 5 * k),
    ("c + pi / 4", lambda k: k + 1),
    ("pi / 2 - c", lambda k: 2 - k),
    ("c / 2.0", lambda k: k / 2),
    ("angle[5](c)", lambda k: k),
    ("(c << 1) / 2", lambda k: k & 3),
    ("rotl(c, 1)", lambda k: (k << 1 | k >> 2) & 7),
    ("angle[3](b[0:2])", lambda k: k),
    ("angle(b)", lambda k: k),
]


def shown(k: int) -> str:
    return "".join(f"x q[{place}]; " for place in range(3) if k >> place & 1) + "b = measure q[0:2]; c = angle[3](b); "


def chance(distribution, text: str) -> float:
    """The probability that q[3] reads 1."""
    return sum(p for key, p in distribution(text).items() if key[0] == "1")


@pytest.mark.parametrize(("expression", "steps"), EXPRESSIONS)
def test_a_gate_turns_by_the_measured_angle(distribution, expression, steps):
    for k in range(8):
        text = f"{MEASURED}{shown(k)}angle[3] d = 5 * pi / 4; rx({expression}) q[3]; out[3] = measure q[3];"
        assert chance(distribution, text) == pytest.approx(math.sin(steps(k) * math.pi / 8) ** 2, abs=1e-9)


@pytest.mark.parametrize("gate", ["ctrl @ rx({})", "crx({})", "pow(2) @ ctrl @ rx({})"])
def test_a_sign_under_a_control_is_that_of_the_angle_between_0_and_a_turn(distribution, gate):
    """rx(2 pi - x) and rx(-x) differ by a sign, which the phase of the control shows."""
    for k in range(8):
        known = (-k % 8) * math.pi / 4
        after = "h q[2]; reset q[0]; h q[2]; out[3] = measure q[3]; out[2] = measure q[2];"
        found = [
            distribution(f"{MEASURED}{shown(k)}reset q[2]; h q[2]; {gate.format(angle)} q[2], q[3]; {after}")
            for angle in ("-c", known)
        ]
        assert found[0] == pytest.approx(found[1], abs=1e-9)


@pytest.mark.parametrize(
    "gate",
    [
        "U(c, 0.3, -c) q[3]",
        "mine(c, d) q[3]",
        "pow(0.5) @ rx(c) q[3]",
        "inv @ u3(d, c, 0) q[3]",
        "gphase(c); rx(c) q[3]",
    ],
)
def test_other_gates_are_called_once_for_each_value(distribution, gate):
    define = "gate mine(a, b) q { ry(a * b) q; rz(a - b) q; } "
    for k in range(8):
        rest = f"angle[3] d = c; rx(1) q[3]; {gate}; rx(1) q[3]; out[3] = measure q[3];"
        head = MEASURED.replace("qubit[4]", define + "qubit[4]")
        known = f"{head}c = {k} * pi / 4; {rest}"
        assert chance(distribution, f"{head}{shown(k)}{rest}") == pytest.approx(chance(distribution, known), abs=1e-9)


def test_branches_set_an_angle(distribution):
    for k in range(8):
        text = (
            f"{MEASURED}{shown(k)}c = pi / 4; if (b[0]) c = pi; else c += pi / 2; if (b[1]) {{ c = -c; c[0] = b[2]; }} "
            "rx(c) q[3]; out[3] = measure q[3];"
        )
        steps = 4 if k & 1 else 3
        if k & 2:
            steps = (-steps % 8) & 6 | k >> 2
        assert chance(distribution, text) == pytest.approx(math.sin(steps * math.pi / 8) ** 2, abs=1e-9)


@pytest.mark.parametrize(
    ("condition", "truth"),
    [
        ("c > pi / 2", lambda k: k > 2), ("c == d", lambda k: k == 5), ("c", lambda k: k > 0),
        ("c[1]", lambda k: k & 2),
        ("uint[3](c) + 1 == 4", lambda k: k == 3), ("3 * uint[3](c) == 7", lambda k: 3 * k % 8 == 7),
        ("popcount(c) == 2", lambda k: bin(k).count("1") == 2), ("bit[3](c) == \"110\"", lambda k: k == 6),
    ],
)  # fmt: skip
def test_conditions_on_an_angle(distribution, condition, truth):
    for k in range(8):
        text = f"{MEASURED}{shown(k)}angle[3] d = 5 * pi / 4; if ({condition}) x q[3]; out[3] = measure q[3];"
        assert chance(distribution, text) == pytest.approx(1.0 if truth(k) else 0.0)


def estimate(bits: int, phase: float) -> dict[str, float]:
    """The distribution of the example's result on an eigenstate, summed over all outcomes."""
    found: dict[str, float] = {}
    for outcome in itertools.product((0, 1), repeat=bits):
        c, p = 0, 1.0
        for turn, bit in enumerate(outcome):
            amplitude = 1 + (-1) ** bit * cmath.exp(1j * (phase * 2**turn - c * math.tau / 2**bits))
            p *= abs(amplitude / 2) ** 2
            c = (c & ~1 | bit) << 1 & (2**bits - 1)
        key = format(c, f"0{bits}b")
        found[key] = found.get(key, 0.0) + p
    return {key: p for key, p in found.items() if p > 1e-9}


IPE = """
const uint n = 5; const float theta = {theta}; qubit q; qubit r; angle[n] c = 0; uint[n] power = 1;
reset q; reset r; x r;
for uint i in [0: n - 1] {{
  reset q; h q; ctrl @ pow(power) @ phase(theta) q, r; inv @ phase(c) q; h q;
  measure q -> c[0]; c <<= 1; power <<= 1;
}}
"""


def test_iterative_phase_estimation_of_the_specification(distribution):
    assert distribution(HEAD + IPE.format(theta="3 * pi / 8")) == pytest.approx(estimate(5, 3 * math.pi / 8))


@pytest.mark.parametrize("numerator", [0, 1, 11, 21, 31])
def test_iterative_phase_estimation_finds_every_phase_of_its_precision(distribution, numerator):
    text = f"""{HEAD}const uint n = 5; qubit q; qubit r; angle[n] c = 0; x r;
    for int i in [n - 1:-1:0] {{
      c >>= 1; reset q; h q; ctrl @ pow(1 << i) @ phase({numerator} * pi / 16) q, r; phase(-c) q; h q;
      c[n - 1] = measure q;
    }}"""
    assert distribution(text) == pytest.approx({format(numerator, "05b"): 1.0})


def test_a_program_without_bit_registers_prints_what_it_measured(distribution):
    text = f"{HEAD}qubit[2] q; x q[0]; uint[2] n = 0; bool up; angle[2] a = 0; int known = 3; "
    assert distribution(text + "n[0] = measure q[0]; up = measure q[1]; a[1] = measure q[0];") == {"10 0 01": 1.0}


@pytest.mark.parametrize(
    ("text", "rule", "word"),
    [
        ("float f = c;", "QASM3-017", "angle"), ("angle[2] e = c;", "QASM3-017", "angle[3]"),
        ("c / 2;", "QASM3-017", ">>"),
        ("rx(sin(c)) q[3];", "QASM3-017", "sin"), ("c << n;", "QASM3-017", "distance"), ("c * c;", "QASM3-017", "'*'"),
        ("angle[4] e = b;", "QASM3-011", "bits"),
        ("c << -1;", "QASM3-014", "whole"), ("a << 1;", "QASM3-013", "angle"),
    ],
)  # fmt: skip
def test_what_a_measured_angle_cannot_do_is_refused(findings, text, rule, word):
    program = f"{MEASURED}{shown(1)}angle a = 0.1; uint[3] n = uint[3](b); {text}"
    errors = [f for f in findings(program) if f.rule == rule]
    assert errors, findings(program)
    assert word in errors[0].text()


def test_many_bits_of_an_angle_are_refused_where_each_value_needs_a_call(findings):
    text = f"{HEAD}qubit[9] q; bit[9] b = measure q; angle[9] c = angle[9](b); U(c, 0, 0) q[0];"
    (error,) = [f for f in findings(text) if f.rule == "QASM3-017"]
    assert "9 measured bits" in error.text()
    assert "rx, ry, rz" in error.text()
    assert not findings(text.replace("U(c, 0, 0)", "ry(c)"))


def test_stretches_and_a_CX_of_the_programs_own(distribution):
    text = "OPENQASM 3.0; stretch s; gate CX a, b { ctrl @ U(pi, 0, pi) a, b; } qubit[2] q; U(pi, 0, pi) q[0]; "
    text += "box { delay[2 * s + 10ns] q[1]; CX q[0], q[1]; } delay[s] q; bit[2] c = measure q;"
    assert distribution(text) == {"11": 1.0}


def test_long_angles_keep_every_bit(distribution):
    for bits in (60, 64):
        text = f"{HEAD}qubit q; x q; bit b = measure q; angle[{bits}] c = 0; c[1] = b; c <<= {bits - 2}; "
        assert distribution(f"{text}rx(c) q; b = measure q;") == pytest.approx({"0": 1.0})
