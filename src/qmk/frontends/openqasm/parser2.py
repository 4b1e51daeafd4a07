"""Statements of OpenQASM 2 to the same tree. ``^`` is the power, every number in a parameter is real."""

from __future__ import annotations

from qmk.frontends.openqasm.expressions import POWER
from qmk.frontends.openqasm.parser import Parser
from qmk.frontends.openqasm.sources import Refusal
from qmk.frontends.openqasm.tree import (
    Assign,
    Binary,
    Declaration,
    Expr,
    GateCall,
    If,
    Index,
    Literal,
    MeasureOf,
    Name,
    Opaque,
    QubitDecl,
    Stmt,
    TypeNode,
)  # fmt: skip


class Parser2(Parser):
    """One file of an OpenQASM 2 program (arXiv:1707.03429, appendix A)."""

    dialect = 2
    versions = ("2", "2.0")
    types = frozenset()
    binary = {"+": 9, "-": 9, "*": 10, "/": 10, "^": POWER}  # noqa: RUF012 - overrides a ClassVar

    def number(self) -> Expr:
        found = super().number()
        if isinstance(found, Literal) and found.kind == "int":
            assert isinstance(found.value, int)
            return Literal(found.pos, "float", self.real(str(found.value), found.pos))
        if isinstance(found, Literal) and found.kind != "float":
            raise Refusal("syntax", found.pos, "OpenQASM 2 has no units and no imaginary numbers")
        return found

    def integer(self, what: str) -> int:
        if self.kind != "number" or not self.text.isdecimal():
            raise self.fail(what)
        value = self._int(self.text, 10, self.pos)
        self.advance()
        return value

    def index(self, base: Expr) -> Index:
        pos = self.pos
        self.expect("[")
        at = self.pos
        item = Literal(at, "int", self.integer("an index such as 0"))
        self.expect("]")
        return Index(pos, base, [item])

    def primary(self) -> Expr:
        if self.kind in ("string", "hardware"):
            raise self.fail("an expression")
        return super().primary()

    def postfix(self, base: Expr) -> Expr:
        return self.plain_index(base) or self.index(base) if self.text == "[" else base

    def register(self, pos: int) -> Stmt:
        kind = self.text
        self.advance()
        name = self.name("the register's name")
        self.expect("[")
        at = self.pos
        size = Literal(at, "int", self.integer("the register's size"))
        self.expect("]")
        self.expect(";")
        if kind == "qreg":
            return QubitDecl(pos, name, size)
        return Declaration(pos, TypeNode(pos, "bit", size), name, None)

    def definition(self, pos: int) -> Stmt:
        """``gate`` and ``opaque``: the same head; an opaque gate has no body."""
        if self.text == "gate":
            return self.gate_definition(pos)
        head = self.gate_head()
        self.expect(";")
        return Opaque(pos, *head)

    def conditional(self, pos: int) -> Stmt:
        self.advance()
        self.expect("(")
        register = Name(self.pos, self.name("a classical register"))
        at = self.pos
        if self.text == "[":
            raise Refusal(
                "syntax", at, "OpenQASM 2 compares whole registers only",
                f"declare a one-bit register for the bit, or write OpenQASM 3: if ({register.name}[0]) ...",
            )  # fmt: skip
        self.expect("==")
        value = Literal(self.pos, "int", self.integer("a number such as 1"))
        self.expect(")")
        if self.kind == "name" and self.text in ("if", "gate", "opaque", "qreg", "creg", "include"):
            raise self.fail("a gate, measure or reset")
        then = self.statement()
        if then is None:
            raise self.fail("a gate, measure or reset")
        return If(pos, Binary(at, "==", register, value), then, None)

    def measurement(self, pos: int) -> Stmt:
        self.advance()
        measured = MeasureOf(pos, self.operand())
        self.expect("->")
        target = self.operand()
        self.expect(";")
        return Assign(pos, target, "=", measured)

    def call_or_assignment(self, pos: int) -> Stmt:
        name = self.text
        self.advance()
        args = self.arguments() if self.text == "(" else []
        operands = self.operands()
        self.expect(";")
        return GateCall(pos, name, [], args, operands)


Parser2.handlers = {
    "qreg": Parser2.register, "creg": Parser2.register, "gate": Parser2.definition, "opaque": Parser2.definition,
    "if": Parser2.conditional, "measure": Parser2.measurement, "reset": Parser.reset, "barrier": Parser.barrier,
    "OPENQASM": Parser.refuse_misplaced, "include": Parser.refuse_misplaced,
}  # fmt: skip
Parser2.others = {"name": Parser2.call_or_assignment}
