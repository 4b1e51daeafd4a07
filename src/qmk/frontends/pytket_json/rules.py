"""The rules of reading pytket's JSON, one row a rule."""

from __future__ import annotations

from qmk.formats.json_rules import Rule

_ROWS = (
    Rule(
        "PYTKET-01",
        "not a circuit of pytket",
        "The document is one JSON object with qubits, bits, commands, phase and implicit_permutation, as "
        "Circuit.to_dict gives it.",
        "write it with json.dump(circuit.to_dict(), file)",
    ),
    Rule(
        "PYTKET-02",
        "unknown unit",
        "Every command acts on qubits and bits that the circuit declares, on each once.",
        "correct the command",
    ),
    Rule(
        "PYTKET-03",
        "op not read from JSON",
        "An op is a gate, a measurement, a reset, a barrier, a box with a circuit, an op on bits, or one of these "
        "under a condition. What other boxes do, pytket itself knows.",
        "read it with pytket, and give the circuit: Circuit.from_dict(json.load(file))",
    ),
    Rule(
        "PYTKET-04",
        "not an angle",
        "A parameter is arithmetic of numbers and symbols: + - * / ** and sin, cos, tan, asin, acos, atan, exp, log, "
        "sqrt.",
        "write the angle with these",
    ),
    Rule(
        "PYTKET-05",
        "classical op too large",
        "An expression of registers is bitwise, compares, or depends on few bits; it does not divide.",
        "compute it after the run",
    ),
)

PYTKET_RULES: dict[str, Rule] = {row.id: row for row in _ROWS}
