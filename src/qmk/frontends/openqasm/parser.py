"""Statements of OpenQASM 3 to the syntax tree. Every broken statement gives one finding and is skipped."""

from __future__ import annotations

# ``advance`` changes ``kind`` and ``text`` between two looks at them, which the type checker does not see
# pyright: reportUnnecessaryComparison=false, reportUnnecessaryContains=false
from qmk.frontends.openqasm.blocks import BlockParser, Handler
from qmk.frontends.openqasm.expressions import TYPES
from qmk.frontends.openqasm.sources import Refusal
from qmk.frontends.openqasm.tree import (
    Alias,
    Assign,
    Barrier,
    Block,
    Box,
    Call,
    Declaration,
    Delay,
    Evaluate,
    Expr,
    For,
    GateCall,
    GateDef,
    If,
    Jump,
    MeasureOf,
    Modifier,
    Name,
    Parameter,
    QubitDecl,
    Refused,
    Reset,
    Return,
    Stmt,
    SubroutineDef,
    Switch,
    TypeNode,
    While,
)  # fmt: skip

ASSIGN = frozenset(("=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "~=", "<<=", ">>=", "**="))
MODIFIERS = frozenset(("ctrl", "negctrl", "inv", "pow"))


class Parser(BlockParser):
    """OpenQASM 3."""

    # -- statements that begin with a keyword ------------------------------------------------------------------------

    def declaration(self, pos: int, storage: str = "") -> Stmt:
        type_node = self.type()
        if self.text == "(" and not storage:
            raise Refusal("syntax", pos, "a cast is not a statement", "assign its value to a variable")
        name = self.name("a name")
        if self.text == "[" and self.kind == "op":
            raise self.fail("'=' or ';'", f"write the size before the name: {type_node.kind}[...] {name}")
        value = None
        if storage != "input" and self.take("="):
            value = self.value()
        self.expect(";")
        return Declaration(pos, type_node, name, value, storage)

    def storage(self, pos: int) -> Stmt:
        """``const``, ``input``, ``output``."""
        storage = self.text
        self.advance()
        if self.kind != "name" or self.text not in TYPES:
            raise self.fail(
                "a type", f"for example: {storage} float[64] x" + (" = 0.5;" if storage == "const" else ";")
            )
        return self.declaration(pos, storage)

    def qubit(self, pos: int) -> Stmt:
        self.advance()
        size = None
        if self.take("["):
            size = self.expression()
            self.expect("]")
        name = self.name("the register's name")
        if self.text == "[":
            raise self.fail("';'", f"write the size before the name: qubit[...] {name};")
        self.expect(";")
        return QubitDecl(pos, name, size)

    def old_register(self, pos: int) -> Stmt:
        """``qreg q[2];`` and ``creg c[2];``."""
        kind = self.text
        self.advance()
        name = self.name("the register's name")
        size = None
        if self.take("["):
            size = self.expression()
            self.expect("]")
        self.expect(";")
        if kind == "qreg":
            return QubitDecl(pos, name, size)
        return Declaration(pos, TypeNode(pos, "bit", size), name, None)

    def alias(self, pos: int) -> Stmt:
        self.advance()
        name = self.name("the alias's name")
        self.expect("=")
        value = self.value()
        self.expect(";")
        return Alias(pos, name, value)

    def gate_head(self) -> tuple[str, list[str], list[str]]:
        """``gate name(params) qubits``: what is named."""
        self.advance()
        name = self.name("the gate's name")
        params: list[str] = []
        if self.take("(") and not self.take(")"):
            params = self.names("a parameter's name")
            self.expect(")")
        return name, params, self.names("the name of the gate's first qubit")

    def gate_definition(self, pos: int) -> Stmt:
        return GateDef(pos, *self.gate_head(), self.block().body)

    def subroutine(self, pos: int) -> Stmt:
        self.advance()
        name = self.name("the subroutine's name")
        self.expect("(")
        params: list[Parameter] = []
        while self.text != ")":
            params.append(self.parameter())
            if not self.take(","):
                break
        self.expect(")")
        result = self.type() if self.take("->") else None
        return SubroutineDef(pos, name, params, result, self.block().body)

    def parameter(self) -> Parameter:
        pos = self.pos
        if self.text in ("qreg", "creg"):
            kind = "qubit" if self.text == "qreg" else "bit"
            self.advance()
            name = self.name("the parameter's name")
            size = None
            if self.take("["):
                size = self.expression()
                self.expect("]")
            return Parameter(pos, name, TypeNode(pos, kind, size))
        if self.text in ("readonly", "mutable", "const"):
            access = "mutable" if self.text == "mutable" else "const"
            self.advance()
            if self.text != "array":
                raise self.fail("'array'")
            self.advance()
            node = self.array_type(pos, access)
        else:
            node = self.type()
        return Parameter(pos, self.name("the parameter's name"), node)

    def condition(self) -> Expr:
        self.advance()
        self.expect("(")
        found = self.expression()
        self.expect(")")
        return found

    def branch(self, pos: int) -> Stmt:
        condition = self.condition()
        then = self.body()
        otherwise = self.body() if self.take("else") else None
        return If(pos, condition, then, otherwise)

    def loop(self, pos: int) -> Stmt:
        self.advance()
        kind = self.type() if self.text in TYPES else None
        name = self.name("the loop variable")
        if self.text != "in":
            raise self.fail("'in'", "write: for int i in [0:3] { ... }")
        self.advance()
        if self.text == "{":
            values: Expr = self.braces()
        elif self.take("["):
            values = self.range_or_expression()
            self.expect("]")
        else:
            values = self.expression()
        return For(pos, kind, name, values, self.body())

    def while_loop(self, pos: int) -> Stmt:
        return While(pos, self.condition(), self.body())

    def switch(self, pos: int) -> Stmt:
        target = self.condition()
        self.expect("{")
        cases: list[tuple[list[Expr], Block]] = []
        default = None
        while not self.take("}"):
            if self.take("case"):
                labels = [self.expression()]
                while self.take(","):
                    labels.append(self.expression())
                cases.append((labels, self.block()))
            elif self.take("default"):
                default = self.block()
            else:
                raise self.fail("'case', 'default' or '}'")
        return Switch(pos, target, cases, default)

    def jump(self, pos: int) -> Stmt:
        kind = self.text
        self.advance()
        self.expect(";")
        return Jump(pos, kind)

    def give_back(self, pos: int) -> Stmt:
        self.advance()
        value = None if self.text == ";" else self.value()
        self.expect(";")
        return Return(pos, value)

    def reset(self, pos: int) -> Stmt:
        self.advance()
        operands = self.operands()
        self.expect(";")
        if len(operands) == 1:
            return Reset(pos, operands[0])
        return Block(pos, [Reset(pos, operand) for operand in operands])

    def barrier(self, pos: int) -> Stmt:
        self.advance()
        operands = [] if self.text == ";" else self.operands()
        self.expect(";")
        return Barrier(pos, operands)

    def measure(self, pos: int) -> Stmt:
        self.advance()
        measured = MeasureOf(pos, self.operand())
        target = self.operand() if self.take("->") else None
        self.expect(";")
        return Evaluate(pos, measured) if target is None else Assign(pos, target, "=", measured)

    def delay(self, pos: int) -> Stmt:
        self.advance()
        self.expect("[")
        duration = self.expression()
        self.expect("]")
        operands = [] if self.text == ";" else self.operands()
        self.expect(";")
        return Delay(pos, duration, operands)

    def box(self, pos: int) -> Stmt:
        self.advance()
        duration = None
        if self.take("["):
            duration = self.expression()
            self.expect("]")
        return Box(pos, duration, self.block())

    def modified_gate(self, pos: int) -> Stmt:
        """``ctrl(2) @ inv @ pow(k) @ gate(...) operands;``."""
        modifiers: list[Modifier] = []
        while self.text in MODIFIERS:
            at, kind = self.pos, self.text
            self.advance()
            argument = None
            if self.take("("):
                argument = self.expression()
                self.expect(")")
            self.expect("@")
            modifiers.append(Modifier(at, kind, argument))
        return self.gate_call(pos, self.name("a gate's name"), modifiers)

    def gphase(self, pos: int) -> Stmt:
        self.advance()
        return self.gate_call(pos, "gphase", [])

    def gate_call(self, pos: int, name: str, modifiers: list[Modifier], duration: Expr | None = None) -> Stmt:
        """What follows a gate's name."""
        args = self.arguments() if self.text == "(" else []
        if duration is None and self.take("["):
            duration = self.expression()
            self.expect("]")
        operands = [] if self.text == ";" else self.operands()
        self.expect(";")
        return GateCall(pos, name, modifiers, args, operands, duration)

    def call_or_assignment(self, pos: int) -> Stmt:
        name = self.text
        self.advance()
        if self.text == "(":
            args = self.arguments()
            duration = None
            if self.take("["):
                duration = self.expression()
                self.expect("]")
            elif self.text == ";" or (self.kind == "op" and self.text != "["):
                return self.expression_statement(Call(pos, name, args))
            operands = self.operands()
            self.expect(";")
            return GateCall(pos, name, [], args, operands, duration)
        target: Expr = Name(pos, name)
        if self.text == "[" and self.kind == "op":
            target = self.index(target)
            if self.kind in ("name", "hardware") or self.text == "(":
                return self.gate_call(pos, name, [], target.items[0])
            target = self.postfix(target)
        if self.kind == "op" and self.text in ASSIGN:
            op = self.text
            self.advance()
            value = self.value()
            self.expect(";")
            return Assign(pos, target, op, value)
        if self.kind in ("name", "hardware"):
            return self.gate_call(pos, name, [])
        return self.expression_statement(target)

    def expression_statement(self, first: Expr) -> Stmt:
        first = self.operators(first)
        if self.text == ";":
            self.advance()
            return Evaluate(first.pos, first)
        raise self.fail("';', an assignment or operands", "a gate call is written: name(parameters) qubits;")

    def braced_block(self, _pos: int) -> Stmt:
        return self.block()

    # -- what the grammar knows and a gate-level device does not -----------------------------------------------------

    def line_end(self) -> str:
        """The rest of the current line as text; moves past it."""
        local = self.end
        stop = self.source.find("\n", local)
        stop = len(self.source) if stop < 0 else stop
        text = self.source[local:stop].strip()
        self.seek_safely(stop)
        return text

    def pragma(self, pos: int) -> Stmt:
        text = self.line_end()
        words = text.split(None, 2)
        if words[:1] == ["braket"] and words[1:2] not in (["verbatim"], ["result"]):
            way = "write a unitary as gates, give noise with --noise, or leave the pragma out"
            return Refused(pos, "braket", f"the pragma '{text[:60]}' would change the program and is not followed", way)
        return Refused(pos, "pragma", f"the pragma '{text[:60]}' is not known and was not followed")

    def annotation(self, pos: int) -> Stmt:
        text = self.line_end()
        return Refused(pos, "annotation", f"the annotation '@{text[:60]}' is not known and was not followed")

    def calibration(self, pos: int) -> Stmt:
        """``cal``, ``defcal``, ``defcalgrammar``, ``extern``: stepped over whole and refused by name."""
        word = self.text
        level = 0
        while self.kind != "end":
            self._step()
            if self.text == "{":
                level += 1
            elif self.text == "}":
                level -= 1
                if level == 0:
                    self._step()
                    break
            elif self.text == ";" and level == 0:
                self._step()
                break
        return Refused(
            pos, "calibration", f"'{word}' cannot run: QMK's devices execute gates, not pulses or foreign code",
            "define the operation as a gate or a def" if word != "defcalgrammar" else "remove the statement",
        )  # fmt: skip

    def refuse_misplaced(self, pos: int) -> Stmt:
        """OPENQASM after the first statement, or a stray else or case."""
        text = self.text
        if text == "include":
            raise Refusal("scope", pos, "an include may only stand outside every block")
        if text == "OPENQASM":
            raise Refusal("version", pos, "the version must be the first statement", "move it to the first line")
        raise Refusal("syntax", pos, f"'{text}' does not begin a statement here")


HANDLERS: dict[str, Handler] = {
    "qubit": Parser.qubit, "qreg": Parser.old_register, "creg": Parser.old_register,
    "const": Parser.storage, "input": Parser.storage, "output": Parser.storage, "let": Parser.alias,
    "gate": Parser.gate_definition, "def": Parser.subroutine, "if": Parser.branch, "for": Parser.loop,
    "while": Parser.while_loop, "switch": Parser.switch, "break": Parser.jump, "continue": Parser.jump,
    "end": Parser.jump, "return": Parser.give_back, "reset": Parser.reset, "barrier": Parser.barrier,
    "measure": Parser.measure, "delay": Parser.delay, "box": Parser.box, "gphase": Parser.gphase,
    "ctrl": Parser.modified_gate, "negctrl": Parser.modified_gate, "inv": Parser.modified_gate,
    "pow": Parser.modified_gate, "pragma": lambda own, pos: own.pragma(pos), "cal": Parser.calibration,
    "defcal": Parser.calibration,
    "defcalgrammar": Parser.calibration, "extern": Parser.calibration, "OPENQASM": Parser.refuse_misplaced,
    "else": Parser.refuse_misplaced, "case": Parser.refuse_misplaced, "default": Parser.refuse_misplaced,
    "in": Parser.refuse_misplaced, "include": Parser.refuse_misplaced,
}  # fmt: skip

KEYWORDS = frozenset(HANDLERS) | TYPES | {"true", "false", "durationof", "readonly", "mutable"}

Parser.handlers = HANDLERS
Parser.others = {
    "type": Parser.declaration, "name": Parser.call_or_assignment, "pragma": lambda own, pos: own.pragma(pos),
    "@": Parser.annotation, "{": Parser.braced_block, "hardware": Parser.refuse_misplaced,
}  # fmt: skip
