"""The rules of programs for lanes, one row a rule."""

from __future__ import annotations

from qmk.formats.json_rules import Rule

_ROWS = (
    Rule(
        "LANES-01",
        "not a program for lanes",
        "The text is 'version 1.x;' and one function 'fn @main() { ... }' with an instruction on each line; the binary "
        "form begins with LANES, its version, and has 17 bytes for each instruction, unused ones 0.",
        "write the program as bloqade-lanes does",
    ),
    Rule(
        "LANES-02",
        "unknown instruction",
        "An instruction is one of version 1.0, with the numbers that it takes.",
        "use the instructions of version 1.0",
    ),
    Rule(
        "LANES-03",
        "wrong stack",
        "An instruction finds on the stack as many values as it takes, each of the kind that it takes; nothing follows "
        "return or halt.",
        "push what the instruction needs",
    ),
    Rule(
        "LANES-04",
        "wrong architecture",
        "The architecture is a name that QMK knows or an ArchSpec of version 2.0 as JSON text, and its parts fit each "
        "other.",
        "give arch=gemini-physical, arch=gemini-logical or the text of a specification",
    ),
    Rule(
        "LANES-05",
        "no such place",
        "Addresses of locations, lanes and zones name what the architecture has.",
        "correct the address",
    ),
    Rule(
        "LANES-06",
        "a site is taken, or empty",
        "A fill puts atoms at empty sites, each once; gates on locations find an atom there.",
        "fill other sites",
    ),
    Rule(
        "LANES-07",
        "moves collide",
        "The lanes of one move are used at once: no lane twice, no two to one site, and none to a site whose atom "
        "stays.",
        "move in more than one step",
    ),
    Rule(
        "LANES-08",
        "the architecture lacks it",
        "A second measurement needs feed_forward, a fill after the first atom_reloading; atoms that entangle are "
        "within the blockade radius, where there is one.",
        "take another architecture",
    ),
    Rule(
        "LANES-09",
        "too large",
        "The program stays within the limits of nodes, qubits and bits that all programs have.",
        "split the program",
    ),
    Rule(
        "LANES-10",
        "wrong parameter",
        "Parameters are arch and angles, which is 'turns' or 'radians'.",
        "give arch and angles",
    ),
)
LANES_RULES: dict[str, Rule] = {row.id: row for row in _ROWS}
