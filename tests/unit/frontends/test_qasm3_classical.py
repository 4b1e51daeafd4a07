"""Compile-time arithmetic, types, casts, arrays, constants and inputs of OpenQASM 3."""

from __future__ import annotations

import math

import pytest

HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'


def angle_of(read, text, expression, **params):
    """The number that an expression gives as a gate parameter."""
    graph = read(f"{HEAD}{text} qubit q; rx({expression}) q;", **params)
    (node,) = (n for n in graph.nodes if n.op == "core.rx")
    return node.args["theta"]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("pi / 2", math.pi / 2),
        ("π", math.pi),
        ("tau", 2 * math.pi),
        ("euler", math.e),
        ("2 ** 3 ** 2", 512),
        ("-2 ** 2", -4),
        ("7 % 3", 1),
        ("-7 % 3", -1),
        ("7.5 % 2", 1.5),
        ("1 << 4", 16),
        ("0xff >> 4", 15),
        ("0b101 | 2", 7),
        ("0o17 & 6", 6),
        ("5 ^ 1", 4),
        ("~5", -6),
        ("1_000", 1000),
        ("1e2", 100),
        ("3.", 3),
        (".25", 0.25),
        ("arcsin(1)", math.pi / 2),
        ("arccos(0.5)", math.acos(0.5)),
        ("arctan(1)", math.pi / 4),
        ("sin(0.3) * cos(0.3)", math.sin(0.3) * math.cos(0.3)),
        ("tan(0.3)", math.tan(0.3)),
        ("exp(1)", math.e),
        ("log(2)", math.log(2)),
        ("sqrt(2)", math.sqrt(2)),
        ("ceiling(1.2)", 2),
        ("floor(-1.2)", -2),
        ("mod(7, 4)", 3),
        ("pow(2, 10)", 1024),
        ("pow(2, -1)", 0.5),
        ('popcount("1011")', 3),
        ("int(3.9)", 3),
        ("int(-3.9)", -3),
        ("float(7) / 2", 3.5),
        ("int[8](300)", 44),
        ("uint[4](-1)", 15),
        ("int[4](9)", -7),
        ("bool(3) && true", 1),
        ("true || false", 1),
        ("!true", 0),
        ("real(sqrt(complex(4)))", 2),
        ("imag(2im * 1.5)", 3),
        ("real((1 + 2im) * (1 - 2im))", 5),
        ("angle[4](pi / 2)", math.pi / 2),
        ('uint[4]("1010")', 10),
        ("sizeof(a)", 3),
        ("sizeof(b, 1)", 2),
        ("a[0] + a[-1]", 8),
        ("b[1][0]", 3),
        ("b[1, 1]", 4),
        ("c0 * 2", 6),
        ("(a[0:1])[1]", 2),
        ('int("11")', 3),
        ('bit[4](uint[4](9)) == "1001"', 1),
        ("u[1]", 1),
        ('u[0:1] == "10"', 1),
        ("3 > 2.5", 1),
        ("1 == 1.0", 1),
    ],
)
def test_expressions(expression, value, read):
    text = "array[int[8], 3] a = {1, 2, 7}; array[float, 2, 2] b = {{1, 2}, {3, 4}}; const int c0 = 3; uint[2] u = 2;"
    assert angle_of(read, text, expression) == pytest.approx(value, abs=1e-15)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("uint[4] x = 15; x += 3;", 2),
        ("int[4] x = 7; x += 1;", -8),
        ("uint[8] x = 3; x -= 4;", 255),
        ("int x = 7; x /= 2;", 3),
        ("int x = -7; x /= 2;", -3),
        ("int x = 7; x %= 4;", 3),
        ("int x = 3; x *= x;", 9),
        ("int x = 1; x <<= 5; x >>= 2;", 8),
        ("int x = 12; x &= 10; x |= 1; x ^= 3;", 10),
        ("int x = 2; x **= 5;", 32),
        ("float x = 1; x /= 4;", 0.25),
        ("int[8] x = 100; x = x * 3;", 44),
        ("int x = 5 / 2;", 2),
        ("float x = 5 / 2;", 2.5),
        ("const int n = 5; float x = n / 2;", 2),
        ("uint[4] x = 5; x[1] = 1; x[0] = 0;", 6),
        ("array[int, 3] a; a[1] = 4; a[2] = a[1] + 1; int x = a[2];", 5),
        ("array[int, 2, 2] a; a[1] = {5, 6}; int x = a[1, 1];", 6),
        ("array[int, 3] a = {1, 2, 3}; a[0:1] = a[1:2]; int x = a[0] * 10 + a[1];", 23),
        ("complex[float[64]] z = 1 + 2im; z *= 2im; float x = real(z);", -4),
        ("angle[2] x = 3.0;", math.pi),
        ("angle[8] x = -pi / 2;", 1.5 * math.pi),
        ("angle x = -pi / 2;", -math.pi / 2),
        ("bool b = 5; int x = int(b);", 1),
        ("bit[4] b = 9; int x = uint[4](b);", 9),
        ("int x; x = 4;", 4),
        ("int x = 0; { int y = 3; x = y; }", 3),
        ("int y = 1; int x = 0; for int y in [5:5] { x = y; } x += y;", 6),
        ("int x = 0; if (2 > 1) x = 1; else x = 2;", 1),
    ],
)
def test_variables(text, value, read):
    assert angle_of(read, text, "x") == pytest.approx(value, abs=1e-15)


