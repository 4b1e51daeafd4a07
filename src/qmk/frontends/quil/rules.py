"""The rules of reading Quil, one row a rule."""

from __future__ import annotations

from qmk.formats.json_rules import Rule

_ROWS = (
    Rule(
        "QUIL-01",
        "not Quil",
        "The text is UTF-8; each line is an instruction of Quil, a comment, or a line of a definition, which is "
        "indented.",
        "write the program as Program.out() does",
    ),
    Rule(
        "QUIL-02", "unknown gate", "A gate is one of Quil's, or defined by DEFGATE or DEFCIRCUIT before.", "define it"
    ),
    Rule(
        "QUIL-03",
        "wrong operands",
        "A gate has as many parameters and qubits as its definition, each qubit once; qubits are numbers.",
        "correct the line",
    ),
    Rule(
        "QUIL-04",
        "unknown memory",
        "Every reference is to memory that DECLARE names, within its length; measurements go into BIT.",
        "declare it first, such as DECLARE ro BIT[2]",
    ),
    Rule(
        "QUIL-05",
        "not an expression",
        "A parameter is arithmetic of numbers, pi, memory, + - * / ^ and sin, cos, tan, exp, sqrt, cis; it is real.",
        "write the angle with these",
    ),
    Rule(
        "QUIL-06",
        "Quil-T",
        "Pulses, frames, waveforms and calibrations are beyond a circuit.",
        "leave them out: Program.remove_quil_t_instructions() does",
    ),
    Rule(
        "QUIL-07",
        "depends on a measurement",
        "A loop, and arithmetic with INTEGER and REAL, are known when the program is read. What may depend on a "
        "measurement: BIT memory, and jumps forward.",
        "bound the loop, or compute it after the run",
    ),
    Rule(
        "QUIL-08",
        "wrong definition",
        "A gate's matrix is unitary, on at most three qubits; definitions do not contain themselves.",
        "correct the definition",
    ),
    Rule(
        "QUIL-09",
        "not read",
        "LOAD, STORE, SHARING, CALL, INCLUDE and unknown pragmas would change the program in ways that are not "
        "followed.",
        "leave it out, or write it with plain memory",
    ),
    Rule(
        "QUIL-10",
        "too large",
        "The program stays within the limits of nodes, qubits and bits that all programs have.",
        "shorten the loops or split the program",
    ),
    Rule(
        "QUIL-11",
        "not written as Quil",
        "Written are gates, measurements in Z, resets and conditions; not noise, and not what atoms do.",
        "leave it out, or write qasm3",
    ),
)

QUIL_RULES: dict[str, Rule] = {row.id: row for row in _ROWS}
