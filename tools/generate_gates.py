"""Write ``native/src/circuit/table.rs``: what the native core knows of gates, from their declarations.

Kinds are the gates that the core runs as they are; every other gate with a declared lowering stands in ``LOWERED`` as
steps of those.
"""

from __future__ import annotations

import sys

from pages import write_or_check

from qmk.ir.names import gates_with
from qmk.ir.scripts import flat
from qmk.qvm.families.gates import FIXED_SIZE
from qmk.qvm.op import Op
from qmk.qvm.steps import Angle, Line

NATIVE = gates_with("native")
HEAD = """//! Written by tools/generate_gates.py from the declarations in qmk.qvm.families.gates; not edited by hand.

use super::{Lowered, Step};

kinds! {
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
    return f"{HEAD}{kinds}}}\n\n{doc}\n#[rustfmt::skip]\npub const LOWERED: &[Lowered] = &[\n{others}];\n"


if __name__ == "__main__":
    sys.exit(write_or_check({"native/src/circuit/table.rs": table()}, sys.argv[1:]))
