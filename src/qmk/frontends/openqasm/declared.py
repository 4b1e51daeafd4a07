"""What an OpenQASM 3 program declares as its inputs, without values for them; and whether they are only angles.

Inputs that stand in angles of gates alone, in sums and multiples, leave the program the same for all values but for
angles, which are affine functions of them: these need be found only once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, cast

import msgspec

from qmk.frontends.openqasm.interpreter import Interpreter
from qmk.frontends.openqasm.parser import Parser
from qmk.frontends.openqasm.sources import Refusal, Sources
from qmk.frontends.openqasm.tree import (
    Binary,
    Block,
    Box,
    Declaration,
    Expr,
    For,
    GateCall,
    GateDef,
    If,
    Index,
    Name,
    Program,
    Stmt,
    Switch,
    Unary,
    While,
)  # fmt: skip
from qmk.frontends.openqasm.values import Type
from qmk.sdk.frontend import Inputs, Source


def declared_inputs(source: Source) -> Inputs:
    """The inputs of a program. Raises INVALID_GRAPH with findings for text that is not a program at all."""
    sources = Sources(3, source.name, source.data, source.path)
    program = Program()
    Parser(sources, sources.entry, program).parse()
    sources.raise_errors()
    evaluator = Interpreter(sources, 3, {})
    shapes: dict[str, tuple[int, ...] | None] = {}
    kinds: set[str] = set()
    for statement in program.body:
        if not isinstance(statement, Declaration) or statement.storage not in ("const", "input"):
            continue
        try:
            if statement.storage == "const":
                evaluator.execute(statement)  # sizes may be named
            else:
                type_ = evaluator.type_of(statement.type)
                shapes[statement.name] = _shape(type_)
                kinds.add((type_.base or type_).kind)
        except Refusal as refusal:
            sources.report(refusal)
    sources.raise_errors()
    return Inputs(shapes, only_angles=kinds <= {"float"} and _are_angles(program, shapes))


def _shape(type_: Type) -> tuple[int, ...] | None:
    """The shape of a real number or an array of them; None for everything else."""
    return type_.dims if (type_.base or type_).kind in ("float", "angle") else None


def _are_angles(program: Program, inputs: Iterable[str]) -> bool:
    names = set(inputs)
    for statement in _within(program.body):
        if isinstance(statement, GateDef):
            names.update(statement.params)
    return all(_is_plain(statement, names) for statement in program.body)


def _is_plain(statement: Stmt, names: set[str]) -> bool:
    """Whether a statement uses ``names`` in the angles of gates alone."""
    if isinstance(statement, GateCall):
        rest = (*statement.modifiers, *statement.operands, statement.duration)
        return all(_is_affine(angle, names) for angle in statement.args) and not _mentions(rest, names)
    body = _body(statement)
    if body is None:
        return not _mentions((statement,), names)
    return not _mentions(_head(statement), names) and all(_is_plain(inner, names) for inner in body)


def _head(statement: Stmt) -> tuple[Any, ...]:
    """What decides which of the statements inside one run, and how often."""
    if isinstance(statement, (If, While)):
        return (statement.condition,)
    if isinstance(statement, For):
        return (statement.values,)
    if isinstance(statement, Switch):
        return (statement.target, *(labels for labels, _ in statement.cases))
    return (statement.duration,) if isinstance(statement, Box) else ()


def _is_affine(angle: Expr, names: set[str]) -> bool:
    """Whether ``names`` stand only in sums and multiples, and as arrays of which one number is taken."""
    if isinstance(angle, Name) or not _mentions((angle,), names):
        return True
    if isinstance(angle, Unary):
        return angle.op in "+-" and _is_affine(angle.operand, names)
    if isinstance(angle, Binary) and angle.op in "+-*/":
        constant = not _mentions((angle.right,), names) or (angle.op == "*" and not _mentions((angle.left,), names))
        return (constant or angle.op in "+-") and all(_is_affine(side, names) for side in (angle.left, angle.right))
    return isinstance(angle, Index) and _is_affine(angle.base, names) and not _mentions(angle.items, names)


def _body(statement: Stmt) -> list[Stmt] | None:
    """The statements inside one; None where it has no place for any."""
    if isinstance(statement, (Block, GateDef)):
        return statement.body
    if isinstance(statement, If):
        return [statement.then, *([] if statement.otherwise is None else [statement.otherwise])]
    if isinstance(statement, (For, While, Box)):
        return [statement.body]
    if isinstance(statement, Switch):
        cases: list[Stmt] = [block for _, block in statement.cases]
        return cases if statement.default is None else [*cases, statement.default]
    return None


def _within(statements: Iterable[Stmt]) -> Iterator[Stmt]:
    for statement in statements:
        yield statement
        yield from _within(_body(statement) or ())


def _mentions(nodes: Iterable[Any], names: set[str]) -> bool:
    """Whether one of the names stands anywhere in these parts of the tree, declarations aside."""
    pending = list(nodes)
    while pending:
        node = pending.pop()
        if isinstance(node, Name) and node.name in names:
            return True
        if isinstance(node, (list, tuple)):
            pending.extend(cast("Iterable[Any]", node))
        elif isinstance(node, msgspec.Struct):
            pending.extend(getattr(node, field) for field in node.__struct_fields__)
    return False
