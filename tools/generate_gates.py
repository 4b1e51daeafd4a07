"""Write ``table.rs`` of the rooms ``circuit``, ``qasm`` and ``stim`` of the native core: what it knows of gates.

Kinds are the gates that the core runs as they are; every other gate with a declared lowering stands in ``LOWERED`` as
steps of those. The reader of OpenQASM has their names in the libraries, and the definitions that are known to say what
a gate is.
"""

from __future__ import annotations

import math
import sys
import textwrap
from collections.abc import Iterable
from typing import Any

from pages import write_or_check

from qmk.frontends.openqasm.known import shapes
from qmk.frontends.openqasm.library import QELIB1
from qmk.frontends.openqasm.unitary import ops_of
from qmk.frontends.stim.gates import ALIASES, DOUBLE, FED, SINGLE, Step
from qmk.ir.names import gates_with, spellings
from qmk.ir.scripts import flat
from qmk.qvm.families.gates import FIXED_SIZE
from qmk.qvm.op import Op
from qmk.qvm.steps import Angle, Line

NATIVE = gates_with("native")
WRITTEN = "//! Written by tools/generate_gates.py from the gates in qmk.qvm.families.gates; not edited by hand.\n"
HEAD = """
use super::{step, Lowered};

kinds! {
"""

QASM_HEAD = "\nuse crate::circuit::Kind;\n\n"
WIDTH = 120


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


def packed(items: Iterable[str], indent: str = "    ") -> str:
    """The items with commas between them, as many on a line as fit."""
    lines = [indent]
    for item in items:
        if len(lines[-1]) + len(item) + 1 > WIDTH and lines[-1].strip():
            lines.append(indent)
        lines[-1] += f"{'' if lines[-1] == indent else ' '}{item},"
    return "\n".join(lines) + "\n"


def step(line: Line, params: list[str]) -> str:
    qubits = ", ".join(map(str, line.operands))
    angles = ", ".join(total(angle, params) for _, angle in line.angles)
    return f"step(Kind::{ident(line.op.removeprefix('core.'))}, &[{qubits}], &[{angles}])"


def lowered(op: Op) -> str:
    """A gate that is no kind, as steps of kinds; a global phase is nothing in a circuit."""
    params = [param.name for param in op.params]
    lines = flat(op.short, lambda short: short in NATIVE or short == "gphase")
    steps = packed((step(line, params) for line in lines if line.op != "core.gphase"), " " * 8)
    bases = op.bases or "-" * op.vqs.low
    head = f'name: "{op.short}", qubits: {op.vqs.low}, angles: &{texts(params)}, bases: b"{bases}"'
    return f"    Lowered {{ {head}, steps: &[\n{steps}    ] }},\n"


def table() -> str:
    kinds = "".join(row(op) for op in FIXED_SIZE.values() if op.short in NATIVE)
    others = "".join(lowered(op) for op in FIXED_SIZE.values() if op.short not in NATIVE and op.lower is not None)
    return f"{WRITTEN}{HEAD}{kinds}}}\n\n" + array(
        "Gates that are no kinds, as steps of kinds.", "LOWERED: &[Lowered]", others
    )


def array(doc: str, head: str, rows: str) -> str:
    return f"/// {doc}\n#[rustfmt::skip]\npub const {head} = &[\n{rows}];\n"


def library(name: str, include: str, words: tuple[str, ...]) -> str:
    rows = packed(f'("{spelling}", Kind::{ident(short)})' for spelling, short in spellings(words))
    return array(f'Gates of "{include}" that are kinds.', f"{name}: &[(&str, Kind)]", rows) + "\n"


def toffoli(name: str, gate: str) -> str:
    steps = [step for item in QELIB1[gate].make().prims for step in ops_of(item)]
    rows = packed(f"(Kind::{ident(short)}, &{list(operands)})" for short, _, operands in steps)
    return array(f'The gate "{gate}" of qelib1.inc.', f"{name}: &[(Kind, &[u32])]", rows) + "\n"


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


def program(expr: Any) -> str:
    """The steps that the reader makes of an expression, as ``known.rs`` writes them."""
    value = number(expr)
    if value is not None:
        return repr(value)
    match expr:
        case ("param", at):
            return f"${at}"
        case ("-", operand):
            return f"{program(operand)} neg"
        case (str(sign), left, right):
            return f"{program(left)} {program(right)} {sign}"
    raise ValueError(f"not an expression of the reader: {expr}")


def known_line(line: tuple[Any, ...]) -> str:
    name, modifiers, args, operands = line
    angles = f"({', '.join(map(program, args))})" if args else ""
    return f"{'inv ' if modifiers else ''}{name}{angles} {' '.join(str(at) for _, at in operands)};"


def known() -> str:
    """Each gate with its numbers of parameters and qubits, and the statements of its definition as text."""
    rows = ""
    for name, params, qubits, lines in sorted(shapes(), key=str):
        if name in FIXED_SIZE:
            head, body = f'    ("{name}", {params}, {qubits}, "', " ".join(map(known_line, lines))
            row = textwrap.wrap(body, WIDTH - 4, initial_indent=head, subsequent_indent=" " * 8)
            rows += " \\\n".join(row) + '"),\n'
    return array("Definitions that say what a gate is.", "KNOWN: &[(&str, usize, usize, &str)]", rows)


def stim_step(step: Step) -> str:
    angle = next(iter(step.args.values()), 0.0)
    turns = f"{angle / math.pi!r} * PI" if angle else "0.0"
    return f"(Kind::{ident(step.op)}, &{list(step.operands)}, {turns})"


def stim() -> str:
    """Stim's gates as steps of kinds, with the Pauli that a measured bit may control."""
    rows = ""
    for shape, table in (("Single", SINGLE), ("Double", DOUBLE)):
        for name, steps in table.items():
            if any(step.op not in NATIVE for step in steps):
                continue
            called = " | ".join(f'b"{each}"' for each in (name, *(a for a, of in ALIASES.items() if of == name)))
            pauli, place = FED.get(name, ("", ""))
            fed = f"Some((Kind::{pauli}, Fed::{place.capitalize()}))" if pauli else "None"
            more = f", {fed}" if shape == "Double" else ""
            rows += f"        {called} => Name::{shape}(&[{', '.join(map(stim_step, steps))}]{more}),\n"
    doc = "/// The gate called `name`; None for what is no gate of kinds.\n#[rustfmt::skip]\n"
    head = "pub fn gate(name: &[u8]) -> Option<Name> {\n    Some(match name {\n"
    uses = "\nuse std::f64::consts::PI;\n\nuse super::names::{Fed, Name};\nuse crate::circuit::Kind;\n\n"
    return f"{WRITTEN}{uses}{doc}{head}{rows}        _ => return None,\n    }})\n}}\n"


def names() -> str:
    """What the reader of OpenQASM has."""
    libraries = library("QELIB1", "qelib1.inc", ("qasm", "qelib1"))
    libraries += library("STDGATES", "stdgates.inc", ("qasm", "stdgates"))
    return WRITTEN + QASM_HEAD + libraries + toffoli("RCCX", "rccx") + toffoli("RC3X", "rc3x") + known()


if __name__ == "__main__":
    rooms = {"circuit": table(), "qasm": names(), "stim": stim()}
    files = {f"native/src/{room}/table.rs": text for room, text in rooms.items()}
    sys.exit(write_or_check(files, sys.argv[1:]))
