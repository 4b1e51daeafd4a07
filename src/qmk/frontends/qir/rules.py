"""The rules of reading and writing QIR, one row a rule."""

from __future__ import annotations

from qmk.formats.json_rules import Rule

_ROWS = (
    Rule("QIR-01", "not QIR", "The file is text or bitcode of LLVM, which LLVM reads and verifies.", "write it anew"),
    Rule(
        "QIR-02",
        "no entry point",
        "One function has the attribute entry_point, and takes no arguments.",
        "mark the function that is to run",
    ),
    Rule(
        "QIR-03",
        "unknown call",
        "A function that is called is defined in the module, or of QIR's instruction sets, with its operands.",
        "define it in the module, or call a gate of QIR's",
    ),
    Rule(
        "QIR-04",
        "unknown instruction",
        "Read are calls, branches, switch, phi, select, whole numbers and floats, and memory.",
        "compile the program for a profile such as adaptive",
    ),
    Rule(
        "QIR-05",
        "depends on a measurement",
        "What a measurement decides: conditions, whole numbers, choices of a few floats and qubits. How long a loop "
        "is, and numbers that are printed as floats, are known when the program is read.",
        "bound the loop, or compute it after the run",
    ),
    Rule(
        "QIR-06",
        "memory",
        "Memory is read and written inside the objects that the program makes, by indices that lead to one of their "
        "values, after something has been written there.",
        "write it first, and stay inside",
    ),
    Rule(
        "QIR-07",
        "recursion",
        "Functions are put in the place of their calls, so that none calls itself.",
        "write it as a loop",
    ),
    Rule(
        "QIR-08",
        "too large",
        "The program stays within the limits of nodes, qubits, bits and steps that all programs have.",
        "shorten the loops or split the program",
    ),
    Rule(
        "QIR-09",
        "output",
        "What a program records is the same list of values in all shots.",
        "record the output after the branches",
    ),
    Rule(
        "QIR-10",
        "not written as QIR",
        "Written are gates, measurements in Z, resets and conditions; not noise, not open parameters, and not what "
        "atoms do.",
        "leave it out, or write qasm3",
    ),
    Rule(
        "QIR-11",
        "not Q#",
        "The source is Q# that the Quantum Development Kit compiles, with one operation to run.",
        "correct the source",
    ),
)

QIR_RULES: dict[str, Rule] = {row.id: row for row in _ROWS}
