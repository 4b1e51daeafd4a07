"""Gate definitions that say what a core op is: writers put them into files because qelib1.inc and stdgates.inc lack the
gate. A definition with the same statements, whatever its names, is read as the op itself.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from qmk.frontends.openqasm.defined import definitions
from qmk.frontends.openqasm.library import Gate, direct
from qmk.frontends.openqasm.tree import (
    Binary,
    Expr,
    GateCall,
    GateDef,
    Literal,
    Name,
    Program,
    Unary,
)  # fmt: skip
from qmk.qvm.families.gates import FIXED_SIZE

_TEXTS = (
    "gate rxx(t) a, b { h a; h b; cx a, b; rz(t) b; cx a, b; h b; h a; }",
    "gate ryy(t) a, b { sxdg a; sxdg b; cx a, b; rz(t) b; cx a, b; sx a; sx b; }",
    "gate ryy(t) a, b { inv @ sx a; inv @ sx b; cx a, b; rz(t) b; cx a, b; sx a; sx b; }",
    "gate sxdg a { inv @ sx a; }",
    "gate ccz a, b, c { h c; ccx a, b, c; h c; }",
)
"""What other writers define, exact to the phase, beside the definitions that QMK writes."""


def known_gate(node: GateDef) -> Gate | None:
    """The core op that ``node`` defines, when its body is one of the known texts for its name."""
    op = FIXED_SIZE.get(node.name)
    if op is None or len(node.body) > 24 or _shape(node) not in shapes():
        return None
    return direct(op.short, op.vqs.low, op.short, tuple(param.name for param in op.params))


@cache
def shapes() -> frozenset[Any]:
    """Give the definitions that are known, as name, parameters, qubits and statements."""
    from qmk.frontends.openqasm.parser import Parser
    from qmk.frontends.openqasm.sources import Sources

    sources = Sources(3, "", "\n".join((*_TEXTS, *definitions().values())).encode(), "")
    program = Program()
    Parser(sources, sources.entry, program).parse()
    return frozenset(_shape(node) for node in program.body if isinstance(node, GateDef))


def _shape(node: GateDef) -> Any:
    """The definition with its parameters and qubits numbered: equal for equal definitions."""
    names: dict[str, Any] = {name: ("param", k) for k, name in enumerate(node.params)}
    names.update((name, ("qubit", k)) for k, name in enumerate(node.qubits))
    return (node.name, len(node.params), len(node.qubits), tuple(_statement(s, names) for s in node.body))


def _statement(node: Any, names: dict[str, Any]) -> Any:
    if isinstance(node, GateCall):
        modifiers = tuple((m.kind, _expr(m.argument, names)) for m in node.modifiers)
        args, operands = (tuple(_expr(e, names) for e in part) for part in (node.args, node.operands))
        return (node.name, modifiers, args, operands)
    return ("other", id(node))


def _expr(node: Expr | None, names: dict[str, Any]) -> Any:
    match node:
        case Name():
            return names.get(node.name, node.name)
        case Literal():
            return (node.kind, str(node.value))
        case Unary():
            return (node.op, _expr(node.operand, names))
        case Binary():
            return (node.op, _expr(node.left, names), _expr(node.right, names))
        case None:
            return None
        case _:
            return ("other", id(node))
