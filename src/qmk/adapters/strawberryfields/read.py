"""Reads ``strawberryfields.Program``: its commands, one after the other, as written against Strawberry Fields 0.23.

Operations with an op of light are taken as they are, others as what Strawberry Fields decomposes them into. Free
parameters stay open. Nothing of the library is imported: its objects are asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qmk.circuit.light import program_of
from qmk.frontends.blackbird.optics import OPERATIONS, Writer
from qmk.ir.parameters import Parameter
from qmk.models.arguments import show
from qmk.sdk.adapter import cannot
from qmk.sdk.frontend import Refused

if TYPE_CHECKING:
    from qmk.circuit.program import Program

NAME = "strawberryfields"
DEEPEST = 8
"""Decompositions within decompositions."""


def read(program: Any, _params: Any) -> Program:
    """The program of a ``strawberryfields.Program``. Raises UNSUPPORTED for other objects of the library, and for
    operations, choices of results and parameters that depend on measurements."""
    if type(program).__name__ != "Program":
        what = f"a {type(program).__name__} is not a program that can be read"
        raise cannot(NAME, what, show(program, 40), "give a strawberryfields.Program of the usual kind")
    cutoff = program.backend_options.get("cutoff_dim") if program.backend_options else None
    writer = Writer(program.init_num_subsystems, None if cutoff is None else max(int(cutoff) - 1, 1))
    for at, command in enumerate(program.circuit):
        place = f"command {at} ({type(command.op).__name__})"
        try:
            _take(writer, command.op, command.reg, place, 0)
        except Refused as refused:
            raise cannot(NAME, refused.message, place, refused.help or "take it out of the program") from None
    shots = program.run_options.get("shots") if program.run_options else None
    return program_of(writer.graph(int(shots) if shots else None))


def _take(writer: Writer, op: Any, registers: Any, place: str, depth: int) -> None:
    name, modes = type(op).__name__, [register.ind for register in registers]
    for choice in ("select", "dark_counts"):
        if getattr(op, choice, None) is not None:
            raise cannot(NAME, f"{choice} is not carried over", place, f"leave {choice} out")
    if max(modes, default=-1) >= len(writer.handles):
        raise cannot(NAME, "a mode that is made on the way", place, "give the program all modes at its start")
    dagger = bool(getattr(op, "dagger", False))
    if name in OPERATIONS:
        given = [_value(each, place) for each in op.p[: len(OPERATIONS[name].defaults)]]
        writer.operation(name, given, modes, dagger)
    elif name == "Interferometer":
        writer.operation(name, [op.p[0].tolist()], modes, dagger)
    elif hasattr(op, "decompose") and depth < DEEPEST:
        try:
            parts = op.decompose(registers)
        except Exception:  # what the library raises for it may be anything
            raise cannot(NAME, "there is no op of light for it", place, "write it in elementary gates") from None
        for part in parts:
            _take(writer, part.op, part.reg, place, depth + 1)
    else:
        raise cannot(NAME, "there is no op of light for it", place, "write it in elementary gates")


def _value(given: Any, place: str) -> Any:
    """A number, or an expression of open parameters for one of sympy's."""
    kind = type(given).__name__
    if kind == "FreeParameter":
        return Parameter(given.name)
    if any(type(symbol).__name__ == "MeasuredParameter" for symbol in getattr(given, "free_symbols", ())):
        raise cannot(NAME, "a parameter that depends on a measurement", place, "measure at the end only")
    if hasattr(given, "free_symbols") and given.free_symbols:
        from qmk.adapters import sympy_angles

        return sympy_angles.read(given, lambda what, fix: cannot(NAME, what, place, fix))
    try:
        return float(given)
    except (TypeError, ValueError):
        raise cannot(NAME, f"the parameter {show(given, 40)} is not a real number", place, "give a number") from None