@pytest.mark.parametrize(
    ("type_", "given", "value"),
    [
        ("float", 0.5, 0.5),
        ("float", "pi/2", math.pi / 2),
        ("angle", "-pi/2", -math.pi / 2),
        ("angle[4]", "pi/2", math.pi / 2),
        ("int", 3, 3),
        ("int", "3", 3),
        ("uint[4]", 15, 15),
        ("int[4]", -8, -8),
        ("bool", True, 1),
        ("bool", "false", 0),
        ("bool", 1, 1),
        ("bit", 1, 1),
        ("bit", "0", 0),
        ("bit[4]", "0110", 6),
        ("bit[4]", 6, 6),
    ],
)
def test_inputs(type_, given, value, read):
    text = f"input {type_} x; float f = 0; f = {'uint[4](x)' if type_ == 'bit[4]' else 'x'};"
    assert angle_of(read, text, "f", x=given) == pytest.approx(value)


def test_array_inputs(read):
    assert angle_of(read, "input array[float, 2] x;", "x[0] - x[1]", x=[1.5, "pi"]) == pytest.approx(1.5 - math.pi)


def test_inputs_steer_loops_and_sizes(distribution):
    text = HEAD + "input int n; qubit[4] q; for int i in [0:n - 1] x q[i]; bit[4] c = measure q;"
    assert distribution(text, n=3) == pytest.approx({"0111": 1})


@pytest.mark.parametrize(
    ("type_", "params", "part"),
    [
        ("float", {}, "params={'x': 0.5}"),
        ("int", {}, "params={'x': 1}"),
        ("bit[2]", {}, "params={'x': '01'}"),
        ("int", {"x": 1.5}, "not a whole number"),
        ("int", {"x": "two"}, "not a number"),
        ("uint[2]", {"x": 4}, "outside the range"),
        ("bit[2]", {"x": "011"}, "3 bit(s) given for 2"),
        ("bool", {"x": "maybe"}, "neither true nor false"),
        ("float", {"x": 1.0, "y": 2}, "no input 'y'"),
        ("float", {"x": "1/0"}, "not a number"),
    ],
)
def test_wrong_inputs_are_named(type_, params, part, findings):
    found = [f for f in findings(f"{HEAD}input {type_} x; qubit q; rx(float(x)) q;", **params) if f.severity == "error"]
    assert [f.rule for f in found] == ["QASM3-020"]
    assert part in found[0].message + found[0].help


