"""The syntax tree of both dialects. ``pos`` is the global source offset of the node's first character."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Expr:
    pos: int


@dataclass(slots=True)
class Literal(Expr):
    """``kind``: int, float, bool, bits (value: number, width), imaginary, duration (value: number, unit), string."""

    kind: str
    value: object


@dataclass(slots=True)
class Name(Expr):
    name: str


@dataclass(slots=True)
class Hardware(Expr):
    index: int


@dataclass(slots=True)
class Unary(Expr):
    op: str
    operand: Expr


@dataclass(slots=True)
class Binary(Expr):
    op: str
    left: Expr
    right: Expr


@dataclass(slots=True)
class Index(Expr):
    """``base[items]``: each item is an expression, a ``Range`` or a ``SetOf``."""

    base: Expr
    items: list[Expr]


@dataclass(slots=True)
class Range(Expr):
    """``start:step:stop``, both ends included; None where left out."""

    start: Expr | None
    step: Expr | None
    stop: Expr | None


@dataclass(slots=True)
class SetOf(Expr):
    """``{a, b, c}``: an index set, a set to loop over, or an array literal."""

    items: list[Expr]


@dataclass(slots=True)
class Call(Expr):
    name: str
    args: list[Expr]


@dataclass(slots=True)
class Cast(Expr):
    type: TypeNode
    operand: Expr


@dataclass(slots=True)
class Concat(Expr):
    parts: list[Expr]


@dataclass(slots=True)
class MeasureOf(Expr):
    operand: Expr


@dataclass(slots=True)
class DurationOf(Expr):
    """``durationof({...})``: known to the grammar, refused by the interpreter."""


@dataclass(slots=True)
class TypeNode:
    """``kind``: bit bool int uint float angle complex duration stretch qubit array. ``dims``: an array's lengths, or
    None with ``rank`` when only their number is written. ``access``: const or mutable for array parameters."""

    pos: int
    kind: str
    size: Expr | None = None
    base: TypeNode | None = None
    dims: list[Expr] | None = None
    rank: Expr | None = None
    access: str = ""


@dataclass(slots=True)
class Stmt:
    pos: int


@dataclass(slots=True)
class Modifier:
    pos: int
    kind: str
    """inv, pow, ctrl, negctrl"""
    argument: Expr | None


@dataclass(slots=True)
class GateCall(Stmt):
    name: str
    modifiers: list[Modifier]
    args: list[Expr]
    operands: list[Expr]
    duration: Expr | None = None


@dataclass(slots=True)
class FastCalls(Stmt):
    """Gate calls of the commonest form, one after the other: (place, gate, parameters, operands), the latter two as
    text such as ``pi/2`` and ``q[0],q[1]``."""

    calls: list[tuple[int, str, str, str]]


@dataclass(slots=True)
class FastMeasures(Stmt):
    """Measurements of one qubit into one bit, one after the other: (place, register, index, bit register, index)."""

    calls: list[tuple[int, str, int, str, int]]


@dataclass(slots=True)
class QubitDecl(Stmt):
    name: str
    size: Expr | None


@dataclass(slots=True)
class Declaration(Stmt):
    """``storage``: "" for a variable, const, input or output."""

    type: TypeNode
    name: str
    value: Expr | None
    storage: str = ""


@dataclass(slots=True)
class Alias(Stmt):
    name: str
    value: Expr


@dataclass(slots=True)
class Block(Stmt):
    body: list[Stmt]


@dataclass(slots=True)
class GateDef(Stmt):
    name: str
    params: list[str]
    qubits: list[str]
    body: list[Stmt]


@dataclass(slots=True)
class Opaque(Stmt):
    name: str
    params: list[str]
    qubits: list[str]


@dataclass(slots=True)
class Parameter:
    pos: int
    name: str
    type: TypeNode


@dataclass(slots=True)
class SubroutineDef(Stmt):
    name: str
    params: list[Parameter]
    result: TypeNode | None
    body: list[Stmt]


@dataclass(slots=True)
class Barrier(Stmt):
    """``operands`` empty: every qubit."""

    operands: list[Expr]


@dataclass(slots=True)
class Delay(Stmt):
    duration: Expr
    operands: list[Expr]


@dataclass(slots=True)
class Reset(Stmt):
    operand: Expr


@dataclass(slots=True)
class Assign(Stmt):
    """``op`` is "=" or a compound operator such as "+="."""

    target: Expr
    op: str
    value: Expr


@dataclass(slots=True)
class Evaluate(Stmt):
    """An expression as a statement: a call, or a measurement whose outcome is dropped."""

    value: Expr


@dataclass(slots=True)
class If(Stmt):
    condition: Expr
    then: Stmt
    otherwise: Stmt | None


@dataclass(slots=True)
class For(Stmt):
    type: TypeNode | None
    name: str
    values: Expr
    body: Stmt


@dataclass(slots=True)
class While(Stmt):
    condition: Expr
    body: Stmt


@dataclass(slots=True)
class Switch(Stmt):
    target: Expr
    cases: list[tuple[list[Expr], Block]]
    default: Block | None


@dataclass(slots=True)
class Jump(Stmt):
    kind: str
    """break, continue, end"""


@dataclass(slots=True)
class Return(Stmt):
    value: Expr | None


@dataclass(slots=True)
class Box(Stmt):
    duration: Expr | None
    body: Block


@dataclass(slots=True)
class Include(Stmt):
    """A standard library by name; the statements of other files stand in its place."""

    name: str


@dataclass(slots=True)
class Refused(Stmt):
    """A statement the grammar knows and this front-end refuses or warns of: rule, message and help."""

    key: str
    message: str
    help: str = ""


@dataclass(slots=True)
class Program:
    body: list[Stmt] = field(default_factory=list)
    version: str = ""
