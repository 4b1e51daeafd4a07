"""Statements to graph: declarations, assignments, quantum operations, and the whole program."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from qmk.formats.warnings import add_warnings
from qmk.frontends.openqasm import arithmetic, flat
from qmk.frontends.openqasm import logic as lg
from qmk.frontends.openqasm.declarations import Declarations
from qmk.frontends.openqasm.library import LIBRARIES
from qmk.frontends.openqasm.parser import Parser
from qmk.frontends.openqasm.parser2 import Parser2
from qmk.frontends.openqasm.scope import Quiet, UserGate, Variable
from qmk.frontends.openqasm.sources import Refusal, Sources, nearest
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
    Include,
    Jump,
    MeasureOf,
    Opaque,
    Program,
    QubitDecl,
    Refused,
    Reset,
    Return,
    SetOf,
    Stmt,
    SubroutineDef,
    Switch,
    While,
)  # fmt: skip
from qmk.frontends.openqasm.unitary import Prim
from qmk.frontends.openqasm.values import DURATION, Type, Value, angle_bits, bits_of, convert, is_dynamic
from qmk.qvm.graph import Graph, Output
from qmk.sdk.frontend import Source

RECURSION = 10_000
"""Python frames a program nested to the limits may need; calls between Python functions take no C stack."""


def parse(source: Source, dialect: int) -> Graph:
    """The graph of an OpenQASM 2 or 3 program. Raises INVALID_GRAPH with every finding.

    Warnings are kept in the graph's metadata under ``warnings``.
    """
    return flat.read(source, dialect) or interpret(source, dialect)


def interpret(
    source: Source, dialect: int, parser: type[Parser] | None = None, interpreter: type[Interpreter] | None = None
) -> Graph:
    """The graph by the semantics that are written here, whatever the native core would read. ``parser`` and
    ``interpreter`` are those of a dialect with statements of its own."""
    sources = Sources(dialect, source.name, source.data, source.path)
    program = Program()
    depth = sys.getrecursionlimit()
    sys.setrecursionlimit(max(depth, RECURSION))
    try:
        kind = parser or (Parser if dialect == 3 else Parser2)
        kind(sources, sources.entry, program).parse()
        sources.raise_errors()
        return (interpreter or Interpreter)(sources, dialect, source.params or {}).run(program)
    finally:
        sys.setrecursionlimit(depth)


class Interpreter(Declarations):
    """Lowers one program."""

    def run(self, program: Program) -> Graph:
        for statement in program.body:
            try:
                self.run_body((statement,))
            except Quiet:
                self._poison(statement)
            except Refusal as refusal:
                self.sources.report(refusal)
                self._poison(statement)
        self._unknown_params()
        outputs = self._outputs()
        self.sources.raise_errors()
        metadata: dict[str, Any] = {"source": {"format": f"qasm{self.dialect}", "version": program.version}}
        return self.builder.finish(outputs, add_warnings(metadata, self.sources.findings))

    def _poison(self, statement: Stmt) -> None:
        """What a refused statement would have declared is not reported again where it is used."""
        name = getattr(statement, "name", None)
        if isinstance(name, str) and not isinstance(statement, GateCall) and name not in self.globals:
            self.poisoned.add(name)

    def execute(self, statement: Stmt) -> None:
        if self.gate_body is not None and type(statement) not in _IN_GATES:
            raise Refusal("scope", statement.pos, "a gate's body holds gates, barriers and loops only",
                          "use def for operations that measure, reset or declare")  # fmt: skip
        self.step(statement.pos)
        _EXECUTE[type(statement)](self, statement)

    def include(self, node: Include) -> None:
        if self.dialect == 2 and node.name == "stdgates.inc":
            raise Refusal("include", node.pos, "stdgates.inc is OpenQASM 3's library", 'include "qelib1.inc"')
        for name, gate in LIBRARIES[node.name].items():
            if not isinstance(self.gates.get(name), UserGate):
                self.gates[name] = gate

    # -- assignments -------------------------------------------------------------------------------------------------

    def assign(self, node: Assign) -> None:
        place = self.place(node.target)
        if node.op == "=" and isinstance(node.value, MeasureOf):
            place.write(self.measure_into(node.value, place.labels, place.type, node.target, node.pos))
            return
        if isinstance(node.value, SetOf):
            if node.op != "=":
                raise Refusal("type", node.pos, f"'{node.op}' does not take a list of values")
            place.write(self.array_data(node.value, place.type))
            return
        if node.op == "=":
            place.write(self.convert_to(node.value, place.type, node.pos))
            return
        op = node.op[:-1]
        right = self.classical(node.value)
        if op == "~":
            value = arithmetic.unary("~", right, node.pos, self.logic)
        else:
            if place.read() is None:
                raise Refusal("unset", node.pos, "the variable has no value to change yet", "assign it first")
            value = arithmetic.binary(op, Value(place.type, place.read()), right, node.pos, self.logic)
        place.write(convert(value, place.type, node.pos, self.logic).data)

    def statement_value(self, node: Evaluate) -> None:
        """A call or measurement whose value is dropped."""
        self.evaluate(node.value)
        if not isinstance(node.value, (Call, MeasureOf)):
            self.warn("no-effect", node.pos, "this expression's value is not used", "assign it or remove it")

    # -- quantum operations ------------------------------------------------------------------------------------------

    def reset(self, node: Reset) -> None:
        for handle in self.qubits(node.operand).data:
            self.builder.add("core.reset", (handle,))

    def barrier(self, node: Barrier) -> None:
        self._hint(node.operands, node.pos)

    def _hint(self, operands: list[Expr], pos: int) -> None:
        """A barrier on qubits; without operands, on every qubit in sight."""
        handles = [handle for operand in operands for handle in self.qubits(operand).data]
        found: tuple[Any, ...] = tuple(dict.fromkeys(handles))
        if self.gate_body is not None:
            self.gate_body.prims.append(Prim("barrier", found))
            return
        if not operands:
            found = tuple(self.builder.vqs)
        self.builder.add("core.barrier", found)

    def delay(self, node: Delay) -> None:
        value = self.classical(node.duration)
        if value.type.kind != "duration":
            raise Refusal(
                "type", node.pos, f"delay takes a duration, not {value.type.text()}", "write: delay[100ns] q;"
            )
        self.warn("timing", node.pos, "the delay only keeps its order: an ideal device has no clock")
        self._hint(node.operands, node.pos)

    def box(self, node: Box) -> None:
        if node.duration is not None:
            value = self.classical(node.duration)
            if value.type.kind != DURATION.kind:
                raise Refusal("type", node.pos, f"box takes a duration, not {value.type.text()}")
            self.warn("timing", node.pos, "the box's duration is not followed: an ideal device has no clock")
        self.block(node.body)

    def refuse(self, node: Refused) -> None:
        raise Refusal(node.key, node.pos, node.message, node.help)

    def return_value(self, node: Return) -> None:
        value = None
        if node.value is not None:
            value = (
                self.measure_labelled(node.value, ("m",))
                if isinstance(node.value, MeasureOf)
                else self.classical(node.value)
            )
        self.give_back(value, node.pos)

    # -- the result --------------------------------------------------------------------------------------------------

    def _unknown_params(self) -> None:
        for name in self.params:
            if name not in self.used_params:
                inputs = ", ".join(sorted(self.used_params))
                help = f"inputs: {inputs}" if inputs else "declare it: input float " + name + ";"
                near = nearest(name, self.used_params)
                self.warn_or_refuse(name, f"did you mean '{near}'? {help}" if near else help)

    def warn_or_refuse(self, name: str, help: str) -> None:
        if self.dialect == 2:
            help = "OpenQASM 2 has no inputs; write the value into the program or use OpenQASM 3"
            self.sources.report(Refusal("undefined", 0, f"the program has no input '{name}'", help))
            return
        self.sources.report(Refusal("input", 0, f"the program has no input '{name}'", help))

    def _outputs(self) -> list[Output]:
        """Result registers, last declared leftmost, highest bit first: the outputs, or else every bit register, or else
        every measured number."""
        variables = [s for s in self.globals.values() if isinstance(s, Variable)]
        chosen = (
            [v for v in variables if v.storage == "output"]
            or [v for v in variables if v.type.kind == "bit" and not v.constant and v.refs is None]
            or [v for v in variables if _measured_number(v)]
        )
        return [self._output(variable) for variable in reversed(chosen)]

    def _output(self, variable: Variable) -> Output:
        bits: tuple[lg.Bit, ...]
        kind = variable.type
        if variable.data is None:
            bits = (lg.FALSE,) * (1 if kind.kind == "bool" else kind.width)
        else:
            try:
                value = self.read(variable, variable.pos)
                if kind.kind == "angle":
                    value = Value(Type("bit", kind.width), angle_bits(value, self.logic))
            except Refusal as refusal:
                self.sources.report(refusal)
                return Output(variable.name, ())
            single = kind.kind == "bool" or (kind.kind == "bit" and kind.size is None)
            bits = bits_of(value, 1 if single else kind.width)
        names = tuple(self.builder.event_of(bit) for bit in reversed(bits))
        return Output(variable.name, names, descending=True)


def _measured_number(variable: Variable) -> bool:
    kind = variable.type
    printed = kind.kind in ("bool", "int", "uint") or (kind.kind == "angle" and kind.size is not None)
    return printed and variable.data is not None and is_dynamic(Value(kind, variable.data))


_EXECUTE: dict[type[Stmt], Callable[[Any, Any], None]] = {
    GateCall: Interpreter.gate_call, QubitDecl: Interpreter.qubits_declared,
    Declaration: Interpreter.declaration, Alias: Interpreter.alias, Block: Interpreter.block,
    GateDef: Interpreter.gate_defined, Opaque: Interpreter.gate_defined, SubroutineDef: Interpreter.subroutine_defined,
    Barrier: Interpreter.barrier, Delay: Interpreter.delay, Reset: Interpreter.reset, Assign: Interpreter.assign,
    Evaluate: Interpreter.statement_value, If: Interpreter.conditional, For: Interpreter.for_loop,
    While: Interpreter.while_loop, Switch: Interpreter.switch, Jump: Interpreter.jump, Return: Interpreter.return_value,
    Box: Interpreter.box, Include: Interpreter.include, Refused: Interpreter.refuse,
}  # fmt: skip

_IN_GATES = frozenset((GateCall, Barrier, Delay, Box, Block, For, While, If, Switch, Refused))
