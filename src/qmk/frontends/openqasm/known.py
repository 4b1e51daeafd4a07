"""Gate definitions that say what a core op is: writers put them into files because qelib1.inc and stdgates.inc lack the
gate. A definition with the same statements, whatever its names, is read as the op itself.
"""

from __future__ import annotations

from functools import cache
from typing import Any

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

_TEXTS = (
    "gate rxx(t) a, b { h a; h b; cx a, b; rz(t) b; cx a, b; h a; h b; }",
    "gate rxx(t) a, b { h a; h b; cx a, b; rz(t) b; cx a, b; h b; h a; }",
    "gate ryy(t) a, b { inv @ sx a; inv @ sx b; cx a, b; rz(t) b; cx a, b; sx a; sx b; }",
    "gate ryy(t) a, b { sxdg a; sxdg b; cx a, b; rz(t) b; cx a, b; sx a; sx b; }",
    "gate rzz(t) a, b { cx a, b; rz(t) b; cx a, b; }",
    "gate iswap a, b { s a; s b; h a; cx a, b; cx b, a; h b; }",
    "gate iswapdg a, b { h b; cx b, a; cx a, b; h a; sdg b; sdg a; }",
    "gate ccz a, b, c { h c; ccx a, b, c; h c; }",
    "gate sxdg a { inv @ sx a; }",
)
"""Exact to the phase."""

_THETA = ("theta",)
_GATES = {
    "rxx": direct("rxx", 2, "rxx", _THETA), "ryy": direct("ryy", 2, "ryy", _THETA),
    "rzz": direct("rzz", 2, "rzz", _THETA), "iswap": direct("iswap", 2), "iswapdg": direct("iswapdg", 2),
    "ccz": direct("ccz", 3), "sxdg": direct("sxdg", 1),
}  # fmt: skip


def known_gate(node: GateDef) -> Gate | None:
    """The core op that ``node`` defines, when its body is one of the known texts for its name."""
    if node.name not in _GATES or len(node.body) > 16:
        return None
    return _GATES[node.name] if _shape(node) in _shapes() else None


@cache
def _shapes() -> frozenset[Any]:
    from qmk.frontends.openqasm.parser import Parser
    from qmk.frontends.openqasm.sources import Sources

    sources = Sources(3, "", "\n".join(_TEXTS).encode(), "")
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