def test_every_missing_input_is_named_at_once(findings):
    text = HEAD + "input float a; input float b; qubit q; rx(a) q; rz(b) q;"
    assert [f.help for f in findings(text)] == ["params={'a': 0.5}", "params={'b': 0.5}"]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("float x = 1 / 0;", 14),
        ("float x = 1.0 / 0;", 14),
        ("int x = 1 % 0;", 14),
        ("float x = sqrt(-1);", 14),
        ("float x = log(0);", 14),
        ("float x = arccos(2);", 14),
        ("float x = exp(1000);", 14),
        ("int x = 2 ** 100000;", 14),
        ("int x = 1 << 100000;", 14),
        ("float x = 10.0 ** 400;", 14),
        ("int x = 1 >> -1;", 14),
        ("int y; int x = y;", 29),
        ("int x; x += 1;", 29),
        ("float x = q;", 13),
        ('bit[2] b = "101";', 11),
        ("array[int, 2] a = {1, 2, 3};", 11),
        ("array[int, 2] a = 5;", 13),
        ("int x = f(1);", 5),
        ("float x = sin(1, 2);", 9),
        ("int x = y;", 5),
        ("const int x = 1; x = 2;", 21),
        ("int[0] x = 1;", 14),
        ("int x = 1; int x = 2;", 6),
        ("float pi = 3;", 6),
        ("array[int, 2] a = {1, 2}; int x = a[2];", 10),
        ("int x = 1; x[70] = 1;", 10),
        ("bit[4] b = 17;", 11),
        ("int x = 1.5 & 2;", 13),
        ("complex z = 1im; bool b = z < z;", 13),
        ("float x = 1im;", 13),
        ("int[5000] x;", 19),
        ("string x;", 7),
        ("duration d = 5;", 13),
        ("float x = 1ns;", 13),
        ("int x = {1};", 13),
        ('int x = "hello";', 13),
        ("array[int, 1000000, 1000000] a;", 19),
        ("float x = 1e400;", 14),
        ("int x = pow(2);", 9),
        ("let a = x;", 5),
        ("float f = true + 1im;", 13),
    ],
)
def test_wrong_classical_code_is_refused_by_rule(text, rule, findings):
    found = [f for f in findings(f"{HEAD}qubit q;\n{text}") if f.severity == "error"]
    assert found, text
    assert found[0].rule == f"QASM3-{rule:03d}", found[0].text()
    assert found[0].line == 4


@pytest.mark.parametrize(
    "text",
    [
        "float f = 2.0 * float(c);",
        "int x = uint[2](c) * uint[2](c);",
        "rx(float(c)) q[0];",
        "x q[uint[2](c)];",
        "int y = 1 << int(c[0]);",
        "for int i in [0:uint[2](c)] { }",
        "float f = 0; if (c[0]) f = 1; rx(f) q[0];",
        "array[int, 3] a = {1, 2, 3}; int x = a[uint[2](c)];",
        "if (sin(uint[2](c)) > 0) x q[0];",
        "const bit b = c[0];",
        "pow(uint[2](c)) @ x q[0];",
        "qubit[uint[2](c)] r;",
    ],
)
def test_measured_values_beyond_logic_are_refused(text, findings):
    found = findings(f"{HEAD}qubit[2] q; bit[2] c; c = measure q;\n{text}")
    assert found, text
    assert {f.rule for f in found} <= {"QASM3-017", "QASM3-015"}, [f.text() for f in found]


def test_endless_while_names_the_loop_and_the_way_out(findings):
    (found,) = findings(HEAD + "input int n;\nqubit q; bit c; c = measure q;\nwhile (c) { c = measure q; }", n=1)
    assert (found.rule, found.line) == ("QASM3-018", 5)
    assert "for int i in" in found.help
    assert "(inputs of this program: n; params={'n': ...} sets one)" in found.help


def test_loops_without_end_are_bounded(findings):
    (found,) = findings(HEAD + "int x = 0;\nwhile (true) { x += 1; }")
    assert found.rule == "QASM3-019"


def test_sized_signed_comparison_warns(findings, distribution):
    text = HEAD + "qubit[2] q; bit[2] c; bit r; qubit t; x q; c = measure q; if (int[2](c) == 3) x t; r = measure t;"
    assert [f.rule for f in findings(text)] == ["QASM3-031"]
    assert distribution(text) == pytest.approx({"1 11": 1})


def test_comparison_that_never_holds_warns(findings):
    assert [f.rule for f in findings(HEAD + "qubit q; bit[2] c; c[0] = measure q; if (c == 4) x q;")] == ["QASM3-027"]


def test_fraction_of_literals_warns(findings, read):
    assert [f.rule for f in findings(HEAD + "qubit q; rx(1/2) q;")] == ["QASM3-033"]
    assert angle_of(read, "", "1/2") == 0.5
    assert angle_of(read, "", "6/2") == 3
