"""``docs/reference/qasm-rules.md`` from the table of OpenQASM rules and the gate libraries."""

from __future__ import annotations

import sys

from pages import NOTICE, table, write_or_check

from qmk.frontends.openqasm.functions import FUNCTIONS
from qmk.frontends.openqasm.library import QELIB1, STDGATES, Gate
from qmk.frontends.openqasm.rules import RULES, Rule

INTRO = """# OpenQASM rules

Every finding of the OpenQASM front-ends carries the id of one of these rules, with file, line, column and what to write
instead. The id begins with `QASM2-` in OpenQASM 2 and with `QASM3-` in OpenQASM 3; the number means the same in both.
An error ends the reading; a warning is printed and the program runs.

"""


def shown(rule: Rule) -> tuple[str, ...]:
    ids = ", ".join(f"`QASM{d}-{rule.number:03d}`" for d in rule.dialects)
    example = f"`{rule.example}`".replace("\n", " ") if rule.example else ""
    return (ids, rule.key, rule.severity, rule.doc, example)


def gates(library: dict[str, Gate]) -> str:
    rows = [
        (f"`{gate.name}`", str(gate.params), str(gate.qubits), f"`core.{gate.direct}`" if gate.direct else "")
        for gate in library.values()
    ]
    return table(("gate", "parameters", "qubits", "op"), rows)


def page() -> str:
    rules = table(("rule", "name", "severity", "meaning", "broken by"), [shown(rule) for rule in RULES])
    functions = "\n".join(
        f"- OpenQASM {dialect}: " + ", ".join(f"`{name}`" for name in sorted(FUNCTIONS[dialect])) for dialect in (2, 3)
    )
    parts = (
        NOTICE.format(script="generate_qasm_rules.py") + INTRO + rules,
        "## Gates of qelib1.inc\n\nA gate with an op becomes exactly that op of the [bytecode](ops.md); others become a"
        " few.\n\n" + gates(QELIB1),
        "## Gates of stdgates.inc\n\n" + gates(STDGATES),
        "## Functions\n\n" + functions + ", `sizeof`\n",
    )
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(write_or_check({"docs/reference/qasm-rules.md": page()}, sys.argv[1:]))
