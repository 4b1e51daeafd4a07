"""Every rule an OpenQASM program can break, once: number, key, doc and the default way out.

The same rule has the same number in both dialects: ``QASM2-007`` and ``QASM3-007`` are both "unknown gate". Code names
a rule by its key.
"""

from __future__ import annotations

from typing import NamedTuple


class Rule(NamedTuple):
    """``dialects``: "2", "3" or "23". ``severity`` is what breaking the rule means. ``example`` breaks it."""

    number: int
    key: str
    doc: str
    dialects: str = "23"
    severity: str = "error"
    example: str = ""


RULES: tuple[Rule, ...] = (
    Rule(1, "syntax", "The text does not follow the grammar at this place.", example="qreg q[2]\nh q[0];"),
    Rule(2, "encoding", "The file is not UTF-8 text."),
    Rule(3, "version", "The version is not one this front-end reads, or is not the first statement."),
    Rule(
        4, "include", "An included file is missing, unreadable, outside the program's folder, or includes itself.",
        example='include "missing.inc";',
    ),
    Rule(5, "undefined", "A name is used before it is declared, or never declared.", example="qreg q[1]; U(0,0,a) q;"),
    Rule(6, "redefined", "A name is declared twice in the same scope.", example="qreg q[1]; creg q[1];"),
    Rule(7, "unknown-gate", "No gate of this name is defined or included.", example="qreg q[1]; hadamard q;"),
    Rule(8, "qubit-count", "A gate or subroutine is given the wrong number of qubits.",
         example='include "qelib1.inc"; qreg q[2]; cx q[0];'),
    Rule(9, "parameter-count", "A gate or function is given the wrong number of parameters.",
         example="qreg q[1]; U(1,2) q;"),
    Rule(10, "index", "An index is outside its register or array.", example="qreg q[2]; U(0,0,0) q[2];"),
    Rule(11, "size", "Registers used together differ in size.", example="qreg q[2]; creg c[3]; measure q -> c;"),
    Rule(12, "same-qubit", "One operation names a qubit twice.",
         example='include "qelib1.inc"; qreg q[1]; cx q[0], q[0];'),
    Rule(13, "type", "A value has a type that does not fit its use.", example="qreg q[1]; creg c[1]; U(0,0,0) c;"),
    Rule(14, "value", "A value is outside what the operation accepts: division by zero, a negative size, overflow.",
         example="qreg q[1]; U(1/0,0,0) q;"),
    Rule(15, "constant", "A value must be known when the program is read, and depends on a measurement.",
         "3", example="bit c; qubit[2] q; c = measure q[0]; reset q[int(c)];"),
    Rule(16, "opaque", "An opaque gate has no definition to run.", "2",
         example="qreg q[1]; opaque magic a; magic q[0];"),
    Rule(17, "measured", "A classical value depends on a measurement in a way that feed-forward cannot compute.", "3",
         example="qubit q; bit c = measure q; float f = 2.0 * float(c);"),
    Rule(18, "while", "A while loop's condition depends on a measurement, so its length is not known.", "3",
         example="qubit q; bit c = measure q; while (c) { c = measure q; }"),
    Rule(19, "limit", "The program expands beyond a limit: statements, qubits, bits, nesting or name length.",
         example="qreg q[1000000];"),
    Rule(20, "input", "An input has no value, a value of the wrong type, or is not declared.", "3",
         example="input float theta;"),
    Rule(21, "scope", "A statement or name is not allowed here.", example="gate g a { reset a; }"),
    Rule(22, "modifier", "A gate modifier is used with the wrong operands or on something that is not a gate.", "3",
         example="qubit q; ctrl(0) @ U(0,0,0) q;"),
    Rule(23, "power", "A fractional power of a gate of several operations is on at most 3 qubits.", "3",
         example="gate g a, b, c, d { ctrl(3) @ U(1,2,3) a, b, c, d; U(1,2,3) a; } qubit[4] q; "
         "pow(0.5) @ g q[0], q[1], q[2], q[3];"),
    Rule(24, "timing", "The ideal device has no clock: a delay or a timed box only keeps its order.", "3", "warning",
         "qubit q; delay[100ns] q;"),
    Rule(25, "pragma", "A pragma that QMK does not know is not followed.", "3", "warning", "pragma vendor fast"),
    Rule(26, "annotation", "An annotation that QMK does not know is not followed.", "3", "warning",
         "@reversible\nqubit q;"),
    Rule(27, "never", "A condition compares a register with a number that it can never hold.", "23", "warning",
         "qreg q[1]; creg c[1]; if (c==2) U(0,0,0) q[0];"),
    Rule(28, "calibration", "Pulse-level code (extern, cal, defcal) cannot run on a gate-level device.", "3",
         example="cal { }"),
    Rule(29, "unset", "A classical variable is read before it has a value.", "3", example="int x; int y = x;"),
    Rule(30, "recursion", "Subroutines call each other without end, or nest deeper than the limit.", "3",
         example="def f() { f(); } f();"),
    Rule(31, "comparison", "A sized signed integer is compared with a number outside its range; bits are compared.",
         "3", "warning", "qubit[2] q; bit[2] c = measure q; if (int[2] (c) == 3) reset q;"),
    Rule(32, "no-effect", "The statement changes nothing that a run can show.", "3", "warning",
         "int x = 1; x + 1;"),
    Rule(33, "division", "Two whole-number literals divide to a fraction: the fraction is kept, where a strict compiler"
         " would drop it. Typed integers truncate toward zero.", "3", "warning", "qubit q; U(1/2, 0, 0) q;"),
    Rule(34, "braket", "A pragma of Amazon Braket is wrong, or changes what is computed (noise, unitary, ...) in a text"
         " that is read as plain OpenQASM 3, where verbatim and result give QASM3-025.", "3",
         example="qubit q; pragma braket noise bit_flip(0.1) q"),
    Rule(50, "emit-op", "An operation of the graph has no form in this version of OpenQASM."),
    Rule(51, "emit-graph", "A part of the graph has no form in this version of OpenQASM: a two-bit event in logic, an"
         " unknown event, in OpenQASM 2 a condition on a part of a register, or a bit that is not printed."),
)  # fmt: skip

BY_KEY: dict[str, Rule] = {rule.key: rule for rule in RULES}


def rule_id(dialect: int, key: str) -> str:
    """``(3, "syntax")`` -> ``QASM3-001``."""
    return f"QASM{dialect}-{BY_KEY[key].number:03d}"
