"""Statements to graph: declarations, assignments, quantum operations, and the whole program."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from qmk.base.limits import LIMITS
from qmk.frontends.openqasm import arithmetic
from qmk.frontends.openqasm import logic as lg
from qmk.frontends.openqasm.flow import Flow
from qmk.frontends.openqasm.inputs import input_data
from qmk.frontends.openqasm.known import known_gate
from qmk.frontends.openqasm.library import LIBRARIES, RESERVED
from qmk.frontends.openqasm.parser import Parser
from qmk.frontends.openqasm.parser2 import Parser2
from qmk.frontends.openqasm.scope import Quiet, Subroutine, UserGate, Variable, nearest
from qmk.frontends.openqasm.sources import Refusal, Sources
from qmk.frontends.openqasm.tree import (
    Alias, Assign, Barrier, Block, Box, Call, Concat, Declaration, Delay, Evaluate, Expr, FastCall, For, GateCall,
    GateDef, If, Include, Index, Jump, MeasureOf, Name, Opaque, Program, QubitDecl, Refused, Reset, Return, SetOf, Stmt,
    SubroutineDef, Switch, While,
)  # fmt: skip
from qmk.frontends.openqasm.unitary import Prim
from qmk.frontends.openqasm.values import DURATION, Type, Value, bits_of, convert, element_type, is_dynamic
from qmk.qvm.graph import Graph, Output
from qmk.sdk.frontend import Source

RECURSION = 10_000
"""Python frames a program nested to the limits may need; calls between Python functions take no C stack"""


def parse(source: Source, dialect: int) -> Graph:
    """The graph of an OpenQASM 2 or 3 program. Raises INVALID_GRAPH with every finding.

    Warnings are kept in the graph's metadata under ``warnings``.
    """
    sources = Sources(dialect, source.name, source.data, source.path)
    program = Program()
    depth = sys.getrecursionlimit()
    sys.setrecursionlimit(max(depth, RECURSION))
    try:
        parser = (Parser if dialect == 3 else Parser2)(sources, sources.entry, program)
        parser.parse()
        sources.raise_errors()
        return Interpreter(sources, dialect, source.params or {}).run(program)
    finally:
        sys.setrecursionlimit(depth)


class Interpreter(Flow):
    """Lowers one program."""

    def run(self, program: Program) -> Graph:
        fast = self.fast_call
        for statement in program.body:
            try:
                if type(statement) is FastCall and not self.jumped:
                    fast(statement)
                else:
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
        if self.sources.findings:
            metadata["warnings"] = self.sources.warnings()
        return self.builder.finish(outputs, metadata)

    def _poison(self, statement: Stmt) -> None:
        """What a refused statement would have declared is not reported again where it is used."""
        name = getattr(statement, "name", None)
        if isinstance(name, str) and not isinstance(statement, (FastCall, GateCall)) and name not in self.globals:
            self.poisoned.add(name)

    def execute(self, statement: Stmt) -> None:
        if self.gate_body is not None and type(statement) not in _IN_GATES:
            raise Refusal("scope", statement.pos, "a gate's body holds gates, barriers and loops only",
                          "use def for operations that measure, reset or declare")  # fmt: skip
        self.step(statement.pos)
        _EXECUTE[type(statement)](self, statement)

    # -- declarations ------------------------------------------------------------------------------------------------

    def qubits_declared(self, node: QubitDecl) -> None:
        self._global_only("qubits", node.pos)
        size = None if node.size is None else self.integer(node.size)
        if size is not None and size < (0 if self.dialect == 2 else 1):
            raise Refusal("value", node.pos, f"a register of {size} qubits", "sizes begin at 1")
        if size is not None and size > LIMITS.qubits:
            raise Refusal("limit", node.pos, f"{size} qubits exceed the limit of {LIMITS.qubits}")
        variable = self.variable(node.name, Type("qubit", size), (), node.pos)
        variable.data = self.builder.allocate(node.name, size)

    def _global_only(self, what: str, pos: int) -> None:
        if len(self.scopes) > 1:
            raise Refusal("scope", pos, f"{what} are declared at the top of the program, outside every block")

    def declaration(self, node: Declaration) -> None:
        type_ = self.type_of(node.type)
        if node.storage in ("input", "output"):
            self._global_only(f"{node.storage}s", node.pos)
        if node.storage == "input":
            variable = self.variable(node.name, type_, None, node.pos, "input")
            variable.data = self._input(node, type_)
            return
        data = self._initial(node, type_)
        if node.storage == "output" and type_.kind not in ("bit", "bool", "int", "uint", "angle"):
            raise Refusal("type", node.pos, f"an output of type {type_.text()} cannot be printed as bits",
                          "declare it bit, bool, int, uint or angle[n]")  # fmt: skip
        if node.storage == "const" and data is not None and is_dynamic(Value(type_, data)):
            raise Refusal("constant", node.pos, f"the constant '{node.name}' depends on a measurement", "drop const")
        if type_.kind == "bit" and type_.size is not None and node.storage != "const":
            data = list(data)
        self.variable(node.name, type_, data, node.pos, node.storage)

    def _input(self, node: Declaration, type_: Type) -> Any:
        self.used_params.add(node.name)
        if node.name not in self.params:
            example = {"bit": "01"}.get(type_.kind, "0.5" if type_.kind in ("float", "angle") else "1")
            self.poisoned.add(node.name)
            del self.globals[node.name]
            raise Refusal(
                "input", node.pos, f"the input '{node.name}' ({type_.text()}) has no value",
                f"--param {node.name}={example}",
            )  # fmt: skip
        return input_data(self, node.name, self.params[node.name], type_, node.pos)

    def _initial(self, node: Declaration, type_: Type) -> Any:
        """The data that a declaration begins with; bits begin at 0."""
        value = node.value
        if value is None:
            if type_.kind == "bit":
                return lg.FALSE if type_.size is None else (lg.FALSE,) * type_.size
            return self._zeros(type_) if type_.kind == "array" else None
        if isinstance(value, SetOf):
            return self.array_data(value, type_)
        if isinstance(value, MeasureOf):
            measured = self.measured(value, self._labels(node.name, type_))
            return convert(measured, type_, node.pos, self.logic).data
        return self.converted(value, type_, node.pos)

    def _labels(self, name: str, type_: Type) -> tuple[str, ...]:
        return (name,) if type_.size is None else tuple(f"{name}_{k}" for k in range(type_.size))

    def _zeros(self, type_: Type) -> Any:
        """An array's data before anything is assigned: zeros, so that elements can be set one by one."""
        if type_.kind == "array":
            return (self._zeros(element_type(type_)),) * type_.dims[0]
        if type_.kind == "bit":
            return lg.FALSE if type_.size is None else (lg.FALSE,) * type_.size
        return {"bool": lg.FALSE, "complex": 0j, "float": 0.0, "angle": 0.0, "duration": 0.0}.get(type_.kind, 0)

    def array_data(self, node: SetOf, type_: Type) -> Any:
        """An array literal as data of ``type_``."""
        if type_.kind != "array":
            raise Refusal("type", node.pos, f"a list of values does not fit {type_.text()}", "declare an array")
        if len(node.items) != type_.dims[0]:
            raise Refusal("size", node.pos, f"{len(node.items)} value(s) for {type_.text()}")
        inner = element_type(type_)
        return tuple(
            self.array_data(item, inner) if isinstance(item, SetOf) else self.converted(item, inner, item.pos)
            for item in node.items
        )

    def converted(self, node: Expr, type_: Type, pos: int) -> Any:
        value = self.evaluate(node) if isinstance(node, (Call, Concat)) else self.classical(node)
        if value.type.kind in ("void", "qubit", "string"):
            raise Refusal("type", pos, f"a value of type {value.type.text()} cannot be assigned")
        return convert(value, type_, pos, self.logic).data

    def alias(self, node: Alias) -> None:
        """``let``: another name for qubits or bits."""
        parts = node.value.parts if isinstance(node.value, Concat) else [node.value]
        if self._names_bits(parts[0]):
            refs = tuple(ref for part in parts for ref in self._bit_references(part))
            size = len(refs) if len(parts) > 1 or self.evaluate(node.value).type.size is not None else None
            self.variable(node.name, Type("bit", size), None, node.pos).refs = refs
            return
        value = self.evaluate(node.value)
        if value.type.kind == "array":
            raise Refusal("type", node.pos, "an array has no alias", "copy it: array[...] b = a;")
        if value.type.kind != "qubit":
            raise Refusal("type", node.pos, "let names qubits or bits", "declare a variable for a classical value")
        self.variable(node.name, value.type, value.data, node.pos)

    def _names_bits(self, node: Expr) -> bool:
        while isinstance(node, Index):
            node = node.base
        symbol = self.find(node.name, node.pos) if isinstance(node, Name) and node.name not in self.constants else None
        return isinstance(symbol, Variable) and symbol.type.kind == "bit" and not symbol.constant

    def _bit_references(self, node: Expr) -> tuple[tuple[Variable, int], ...]:
        if not isinstance(node, (Name, Index)) or not self._names_bits(node):
            raise Refusal("type", node.pos, "an alias of bits is made of bits and registers")
        if isinstance(node, Name):
            symbol = self.find(node.name, node.pos)
            assert isinstance(symbol, Variable)
            return self.references(symbol)
        refs = self._bit_references(node.base)
        where = self.positions(node.items[0], len(refs), node.pos)
        if len(node.items) > 1:
            raise Refusal("index", node.pos, "a bit register has one dimension")
        return (refs[where],) if isinstance(where, int) else tuple(refs[k] for k in where)

    def gate_defined(self, node: GateDef | Opaque) -> None:
        self._global_only("gates", node.pos)
        old = self.gates.get(node.name)
        if isinstance(old, UserGate) or node.name in RESERVED and old is not None:
            where = f"in line {self.line_of(old.definition.pos)}" if isinstance(old, UserGate) else "by the language"
            raise Refusal("redefined", node.pos, f"the gate '{node.name}' is already defined {where}")
        if node.name in self.globals:
            raise Refusal("redefined", node.pos, f"'{node.name}' is already declared", "choose another name")
        names = [*node.params, *node.qubits]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise Refusal("redefined", node.pos, f"'{twice}' stands twice in the head of gate '{node.name}'")
        if isinstance(node, GateDef):
            self._check_gate(node)
        known = known_gate(node) if isinstance(node, GateDef) else None
        self.gates[node.name] = UserGate(node) if known is None else known
        self.fast_plans.clear()
        self.expansions.clear()

    def _check_gate(self, node: GateDef) -> None:
        """Find what is wrong in a definition where it stands, though no call may ever expand it: try it once."""
        if not any(isinstance(statement, (For, While, If, Switch)) for statement in node.body):
            self._expand(node, tuple(0.5 + k / 7 for k in range(len(node.params))), node.pos)

    def subroutine_defined(self, node: SubroutineDef) -> None:
        self._global_only("subroutines", node.pos)
        names = [parameter.name for parameter in node.params]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise Refusal("redefined", node.pos, f"'{twice}' stands twice in the head of '{node.name}'")
        self.declare(node.name, Subroutine(node), node.pos)

    def include(self, node: Include) -> None:
        if self.dialect == 2 and node.name == "stdgates.inc":
            raise Refusal("include", node.pos, "stdgates.inc is OpenQASM 3's library", 'include "qelib1.inc"')
        for name, gate in LIBRARIES[node.name].items():
            if not isinstance(self.gates.get(name), UserGate):
                self.gates[name] = gate
        self.fast_plans.clear()

    # -- assignments -------------------------------------------------------------------------------------------------

    def assign(self, node: Assign) -> None:
        place = self.place(node.target)
        if node.op == "=" and isinstance(node.value, MeasureOf):
            value = self.measured(node.value, place.labels)
            if (
                value.type.size is None
                and place.type.size is not None
                and place.type.kind == "bit"
                and place.type.size != 1
            ):
                raise Refusal("size", node.pos, f"one measured bit does not fill {place.type.text()}", "name one bit")
            place.write(convert(value, place.type, node.pos, self.logic).data)
            return
        if isinstance(node.value, SetOf):
            if node.op != "=":
                raise Refusal("type", node.pos, f"'{node.op}' does not take a list of values")
            place.write(self.array_data(node.value, place.type))
            return
        if node.op == "=":
            place.write(self.converted(node.value, place.type, node.pos))
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

    def evaluated(self, node: Evaluate) -> None:
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
        if value.type.kind not in ("duration", "stretch"):
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

    def refused(self, node: Refused) -> None:
        raise Refusal(node.key, node.pos, node.message, node.help)

    def returned(self, node: Return) -> None:
        value = None
        if node.value is not None:
            value = (
                self.measured(node.value, ("m",)) if isinstance(node.value, MeasureOf) else self.classical(node.value)
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
        """Result registers, last declared leftmost, highest bit first: outputs where declared, else every bit register."""
        variables = [s for s in self.globals.values() if isinstance(s, Variable)]
        chosen = [v for v in variables if v.storage == "output"] or [
            v for v in variables if v.type.kind == "bit" and not v.constant and v.refs is None
        ]
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
                    value = convert(value, Type("uint", kind.width), variable.pos, self.logic)
            except Refusal as refusal:
                self.sources.report(refusal)
                return Output(variable.name, ())
            single = kind.kind == "bool" or kind.kind == "bit" and kind.size is None
            bits = bits_of(value, 1 if single else kind.width)
        names = tuple(self.builder.event_of(bit) for bit in reversed(bits))
        return Output(variable.name, names, descending=True)


_EXECUTE: dict[type[Stmt], Callable[[Any, Any], None]] = {
    GateCall: Interpreter.gate_call, FastCall: Interpreter.fast_call, QubitDecl: Interpreter.qubits_declared,
    Declaration: Interpreter.declaration, Alias: Interpreter.alias, Block: Interpreter.block,
    GateDef: Interpreter.gate_defined, Opaque: Interpreter.gate_defined, SubroutineDef: Interpreter.subroutine_defined,
    Barrier: Interpreter.barrier, Delay: Interpreter.delay, Reset: Interpreter.reset, Assign: Interpreter.assign,
    Evaluate: Interpreter.evaluated, If: Interpreter.conditional, For: Interpreter.for_loop,
    While: Interpreter.while_loop, Switch: Interpreter.switch, Jump: Interpreter.jump, Return: Interpreter.returned,
    Box: Interpreter.box, Include: Interpreter.include, Refused: Interpreter.refused,
}  # fmt: skip

_IN_GATES = frozenset((GateCall, FastCall, Barrier, Delay, Box, Block, For, While, If, Switch, Refused))
