"""The rules of reading HUGR, one row a rule."""

from __future__ import annotations

from qmk.formats.json_rules import Rule

_ROWS = (
    Rule(
        "HUGR-01",
        "not a HUGR",
        "The file is an envelope of one module, whose edges and nodes fit together without cycles.",
        "write it anew with to_bytes of the package hugr",
    ),
    Rule(
        "HUGR-02",
        "no entry point",
        "What runs is the entry point of the module: a function or a dataflow graph; else its function 'main', else "
        "its only public function, else its only one. It takes qubits, which start in |0>, and bits, which start as 0.",
        "mark the function that is to run, and make its other inputs constants",
    ),
    Rule(
        "HUGR-03",
        "unknown op",
        "Ops are those of HUGR's dataflow and control, of its bits, whole numbers, floats, tuples and arrays, and of "
        "tket's quantum, qsystem, rotation, result, measurement, futures and bool extensions.",
        "rewrite the op in ops of tket.quantum",
    ),
    Rule(
        "HUGR-04",
        "a value",
        "A value that is used has been defined, fits the op that uses it, and a qubit is used once.",
        "correct the program that wrote the graph",
    ),
    Rule(
        "HUGR-05",
        "depends on a measurement",
        "What a measurement decides: branches, bits, whole numbers, choices of a few floats. How long a loop is, which "
        "function is called, and places in arrays are known when the program is read.",
        "bound the loop, or compute it after the run",
    ),
    Rule(
        "HUGR-06",
        "results",
        "Results are reported in all shots alike.",
        "report after the branches have met",
    ),
    Rule(
        "HUGR-07",
        "limit",
        "Size, steps, nesting of calls and qubits stay within the limits.",
        "make the program smaller",
    ),
)
HUGR_RULES: dict[str, Rule] = {row.id: row for row in _ROWS}

FROM_QIR = {"QIR-04": "HUGR-04", "QIR-05": "HUGR-05", "QIR-06": "HUGR-04", "QIR-08": "HUGR-07"}
"""The rule that is meant where the arithmetic that QIR shares refuses something."""
