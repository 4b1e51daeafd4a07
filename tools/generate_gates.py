"""Write ``native/src/circuit/table.rs`` and ``native/src/qasm/table.rs``: what the native core knows of gates.

Kinds are the gates that the core runs as they are; every other gate with a declared lowering stands in ``LOWERED`` as
steps of those. The reader of OpenQASM has their names in the libraries, and the definitions that are known to say what
a gate is.
"""

from __future__ import annotations

import math
import sys
from typing import Any

from pages import write_or_check

from qmk.frontends.openqasm.known import shapes
from qmk.ir.names import gates_with, spellings
from qmk.ir.scripts import flat
from qmk.qvm.families.gates import FIXED_SIZE
from qmk.qvm.op import Op
from qmk.qvm.steps import Angle, Line

NATIVE = gates_with("native")
WRITTEN = "//! Written by tools/generate_gates.py from the gates in qmk.qvm.families.gates; not edited by hand.\n"
HEAD = """
use super::{Lowered, Step};

kinds! {
"""

QASM_HEAD = """
use std::f64::consts::PI;

use super::angle::Code;
use super::known::{Known, Line};
use crate::circuit::Kind;

"""


def ident(short: str) -> str:
    """The gate as a variant of ``Kind``."""
    return short.capitalize()


def texts(words: list[str]) -> str:
    """The words as an array of Rust."""
    return "[" + ", ".join('"' + word + '"' for word in words) + "]"


def row(op: Op) -> str:
    """One kind: name, qubits, angles, bases, the gate under its controls, their number, and its inverse."""
    angles = texts([param.name for param in op.params])
    bases = op.bases or "-" * op.vqs.low
    base = ident(op.base.removeprefix("core.")) if op.controls else ident(op.short)
    inverse = ident(op.inverse.removeprefix("core."))
    clifford = str(op.flow is not None).lower()
    words = (ident(op.short), f'"{op.short}"', op.vqs.low, angles, f'b"{bases}"', base, op.controls, inverse, clifford)
    return f"    {' '.join(map(str, words))}\n"


def total(angle: Angle, params: list[str]) -> str:
    terms = ", ".join(f"({params.index(name)}, {factor!r})" for name, factor in angle.terms)
    return f"({angle.constant!r}, &[{terms}])"


def step(line: Line, params: list[str]) -> str:
    qubits = ", ".join(map(str, line.operands))
    angles = ", ".join(total(angle, params) for _, angle in line.angles)
    short = line.op.removeprefix("core.")
    return f"            Step {{ kind: Kind::{ident(short)}, qubits: &[{qubits}], angles: &[{angles}] }},\n"


def lowered(op: Op) -> str:
    """A gate that is no kind, as steps of kinds; a global phase is nothing in a circuit."""
    params = [param.name for param in op.params]
    lines = flat(op.short, lambda short: short in NATIVE or short == "gphase")
    steps = "".join(step(line, params) for line in lines if line.op != "core.gphase")
    bases = op.bases or "-" * op.vqs.low
    return (
        f'    Lowered {{\n        name: "{op.short}",\n        qubits: {op.vqs.low},\n'
        f'        angles: &{texts(params)},\n        bases: b"{bases}",\n'
        f"        steps: &[\n{steps}        ],\n    }},\n"
    )


def table() -> str:
    kinds = "".join(row(op) for op in FIXED_SIZE.values() if op.short in NATIVE)
    others = "".join(lowered(op) for op in FIXED_SIZE.values() if op.short not in NATIVE and op.lower is not None)
    doc = "/// Gates that are no kinds, as steps of kinds."
    return f"{WRITTEN}{HEAD}{kinds}}}\n\n{doc}\n#[rustfmt::skip]\npub const LOWERED: &[Lowered] = &[\n{others}];\n"


def library(name: str, include: str, words: tuple[str, ...]) -> str:
    rows = "".join(f'    ("{spelling}", Kind::{ident(short)}),\n' for spelling, short in spellings(words))
    doc = f'/// Gates of "{include}" that are kinds.'
    return f"{doc}\n#[rustfmt::skip]\npub const {name}: &[(&str, Kind)] = &[\n{rows}];\n\n"


def number(expr: Any) -> float | None:
    """The value of an expression without parameters."""
    match expr:
        case "pi":
            return math.pi
        case ("int" | "float", text):
            return float(text)
        case ("-", operand):
            value = number(operand)
            return None if value is None else -value
        case ("/", left, right):
            over, under = number(left), number(right)
            return None if over is None or under is None else over / under
    return None


def program(expr: Any) -> list[str]:
    """The steps that the reader makes of an expression."""
    value = number(expr)
    if value is not None:
        turns = value / math.pi
        return [f"Code::Number({turns!r} * PI)" if value and (8 * turns).is_integer() else f"Code::Number({value!r})"]
    match expr:
        case ("param", at):
            return [f"Code::Param({at})"]
        case ("-", operand):
            return [*program(operand), "Code::Negate"]
        case (str(sign), left, right):
            return [*program(left), *program(right), f"Code::Operate(b'{sign}')"]
    raise ValueError(f"not an expression of the reader: {expr}")


def known_line(line: tuple[Any, ...]) -> str:
    name, modifiers, args, operands = line
    angles = ", ".join(f"&[{', '.join(program(arg))}]" for arg in args)
    qubits = ", ".join(str(at) for _, at in operands)
    inverted = str(bool(modifiers)).lower()
    return f'        Line {{ name: "{name}", inverted: {inverted}, angles: &[{angles}], qubits: &[{qubits}] }},\n'


def known() -> str:
    rows = ""
    for name, params, qubits, lines in sorted(shapes(), key=str):
        if name in FIXED_SIZE:
            body = "".join(map(known_line, lines))
            rows += f'    Known {{ gate: "{name}", params: {params}, qubits: {qubits}, lines: &[\n{body}    ] }},\n'
    return f"/// Definitions that say what a gate is.\n#[rustfmt::skip]\npub const KNOWN: &[Known] = &[\n{rows}];\n"


def names() -> str:
    """What the reader of OpenQASM has."""
    libraries = library("QELIB1", "qelib1.inc", ("qasm", "qelib1"))
    return WRITTEN + QASM_HEAD + libraries + library("STDGATES", "stdgates.inc", ("qasm", "stdgates")) + known()


if __name__ == "__main__":
    files = {"native/src/circuit/table.rs": table(), "native/src/qasm/table.rs": names()}
    sys.exit(write_or_check(files, sys.argv[1:]))
