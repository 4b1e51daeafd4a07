"""The rules of reading and writing QVM JSON: one row a rule, from which findings and the rules page are made."""

from __future__ import annotations

from typing import Literal, NamedTuple

from qmk.base.errors import Finding


class Rule(NamedTuple):
    """``title`` names the fault; ``doc`` says what is asked and why; ``help`` what to write instead."""

    id: str
    title: str
    doc: str
    help: str
    severity: Literal["error", "warning"] = "error"


_ROWS = (
    Rule(
        "QVM-J01",
        "not JSON",
        "The document is one JSON object as RFC 8259 defines it; NaN, Infinity and comments are not JSON.",
        "mend the JSON at the place named",
    ),
    Rule(
        "QVM-J02",
        "not UTF-8",
        "The bytes are UTF-8, with or without a byte order mark, and no text holds half a surrogate pair.",
        "save the file as UTF-8",
    ),
    Rule(
        "QVM-J03",
        "wrong JSON type",
        "Every known key holds a value of the type that the format gives it.",
        "write a value of the type named",
    ),
    Rule("QVM-J04", "missing key", "A key that the format needs is absent.", "add the key"),
    Rule(
        "QVM-J05",
        "unknown key",
        "A node, program, resources, output or guard holds a key that the format does not know. Nothing is ignored: a "
        "misspelt 'guard' must not change what a program does.",
        "correct or remove the key; notes belong under 'metadata'",
    ),
    Rule(
        "QVM-J06",
        "duplicate key",
        "An object holds the same key twice; readers differ in which one they believe.",
        "remove one of the two",
    ),
    Rule("QVM-J07", "unknown version", "The version is neither 0.1 nor 1.0.", 'write "version": "1.0"'),
    Rule(
        "QVM-J08",
        "nested too deep",
        "A value nests deeper than the limit 'json_depth', or a guard deeper than 'guard_depth'.",
        "flatten the value",
    ),
    Rule(
        "QVM-J09",
        "number out of range",
        "Numbers are finite, and integers fit 64 bits (signed or unsigned).",
        "write a smaller number, or a text",
    ),
    Rule(
        "QVM-J10",
        "argument has no numeric value",
        "A text given for a number-valued argument is evaluated as an expression, such as 'pi/2'.",
        "write a number or an arithmetic expression",
    ),
    Rule(
        "QVM-J11",
        "given twice",
        "One argument is given under two of its spellings, such as 'theta' and 'angle'.",
        "keep one of the two",
    ),
    Rule(
        "QVM-J12",
        "malformed guard",
        "A guard is {event, equals} or {type: and|or, conditions: [...]}, nested as needed.",
        'write {"event": "m0", "equals": 1}',
    ),
    Rule(
        "QVM-J13",
        "version is missing",
        "A document without a version is read as QVM 0.1.",
        'add "version"',
        "warning",
    ),
    Rule(
        "QVM-J14",
        "resources are missing",
        "Without resources the handles are collected from the nodes, in order of first use.",
        'add "resources": {"vqs": [...], "chs": [...], "events": [...]}',
        "warning",
    ),
    Rule(
        "QVM-J15",
        "caps are missing",
        "Without caps the program declares no capability.",
        'add "caps": [...]',
        "warning",
    ),
    Rule(
        "QVM-J16",
        "unknown key of a node kept",
        "QVM 0.1 lets a node carry keys of its own; they are kept in the node's metadata and do nothing. One that is "
        "spelt much like a key of a node is an error (QVM-J05).",
        "move it under the node's 'metadata'",
        "warning",
    ),
    Rule(
        "QVM-J17",
        "event added",
        "In QVM 0.1 no event need be declared: those that nodes produce are added. Where some are declared, the list "
        "is taken to be whole, and one that it lacks is an error (QVM-E01).",
        "add it to resources.events",
        "warning",
    ),
    Rule(
        "QVM-J18",
        "not expressible in QVM 0.1",
        "The graph holds something that QVM 0.1 has no words for.",
        "write version 1.0",
    ),
    Rule(
        "QVM-J19",
        "reserved metadata key",
        "Metadata of the program are written as top-level keys, so they cannot be called like a key of the format.",
        "rename the metadata key",
    ),
    Rule(
        "QVM-J20",
        "parameters given to JSON",
        "QVM JSON is a finished program: nothing in it waits for a value from outside.",
        "write assembly with .param instead",
    ),
    Rule(
        "QVM-J21",
        "key of a later version",
        "A key that QVM 1.0 added has no meaning in a document of QVM 0.1: it is kept as metadata and does nothing.",
        'write "version": "1.0", or take the key out',
        "warning",
    ),
)

JSON_RULES: dict[str, Rule] = {row.id: row for row in _ROWS}


def finding(rule: str, message: str, node: str = "", *, fix: str = "", line: int = 0, column: int = 0) -> Finding:
    """A finding of ``rule``; its help is the rule's unless ``fix`` says better."""
    row = JSON_RULES[rule]
    return Finding(rule, message, fix or row.help, node, "", line, column, row.severity)
