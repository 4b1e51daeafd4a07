"""The rules of reading Kirin's JSON, one row a rule."""

from __future__ import annotations

from qmk.formats.json_rules import Rule

_ROWS = (
    Rule(
        "KIRIN-01",
        "not a Kirin module",
        "The document is one JSON object with __serialization_module__ true and a body, a method, as Kirin's JSON "
        "serialiser writes it, gzipped or not; every unit in it has the form that the serialiser gives it.",
        "write the program with encode_json of its dialect group",
    ),
    Rule(
        "KIRIN-02",
        "unknown statement",
        "A statement is one that this reader knows, by module and class. Nothing that the document names is imported.",
        "use the statements of squin, or lower the program to them before it is written",
    ),
    Rule(
        "KIRIN-03",
        "foreign module",
        "Types and attributes come from builtins, kirin and bloqade. Nothing that the document names is imported.",
        "keep values of other packages out of the kernel",
    ),
    Rule(
        "KIRIN-04",
        "wrong value",
        "A value has the kind that the statement asks for: qubits for gates, numbers for angles, lists of one length "
        "for a broadcast, distinct qubits for one gate.",
        "correct the kernel",
    ),
    Rule(
        "KIRIN-05",
        "depends on a measurement",
        "Sizes, indexes, angles, loops, branches between blocks and calls are known when the program is read. "
        "What may depend on a measurement: booleans of measured values, and if.",
        "use if with is_one, is_zero or is_lost",
    ),
    Rule(
        "KIRIN-06",
        "wrong argument",
        "Each argument of the kernel is given as a parameter of its name: a number, a truth value, or a list of them.",
        "give the parameters that the message names",
    ),
    Rule(
        "KIRIN-07",
        "wrong result",
        "A kernel returns measurements, truth values, detectors, observables, lists of them, or nothing.",
        "return measurements",
    ),
    Rule(
        "KIRIN-08",
        "too large",
        "The program stays within the limits of nodes, qubits, bits, steps, nesting and size that all programs have.",
        "shorten the loops or split the program",
    ),
    Rule(
        "KIRIN-09",
        "dangling reference",
        "A reference to a value, a region or a block names one that is defined before it is used.",
        "write the program with encode_json of its dialect group",
    ),
)
KIRIN_RULES: dict[str, Rule] = {row.id: row for row in _ROWS}
