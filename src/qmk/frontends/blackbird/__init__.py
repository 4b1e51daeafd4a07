"""Front-end ``blackbird``: Xanadu's language for modes of light, as Strawberry Fields writes and reads it.

What it pins. hbar is 2. A measurement of mode k writes register qk, and qk_1 if the mode is measured again; registers
are printed in the order of the modes. A photon counter tells numbers up to the number of photons prepared, if the
program adds none, else up to ``cutoff_dim`` - 1 of the target, else up to 7; a larger number is told as that one.
``most`` says it otherwise. A quadrature is told as the family's homodyne tells it. ``shots`` of the target is what a
run takes unless it is told otherwise. Template parameters ``{x}`` are the program's inputs. Language: Blackbird 1.0.
"""

from __future__ import annotations

import re

from qmk.formats.json_rules import Rule
from qmk.sdk.frontend import Frontend, strip_bom
from qmk.sdk.references import later

_ROWS = (
    Rule(
        "BLACKBIRD-01",
        "statement not recognised",
        "A program is lines of name, version, target, declarations, for loops and operations `Op(...) | modes`.",
        "write it as Blackbird 1.0 has it",
    ),
    Rule(
        "BLACKBIRD-02",
        "value not recognised",
        "Parameters are real numbers, arrays and arithmetic with them.",
        "correct it",
    ),
    Rule("BLACKBIRD-03", "unknown operation", "Operations are those of Strawberry Fields 0.23.", "correct its name"),
    Rule("BLACKBIRD-04", "operands do not fit", "An operation takes so many parameters and modes.", "correct them"),
    Rule(
        "BLACKBIRD-05",
        "cannot be carried over",
        "There is no op for this state, operation or option among QMK's ops of light.",
        "compile the program into elementary gates first",
    ),
    Rule("BLACKBIRD-06", "input without a value", "Every template parameter {x} has a value.", "give it in params"),
    Rule("BLACKBIRD-07", "program too large", "Loops expand within QMK's limits.", "shorten the loops"),
)
BLACKBIRD_RULES: dict[str, Rule] = {row.id: row for row in _ROWS}

_HEAD = re.compile(r"^(name|version|target|type|operation|include)\s+\S", re.MULTILINE)
_OPERATION = re.compile(r"^\s*[A-Z]\w*(\([^|\n]*\))?\s*\|\s*(\[|\d|\w)", re.MULTILINE)


def recognise(data: bytes) -> int:
    """A version or target line, and operations on modes behind a bar."""
    text = strip_bom(data[:65536]).decode("utf-8", "replace")
    heads = {found[1] for found in _HEAD.finditer(text)}
    operations = _OPERATION.search(text) is not None
    return (
        (95 if "version" in heads else 60 if heads else 20) if operations else 40 if {"name", "version"} <= heads else 0
    )


FRONTEND = Frontend(
    "blackbird",
    "Xanadu's Blackbird: modes of light",
    (".xbb",),
    recognise,
    later("qmk.frontends.blackbird.text:read"),
    inputs=later("qmk.frontends.blackbird.text:inputs_of"),
)
