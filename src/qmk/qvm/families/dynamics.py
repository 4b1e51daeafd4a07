"""Family ``dynamics``: several subsystems, each with its own number of levels, that evolve under a Hamiltonian and
collapse operators for a time (hbar = 1; the unit of time is the program's). docs/spec/dynamics.md is the whole text.

Subsystem k of d levels is held by ``width(d)`` of the op's qubits, in order: the number of its level in binary, the
first qubit its highest bit. The op first sets them to its initial state, whatever they held.
"""

from __future__ import annotations

import itertools
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from qmk.base.limits import LIMITS
from qmk.qvm.op import Args, Arity, Family, Op, Param

Real = Annotated[float, Meta(ge=-1e9, le=1e9)]
Share = Annotated[float, Meta(ge=0, le=1e9)]
Index = Annotated[int, Meta(ge=0, le=1 << 53)]
Number = (
    Real | Annotated[tuple[Real, ...], Meta(min_length=2, max_length=2)]
)  # a union with a fixed tuple crashes msgspec
On = Index | Annotated[tuple[Index, ...], Meta(min_length=1)]
Many = Meta(max_length=LIMITS.field_knots)


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Samples (steps, lines or a cubic spline), cos(omega t + phase), or exp(-(t - center)^2 / (2 sigma^2))."""

    times: Annotated[tuple[Real, ...], Many] = ()
    values: Annotated[tuple[Real, ...], Many] = ()
    order: Literal[0, 1, 3] = 1
    omega: Real | None = None
    phase: Real = 0.0
    center: Real = 0.0
    sigma: Annotated[float, Meta(ge=1e-9, le=1e9)] | None = None


class Factor(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A named operator on a subsystem, or entries (row, column, re, im) of a matrix, the first of ``on`` highest."""

    on: On
    op: str = ""
    entries: tuple[tuple[Index, Index, Real, Real], ...] = ()


class Term(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A number times an envelope in time times a product of factors, the leftmost acting last."""

    factor: Number = 1.0
    of: tuple[Factor, ...] = ()
    time: Envelope | None = None


class Collapse(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A collapse operator, and its rate, times an envelope in time."""

    rate: Share
    operator: tuple[Term, ...]
    time: Envelope | None = None


class Start(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The state of some subsystems: a level, coherent, thermal, or entries of a vector or a density matrix."""

    on: On
    level: Index | None = None
    coherent: Number | None = None
    thermal: Share | None = None
    vector: tuple[tuple[Index, Real, Real], ...] = ()
    density: tuple[tuple[Index, Index, Real, Real], ...] = ()


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The arguments of ``dynamics.evolve``."""

    levels: Annotated[tuple[Annotated[int, Meta(ge=2, le=LIMITS.levels)], ...], Meta(max_length=LIMITS.subsystems)]
    hamiltonian: Annotated[tuple[Term, ...], Many]
    times: Annotated[tuple[Real, ...], Meta(min_length=2, max_length=LIMITS.field_knots)]
    collapse: Annotated[tuple[Collapse, ...], Many] = ()
    initial: tuple[Start, ...] = ()
    observables: Annotated[dict[str, tuple[Term, ...]], Meta(max_length=LIMITS.observables)] = {}


def width(levels: int) -> int:
    """Qubits that hold a subsystem of so many levels."""
    return (levels - 1).bit_length()


def subsystems(on: On) -> tuple[int, ...]:
    return on if isinstance(on, tuple) else (on,)


def starts_mixed(args: Args) -> bool:
    return any(start.get("thermal") or start.get("density") for start in args.get("initial", ()))


def is_open(args: Args) -> bool:
    """Whether an evolution may end in more than one state."""
    return starts_mixed(args) or any(row["rate"] for row in args.get("collapse", ()))


def fault(args: Args, qubits: int) -> str:
    """Why arguments are not an evolution of subsystems held by so many qubits; "" if they are."""
    try:
        model = msgspec.convert(args, Model)
    except msgspec.ValidationError as error:
        return str(error).replace("`", "'")
    if sum(map(width, model.levels)) != qubits:
        return f"its levels take {sum(map(width, model.levels))} qubits, not {qubits}"
    if any(a >= b for a, b in itertools.pairwise(model.times)):
        return "its times do not rise"
    sums = (model.hamiltonian, *(row.operator for row in model.collapse), *model.observables.values())
    places = [part.on for terms in sums for term in terms for part in term.of] + [start.on for start in model.initial]
    if any(max(subsystems(on)) >= len(model.levels) for on in places):
        return f"its subsystems are 0 to {len(model.levels) - 1}, and it names another"
    return ""


_DATA = {
    "levels": "how many levels each subsystem has",
    "hamiltonian": "terms: factor, of (operators and their subsystems), time",
    "times": "when values are had; the evolution is from the first to the last",
    "collapse": "collapse operators: rate, operator (terms), time",
    "initial": "states: on, and which; all else is in level 0",
    "observables": "terms of each observable, by its name, for values over time",
}
_OP = Op(
    "dynamics.evolve",
    "the master equation of subsystems from an initial state, the level of each in binary on its qubits",
    "evolution",
    vqs=Arity(1, None),
    params=tuple(Param(k, "data", doc, required=at < 3) for at, (k, doc) in enumerate(_DATA.items())),
)
FAMILY = Family("dynamics", 1, "open systems of several subsystems in time", (_OP,))
