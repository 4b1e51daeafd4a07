"""The syntax tree of both dialects. ``pos`` is the global source offset of the node's first character."""

from __future__ import annotations

import msgspec


class Expr(msgspec.Struct):
    pos: int


class Literal(Expr):
    """``kind``: int, float, bool, bits (value: number, width), imaginary, duration (value: number, unit), string."""

    kind: str
    value: object


class Name(Expr):
    name: str


class Hardware(Expr):
    index: int


class Unary(Expr):
    op: str
    operand: Expr


class Binary(Expr):
    op: str
    left: Expr
    right: Expr


class Index(Expr):
    """``base[items]``: each item is an expression, a ``Range`` or a ``SetOf``."""

    base: Expr
    items: list[Expr]


class Range(Expr):
    """``start:step:stop``, both ends included; None where left out."""

    start: Expr | None
    step: Expr | None
    stop: Expr | None


class SetOf(Expr):
    """``{a, b, c}``: an index set, a set to loop over, or an array literal."""

    items: list[Expr]


class Call(Expr):
    name: str
    args: list[Expr]


class Cast(Expr):
    type: TypeNode
    operand: Expr


class Concat(Expr):
    parts: list[Expr]


class MeasureOf(Expr):
    operand: Expr


class DurationOf(Expr):
    """``durationof({...})``: known to the grammar, refused by the interpreter."""


class TypeNode(msgspec.Struct):
    """``kind``: bit bool int uint float angle complex duration stretch qubit array. ``dims``: an array's lengths, or
    None with ``rank`` when only their number is written. ``access``: const or mutable for array parameters."""

    pos: int
    kind: str
    size: Expr | None = None
    base: TypeNode | None = None
    dims: list[Expr] | None = None
    rank: Expr | None = None
    access: str = ""


class Stmt(msgspec.Struct):
    pos: int


class Modifier(msgspec.Struct):
    pos: int
    kind: str
    """``inv``, ``pow``, ``ctrl``, ``negctrl``."""
    argument: Expr | None


class GateCall(Stmt):
    name: str
    modifiers: list[Modifier]
    args: list[Expr]
    operands: list[Expr]
    duration: Expr | None = None


class QubitDecl(Stmt):
    name: str
    size: Expr | None


class Declaration(Stmt):
    """``storage``: "" for a variable, const, input or output."""

    type: TypeNode
    name: str
    value: Expr | None
    storage: str = ""


class Alias(Stmt):
    name: str
    value: Expr


class Block(Stmt):
    body: list[Stmt]


class GateDef(Stmt):
    name: str
    params: list[str]
    qubits: list[str]
    body: list[Stmt]


class Opaque(Stmt):
    name: str
    params: list[str]
    qubits: list[str]


class Parameter(msgspec.Struct):
    pos: int
    name: str
    type: TypeNode


class SubroutineDef(Stmt):
    name: str
    params: list[Parameter]
    result: TypeNode | None
    body: list[Stmt]


class Barrier(Stmt):
    """``operands`` empty: every qubit."""

    operands: list[Expr]


class Delay(Stmt):
    duration: Expr
    operands: list[Expr]


class Reset(Stmt):
    operand: Expr


class Assign(Stmt):
    """``op`` is "=" or a compound operator such as "+="."""

    target: Expr
    op: str
    value: Expr


class Evaluate(Stmt):
    """An expression as a statement: a call, or a measurement whose outcome is dropped."""

    value: Expr


class If(Stmt):
    condition: Expr
    then: Stmt
    otherwise: Stmt | None


class For(Stmt):
    type: TypeNode | None
    name: str
    values: Expr
    body: Stmt


class While(Stmt):
    condition: Expr
    body: Stmt


class Switch(Stmt):
    target: Expr
    cases: list[tuple[list[Expr], Block]]
    default: Block | None


class Jump(Stmt):
    kind: str
    """``break``, ``continue``, ``end``."""


class Return(Stmt):
    value: Expr | None


class Box(Stmt):
    duration: Expr | None
    body: Block


class Include(Stmt):
    """A standard library by name; the statements of other files stand in its place."""

    name: str


class Refused(Stmt):
    """A statement the grammar knows and this front-end refuses or warns of: rule, message and help."""

    key: str
    message: str
    help: str = ""


class Program(msgspec.Struct):
    body: list[Stmt] = []
    version: str = ""
