"""The rules of reading and writing blocks of Yao as JSON, one row a rule."""

from __future__ import annotations

from qmk.formats.json_rules import Rule

_ROWS = (
    Rule(
        "YAO-01",
        "not a document of blocks",
        "The document is one JSON object with format yao-json, version 1, the number n of qubits and a block; each "
        "part has the keys that it is described with, and no others.",
        "write the block with yao_to_qmk.jl, or as docs/howto/yao.md describes it",
    ),
    Rule(
        "YAO-02",
        "unknown block",
        "A block is one that this reader knows by its name. Sums, projectors, time evolutions and channels of Yao are "
        "not unitary gates, and have no form here.",
        "use put, control, chain, kron, repeat, rotations, shift, phase, matblock, measure, cache, dagger or scale",
    ),
    Rule(
        "YAO-03",
        "wrong positions",
        "Positions are different whole numbers from 1 to the number of qubits around, as many as the block inside has.",
        "correct the positions",
    ),
    Rule(
        "YAO-04",
        "wrong angle",
        "An angle is a finite number of radians, or a text with numbers, pi, functions and declared parameters.",
        "write a number, or declare the parameter",
    ),
    Rule(
        "YAO-05",
        "not a unitary",
        "A matrix is unitary to 1e-9, of at most three qubits; a generator of a rotation is its own inverse; a factor "
        "has the absolute value 1; nothing is measured under a control or in a dagger.",
        "scale the matrix, or take it apart",
    ),
    Rule(
        "YAO-06",
        "wrong parameters",
        "Every parameter that the document declares is given a finite number, and no other is given.",
        "give it: params={'theta': 0.5}",
    ),
    Rule(
        "YAO-07",
        "wrong bits",
        "A measurement names one bit for each position, or null; a bit is one of a register that the document "
        "declares, and is measured into once.",
        "name each bit once",
    ),
    Rule("YAO-08", "too long", "The circuit is no larger than the limits of a program.", "split the program"),
    Rule(
        "YAO-09",
        "no form in Yao",
        "A graph is written whose ops are gates, measurements and resets without conditions, channels or noise; each "
        "register has bits that are single measurements.",
        "rewrite the program, or write another format",
    ),
)
YAO_RULES: dict[str, Rule] = {row.id: row for row in _ROWS}
